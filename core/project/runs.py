"""The run folder: `runs/<run>/` with recipe, split, predictions, metrics and head, each readable on its own."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.durable import sync_file, sync_folder
from core.errors import FinerayError, storage_error
from core.project.label_sets import certainties, multi_value
from core.project.project import Project
from core.project.splits import ASIDE, EXTERNAL

PIECE = 2000  # rows of predictions that are read at once
FROZEN, TEST_METRICS, TEST_PREDICTIONS = "frozen.json", "test_metrics.json", "test_predictions.csv"
PREDICTIONS, VALIDATION_PREDICTIONS = "predictions.csv", "validation_predictions.csv"
PACKAGE = "package.json"
OPERATING_POINT = "operating_point.json"  # core.evaluation.kept_point


class RunMissing(FinerayError):
    """No finished run of that name is in the project."""


class NotJudgedHere(FinerayError):
    """A model that was opened from a package has no predictions in this project."""


@dataclass(frozen=True)
class Predictions:
    """Out-of-sample predictions, one row an image.

    images: catalogue ids [n]; patients: pseudonyms; parts: the fold or part in which each image was held out;
    true: class numbers [n]; probabilities: [n, classes], rows sum to 1; truth: only where classes are findings that may
    stand side by side, [n, classes] of 1, 0 and NaN for doubtful ones; `true` says nothing then, and each finding has a
    probability of its own.
    """

    classes: tuple[str, ...]
    images: NDArray[np.int64]
    patients: tuple[str, ...]
    parts: tuple[str, ...]
    true: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    truth: NDArray[np.float64] | None = None

    def finding(self, name: str) -> Predictions:
        """One finding as a question of two classes, without the images in which it is doubtful."""
        assert self.truth is not None
        column = self.classes.index(name)
        rows = np.flatnonzero(~np.isnan(self.truth[:, column]))
        chance = self.probabilities[rows, column]
        return Predictions(
            classes=(f"no {name}", name),
            images=self.images[rows],
            patients=tuple(self.patients[row] for row in rows),
            parts=tuple(self.parts[row] for row in rows),
            true=self.truth[rows, column].astype(np.int64),
            probabilities=np.column_stack([1 - chance, chance]),
        )

    def only(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Predictions:
        """Some of the images."""
        kept = np.arange(len(self.images))[rows]
        return Predictions(
            classes=self.classes,
            images=self.images[kept],
            patients=tuple(self.patients[row] for row in kept.tolist()),
            parts=tuple(self.parts[row] for row in kept.tolist()),
            true=self.true[kept],
            probabilities=self.probabilities[kept],
            truth=None if self.truth is None else self.truth[kept],
        )

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The class of highest probability, [n]."""
        most: NDArray[np.int64] = np.argmax(self.probabilities, axis=1)
        return most

    def save(self, path: Path, called: Sequence[str] | None = None) -> None:
        """Write as CSV, one column p_<class> a class; of findings `true` and `predicted` are multi-label values.

        called: what each image counts as, in place of the most probable class or the findings from one half on.
        """
        kind = "" if self.truth is None else "_findings"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            names = [f"true{kind}", f"predicted{kind}", *(f"p_{name}" for name in self.classes)]
            writer.writerow(["image", "patient", "part", *names])
            for row, image in enumerate(self.images.tolist()):
                chances = (repr(chance) for chance in self.probabilities[row].tolist())
                true, most = self._values(row)
                counts_as = most if called is None else called[row]
                writer.writerow([image, self.patients[row], self.parts[row], true, counts_as, *chances])

    def _values(self, row: int) -> tuple[str, str]:
        """(true, predicted) of a row as text."""
        if self.truth is None:
            return self.classes[self.true[row]], self.classes[int(np.argmax(self.probabilities[row]))]
        there = {
            name: mark == 1 for name, mark in zip(self.classes, self.truth[row].tolist(), strict=True) if mark != 0
        }
        return multi_value(there), called_findings(self.classes, self.probabilities[row].tolist())

    @staticmethod
    def load(path: Path) -> Predictions:
        """Read what save() wrote."""
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            header = next(lines)
            classes = tuple(name.removeprefix("p_") for name in header[5:])
            several = header[3] == "true_findings"
            # Piece by piece: one list of a hundred thousand rows would keep the window's thread waiting while it is
            # made and taken down.
            pieces = [_parsed(rows, classes, several) for rows in _batches(lines)]
        pieces = pieces or [_parsed((), classes, several)]
        return Predictions(
            classes=classes,
            images=np.concatenate([piece.images for piece in pieces]),
            patients=tuple(chain.from_iterable(piece.patients for piece in pieces)),
            parts=tuple(chain.from_iterable(piece.parts for piece in pieces)),
            true=np.concatenate([piece.true for piece in pieces]),
            probabilities=np.concatenate([piece.probabilities for piece in pieces]),
            truth=np.concatenate([piece.truth for piece in pieces if piece.truth is not None]) if several else None,
        )


