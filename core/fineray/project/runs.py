"""The run folder: `runs/<run>/` with recipe, split, predictions, metrics and head, each readable on its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fineray.errors import FinerayError, nearest, storage_error
from fineray.evaluation.predictions import Predictions
from fineray.project.project import Project
from fineray.project.run_metrics import Frozen, RunMetrics, SealedTest
from fineray.project.splits import ASIDE, EXTERNAL
from fineray.system.durable import sync_file, sync_folder

METRICS = "metrics.json"
FROZEN, TEST_METRICS, TEST_PREDICTIONS = "frozen.json", "test_metrics.json", "test_predictions.csv"
PREDICTIONS, VALIDATION_PREDICTIONS = "predictions.csv", "validation_predictions.csv"
PACKAGE = "package.json"
OPERATING_POINT = "operating_point.json"  # fineray.project.kept_point


class RunMissing(FinerayError):
    """No finished run of that name is in the project."""


class NotJudgedHere(FinerayError):
    """A model that was opened from a package has no predictions in this project."""


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
    """A finished run: recipe, split, predictions, figures and model (docs/project-format.md).

    Parameters
    ----------
    path : Path
        Its folder.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     run = fineray.run(project, "run-001")
    >>> run.metrics().mode, run.judged
    ('frozen', True)
    """

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
        """What the package says that it was opened from (fineray.package), or None for a run trained here."""
        return self._json(PACKAGE) if (self.path / PACKAGE).is_file() else None

    def predictions(self) -> Predictions:
        """Its out-of-sample predictions. Raises NotJudgedHere."""
        if not self.judged:
            raise NotJudgedHere(
                f"{self.name} was opened from a package; its predictions stayed where it was trained",
                todo="Judge it on images of your own with labels: page Predict, or the command validate.",
            )
        return _predictions(self.path / PREDICTIONS)

    def validation_predictions(self) -> Predictions | None:
        """Those of the validation part, on which a threshold may be chosen; None where folds are validation."""
        path = self.path / VALIDATION_PREDICTIONS
        return _predictions(path) if path.is_file() else None

    def metrics(self) -> RunMetrics:
        """What metrics.json holds (docs/project-format.md)."""
        with reading(self.path / METRICS):
            return RunMetrics.from_json(self._json(METRICS, ("classes", "auc", "split")))

    def split_hash(self) -> str:
        """The hash of the split that it was trained on."""
        return str(self._json("split.json", ("hash",))["hash"])

    def split_certificate(self) -> dict[str, Any] | None:
        """What was checked when that split was made (splits.Certificate); None where nothing is kept."""
        found: dict[str, Any] | None = self._json("split.json", ("hash",)).get("certificate")
        return found

    def recipe(self) -> dict[str, Any]:
        """What recipe.json holds."""
        return self._json("recipe.json", ("bootstrap", "seed"))

    def frozen(self) -> Frozen | None:
        """Model and operating point, fixed for good; None while they are not."""
        if not (self.path / FROZEN).is_file():
            return None
        with reading(self.path / FROZEN):
            return Frozen.from_json(self._json(FROZEN))

    def kept(self) -> dict[str, Any] | None:
        """What operating_point.json holds (fineray.project.kept_point); None where nothing was chosen."""
        return self._json(OPERATING_POINT, ("points",)) if (self.path / OPERATING_POINT).is_file() else None

    def test(self) -> SealedTest | None:
        """The figures on the sealed test set, or None where this run did not open it."""
        if not (self.path / TEST_METRICS).is_file():
            return None
        with reading(self.path / TEST_METRICS):
            return SealedTest.from_json(self._json(TEST_METRICS))

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
    """List the finished runs that predicted images of the project.

    Parameters
    ----------
    project : Project
        It may be open for reading only.

    Returns
    -------
    list of RunFolder
        The newest first.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     [run.name for run in fineray.runs(project)]
    ['run-001']
    """
    return [folder for folder in models(project) if folder.judged]


def models(project: Project) -> list[RunFolder]:
    """All that can be applied to images: the finished runs, and models opened from packages; the newest first."""
    found = [path for path in project.runs_folder.glob("run-*") if (path / METRICS).is_file()]
    return [RunFolder(path) for path in sorted(found, key=_number, reverse=True)]


def run(project: Project, name: str) -> RunFolder:
    """Find a finished run, or a model that was opened from a package, by its name.

    Parameters
    ----------
    project : Project
        It may be open for reading only.
    name : str
        As `runs` and tables call it, such as "run-001".

    Returns
    -------
    RunFolder
        Its predictions, figures and recipe.

    Raises
    ------
    RunMissing
        There is none of that name; near ones are offered.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     fineray.run(project, "run-001").predictions().classes
    ('clear (synthetic)', 'opacity (synthetic)')
    """
    for folder in models(project):
        if folder.name == name:
            return folder
    raise RunMissing(
        f"There is no finished run “{name}”",
        where=str(project.runs_folder),
        todo=nearest(name, (folder.name for folder in models(project)), "Train first."),
    )


def part_of(folder: RunFolder, image: int) -> str:
    """The fold or part in which the run held an image out; empty where it has not predicted it."""
    if not folder.judged:
        return ""
    predictions = folder.predictions()
    part_of_image: dict[int, str] = dict(zip(predictions.images.tolist(), predictions.parts, strict=True))
    return part_of_image.get(image, "")


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
