"""Out-of-sample predictions of a run, and the CSV file that keeps them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineray.label_values import certainties, multi_value
from fineray.system.frames import to_frame
from fineray.system.places import Place

if TYPE_CHECKING:
    import pandas as pd

PIECE = 2000  # rows of predictions that are read at once


@dataclass(frozen=True)
class Predictions:
    """Out-of-sample predictions, one row an image.

    Parameters
    ----------
    classes : tuple of str
        The names that class numbers stand for.
    images : ndarray of int64 [n]
        Catalogue ids.
    patients : tuple of str [n]
        Pseudonyms.
    parts : tuple of str [n]
        The fold or part in which each image was held out.
    true : ndarray of int64 [n]
        Class numbers of the labels.
    probabilities : ndarray of float64 [n, classes]
        Rows sum to 1, but where classes are findings.
    truth : ndarray of float64 [n, classes], optional
        Only where classes are findings that may stand side by side: 1, 0, and NaN for doubtful ones. `true` says
        nothing then, and each finding has a probability of its own.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     predictions = fineray.run(project, "run-001").predictions()
    >>> list(predictions.to_frame().columns)
    ['image', 'patient', 'part', 'true', 'predicted', 'p_clear (synthetic)', 'p_opacity (synthetic)']
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

    def save(self, path: Place, predicted: Sequence[str] | None = None) -> None:
        """Write as CSV, one column p_<class> a class; of findings `true` and `predicted` are multi-label values.

        predicted: what each image counts as, in place of the most probable class or the findings from one half on.
        """
        kind = "" if self.truth is None else "_findings"
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            names = [f"true{kind}", f"predicted{kind}", *(f"p_{name}" for name in self.classes)]
            writer.writerow(["image", "patient", "part", *names])
            for row, image in enumerate(self.images.tolist()):
                chances = (repr(chance) for chance in self.probabilities[row].tolist())
                true, most = self._values(row)
                counts_as = most if predicted is None else predicted[row]
                writer.writerow([image, self.patients[row], self.parts[row], true, counts_as, *chances])

    def to_frame(self) -> pd.DataFrame:
        """The same columns as save() writes, as a pandas data frame. Raises PandasMissing."""
        values = [self._values(row) for row in range(len(self.images))]
        kind = "" if self.truth is None else "_findings"
        return to_frame(
            {
                "image": self.images,
                "patient": self.patients,
                "part": self.parts,
                f"true{kind}": [true for true, _ in values],
                f"predicted{kind}": [predicted for _, predicted in values],
                **{f"p_{name}": self.probabilities[:, number] for number, name in enumerate(self.classes)},
            }
        )

    def _values(self, row: int) -> tuple[str, str]:
        """(true, predicted) of a row as text."""
        if self.truth is None:
            return self.classes[self.true[row]], self.classes[int(np.argmax(self.probabilities[row]))]
        there = {
            name: mark == 1 for name, mark in zip(self.classes, self.truth[row].tolist(), strict=True) if mark != 0
        }
        return multi_value(there), predicted_findings(self.classes, self.probabilities[row].tolist())

    @staticmethod
    def load(path: Place) -> Predictions:
        """Read what save() wrote."""
        with Path(path).open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            header = next(lines)
            classes = tuple(name.removeprefix("p_") for name in header[5:])
            multilabel = header[3] == "true_findings"
            # Piece by piece: one list of a hundred thousand rows would keep the window's thread waiting while it is
            # made and taken down.
            pieces = [_parsed(rows, classes, multilabel) for rows in _batches(lines)]
        pieces = pieces or [_parsed((), classes, multilabel)]
        return Predictions(
            classes=classes,
            images=np.concatenate([piece.images for piece in pieces]),
            patients=tuple(chain.from_iterable(piece.patients for piece in pieces)),
            parts=tuple(chain.from_iterable(piece.parts for piece in pieces)),
            true=np.concatenate([piece.true for piece in pieces]),
            probabilities=np.concatenate([piece.probabilities for piece in pieces]),
            truth=np.concatenate([piece.truth for piece in pieces if piece.truth is not None]) if multilabel else None,
        )


def predicted_findings(classes: Sequence[str], chances: Sequence[float], cuts: Sequence[float] | None = None) -> str:
    """The multi-label value that names the findings whose chance reaches its cut, or one half."""
    own = cuts or [0.5] * len(classes)
    return multi_value({name: True for name, chance, cut in zip(classes, chances, own, strict=True) if chance >= cut})


def _parsed(rows: Sequence[list[str]], classes: tuple[str, ...], multilabel: bool) -> Predictions:
    number = {name: index for index, name in enumerate(classes)}
    truth = np.array([certainties(row[3], classes) for row in rows]).reshape(-1, len(classes)) if multilabel else None
    return Predictions(
        classes=classes,
        images=np.array([int(row[0]) for row in rows], dtype=np.int64),
        patients=tuple(row[1] for row in rows),
        parts=tuple(row[2] for row in rows),
        true=np.array([0 if multilabel else number[row[3]] for row in rows], dtype=np.int64),
        probabilities=np.array([[float(cell) for cell in row[5:]] for row in rows]).reshape(-1, len(classes)),
        truth=truth,
    )


def _batches(lines: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    while rows := list(islice(lines, PIECE)):
        yield rows