def called_findings(classes: Sequence[str], chances: Sequence[float], cuts: Sequence[float] | None = None) -> str:
    """The multi-label value that names the findings whose chance reaches its cut, or one half."""
    own = cuts or [0.5] * len(classes)
    return multi_value({name: True for name, chance, cut in zip(classes, chances, own, strict=True) if chance >= cut})


def _parsed(rows: Sequence[list[str]], classes: tuple[str, ...], several: bool) -> Predictions:
    number = {name: index for index, name in enumerate(classes)}
    truth = np.array([certainties(row[3], classes) for row in rows]).reshape(-1, len(classes)) if several else None
    return Predictions(
        classes=classes,
        images=np.array([int(row[0]) for row in rows], dtype=np.int64),
        patients=tuple(row[1] for row in rows),
        parts=tuple(row[2] for row in rows),
        true=np.array([0 if several else number[row[3]] for row in rows], dtype=np.int64),
        probabilities=np.array([[float(cell) for cell in row[5:]] for row in rows]).reshape(-1, len(classes)),
        truth=truth,
    )


def _batches(lines: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    while rows := list(islice(lines, PIECE)):
        yield rows


class RunDamaged(FinerayError):
    """A file of a run is not what a run holds."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever is wrong with a run's file is said by its name. Raises RunDamaged."""
    try:
        yield
    except (FinerayError, MemoryError):
        raise
    except Exception as error:
        unlike = isinstance(error, RuntimeError) and not isinstance(error, RecursionError)
        if unlike and "state_dict" not in str(error):  # torch: tensors of another network
            raise
        raise RunDamaged(
            "A file of the run is missing or damaged",
            where=str(path),
            todo="Bring the run's folder back from a backup, or train again.",
        ) from error


@dataclass(frozen=True)
class RunFolder:
    """A finished run."""

    path: Path

    @property
    def name(self) -> str:
        """How commands and tables call it."""
        return self.path.name

    @property
    def judged(self) -> bool:
        """Whether it has predictions of this project's images; a model opened from a package has none."""
        return (self.path / PREDICTIONS).is_file()

    def package(self) -> dict[str, Any] | None:
        """What the package says that it was opened from (core.export.package), or None for a run trained here."""
        return self._json(PACKAGE) if (self.path / PACKAGE).is_file() else None

    def predictions(self) -> Predictions:
        """Its out-of-sample predictions. Raises NotJudgedHere."""
        if not self.judged:
            raise NotJudgedHere(
                f"{self.name} was opened from a package; its predictions stayed where it was trained",
                todo="Judge it on films of your own with labels: page Predict, or the command validate.",
            )
        return _predictions(self.path / PREDICTIONS)

    def validation_predictions(self) -> Predictions | None:
        """Those of the validation part, on which a threshold may be chosen; None where folds are validation."""
        path = self.path / VALIDATION_PREDICTIONS
        return _predictions(path) if path.is_file() else None

    def metrics(self) -> dict[str, Any]:
        """What metrics.json holds (docs/project-format.md)."""
        return self._json("metrics.json", ("classes", "auc", "split"))

    def split_hash(self) -> str:
        """The hash of the split that it was trained on."""
        return str(self._json("split.json", ("hash",))["hash"])

    def split_certificate(self) -> dict[str, Any] | None:
        """What was checked when that split was made (core.project.splits.Certificate); None where nothing is kept."""
        found: dict[str, Any] | None = self._json("split.json", ("hash",)).get("certificate")
        return found

    def recipe(self) -> dict[str, Any]:
        """What recipe.json holds."""
        return self._json("recipe.json", ("bootstrap", "seed"))

    def frozen(self) -> dict[str, Any] | None:
        """What frozen.json holds: model and operating point, fixed for good; None while they are not."""
        return self._json(FROZEN) if (self.path / FROZEN).is_file() else None

    def kept(self) -> dict[str, Any] | None:
        """What operating_point.json holds (core.evaluation.kept_point); None where nothing was chosen."""
        return self._json(OPERATING_POINT, ("points",)) if (self.path / OPERATING_POINT).is_file() else None

    def test(self) -> dict[str, Any] | None:
        """The figures on the sealed test set, or None where this run did not open it."""
        return self._json(TEST_METRICS) if (self.path / TEST_METRICS).is_file() else None

    def test_predictions(self) -> Predictions:
        """Its predictions of the sealed test set; only where test() is not None."""
        return _predictions(self.path / TEST_PREDICTIONS)

    def _json(self, name: str, needed: Sequence[str] = ()) -> dict[str, Any]:
        with reading(self.path / name):
            loaded: dict[str, Any] = dict(json.loads((self.path / name).read_text("utf-8")))
            return {**loaded, **{key: loaded[key] for key in needed}}


def _predictions(path: Path) -> Predictions:
    with reading(path):
        return Predictions.load(path)


def runs(project: Project) -> list[RunFolder]:
    """The finished runs that predicted images of the project, the newest first."""
    return [folder for folder in models(project) if folder.judged]


def models(project: Project) -> list[RunFolder]:
    """All that can be applied to films: the finished runs, and models opened from packages; the newest first."""
    found = [path for path in project.runs_folder.glob("run-*") if (path / "metrics.json").is_file()]
    return [RunFolder(path) for path in sorted(found, key=_number, reverse=True)]


def run(project: Project, name: str) -> RunFolder:
    """The finished run of that name. Raises RunMissing."""
    for folder in models(project):
        if folder.name == name:
            return folder
    raise RunMissing(
        f"There is no finished run “{name}”",
        where=str(project.runs_folder),
        todo="Train first, or choose a run that the project has.",
    )


def parts_of_run(project: Project, folder: RunFolder) -> dict[int, str]:
    """Image id -> its part in the split that the run was trained on, without those set aside.

    Where the project no longer keeps that split, what the predictions tell.
    """
    kept = dict(
        project.db.execute(
            "SELECT image_id, part FROM split_image WHERE part <> ? AND split_id ="
            " (SELECT max(id) FROM split WHERE hash = ?)",
            (ASIDE, folder.split_hash()),
        )
    )
    if kept:
        return kept
    predictions = folder.predictions()
    return dict(zip(predictions.images.tolist(), predictions.parts, strict=True))


def learned_from(project: Project, folder: RunFolder) -> dict[int, str]:
    """Of those, the images that the run's final model learned from: all of its folds, or the training part."""
    parts = parts_of_run(project, folder)
    return {image: part for image, part in parts.items() if part not in ("validation", "test", EXTERNAL)}


def write_run(project: Project, write: Callable[[Path], None]) -> RunFolder:
    """Let `write` fill a folder, then give it the next run's name; a run is there whole or not at all.

    Raises a storage error where the disk refuses, and why the project may only be read.
    """
    project.check_writable()
    project.runs_folder.mkdir(exist_ok=True)
    taken = [_number(path) for path in project.runs_folder.glob("run-*")]
    final = project.runs_folder / f"run-{max(taken, default=0) + 1:03d}"
    partial = project.runs_folder / f".{final.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        write(partial)
        for path in partial.iterdir():
            sync_file(path)
        sync_folder(partial)
        partial.rename(final)
        sync_folder(project.runs_folder)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        known = storage_error(error) if isinstance(error, Exception) else None
        if known is not None:
            raise known from error
        raise
    return RunFolder(final)


def _number(path: Path) -> int:
    digits = path.name.removeprefix("run-")
    return int(digits) if digits.isdecimal() else 0
