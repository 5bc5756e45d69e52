"""A run's predictions as a table model with thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from fineray.evaluation.predictions import Predictions
from fineray.project.pixel_store import StoredAt
from fineray_desktop.models.images_model import part_title
from fineray_desktop.models.thumbnails import Thumbnails
from fineray_desktop.models.thumbnails_model import ThumbnailsModel

WAIT = "…"  # where it is being worked out


@dataclass(frozen=True)
class Wanted:
    """Which predictions are wanted: (true, predicted) class numbers, right or wrong ones, a text in patient or classes,
    those in view [n], and those of some images alone."""

    cell: tuple[int | None, int | None] = (None, None)
    right: bool | None = None
    text: str = ""
    in_view: NDArray[np.bool_] | None = None
    images: frozenset[int] | None = None


class RunPredictionsModel(ThumbnailsModel):
    """Out-of-sample predictions of a run. The score is the probability of the class that an image counts as."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(("Patient", "True", "Predicted", "Score", "Held out in"), thumbnails, parent)
        self._predictions: Predictions | None = None
        self._predicted: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._known = True
        self._wanted = Wanted()
        self._first: NDArray[np.float64] | None = None

    def set_predictions(
        self,
        predictions: Predictions,
        places: Sequence[StoredAt],
        patients: NDArray[np.str_],
        predicted: NDArray[np.int64],
        known: bool = True,
    ) -> None:
        """Show these predictions instead, unfiltered. patients: pseudonyms; predicted, known: as set_predicted()."""
        self._predictions, self._patients = predictions, patients
        self._wanted, self._first = Wanted(), None
        self.set_pictures(predictions.images, places.__getitem__)
        self.set_predicted(predicted, known)
        self.reload(len(predictions.images))

    def clear(self) -> None:
        super().clear()
        self._predictions = None

    def set_predicted(self, predicted: NDArray[np.int64], known: bool = True) -> None:
        """What each image counts as; not known: what it counted as before, which is not shown. Followed by show_only(),
        which shows it."""
        assert self._predictions is not None
        self._predicted, self._known = predicted, known
        self._chance = np.take_along_axis(self._predictions.probabilities, predicted[:, None], axis=1)[:, 0]

    def show_only(self, wanted: Wanted, first: NDArray[np.float64] | None = None) -> None:
        """Filter, and order by rising values of `first` [rows] until a column's heading is clicked."""
        self._wanted, self._first = wanted, first
        if self._predictions is not None:
            self.reload(len(self._predictions.images))

    def cell(self, row: int, column: int) -> str:
        known = self._predictions
        assert known is not None
        match column:
            case 1:
                return str(known.patients[row])
            case 2:
                return known.classes[known.true[row]]
            case 3:
                return known.classes[self._predicted[row]] if self._known else WAIT
            case 4:
                return f"{self._chance[row]:.3f}" if self._known else WAIT
            case 5:
                return part_title(known.parts[row])
            case _:
                return ""

    def sort_key(self, column: int) -> NDArray[np.generic]:
        known = self._predictions
        assert known is not None
        keys: dict[int, NDArray[np.generic]] = {1: self._patients, 2: known.true, 3: self._predicted, 4: self._chance}
        return keys[column] if column in keys else np.array(known.parts if column == 5 else [0] * len(known.parts))

    def accepts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        known = self._predictions
        if known is None:
            return np.zeros(len(rows), dtype=bool)
        wanted, true, predicted = self._wanted, known.true[rows], self._predicted[rows]
        keep = np.ones(len(rows), dtype=bool) if wanted.in_view is None else wanted.in_view[rows]
        for values, number in ((true, wanted.cell[0]), (predicted, wanted.cell[1])):
            if number is not None:
                keep = keep & (values == number)
        if wanted.right is not None:
            keep = keep & ((true == predicted) == wanted.right)
        if wanted.images is not None:
            keep = keep & np.isin(known.images[rows], list(wanted.images))
        if wanted.text:
            text = wanted.text.strip().casefold()
            in_class = np.array([text in name.casefold() for name in known.classes])
            in_patient = np.char.find(self._patients[rows], text.upper()) >= 0  # pseudonyms are in capitals
            keep = keep & (in_patient | in_class[true] | in_class[predicted])
        return keep

    def _sorted(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._first is not None and (self._sorting is None or self._sorting[0] < 0):
            ordered: NDArray[np.int64] = rows[np.argsort(self._first[rows], kind="stable")]
            return ordered
        return super()._sorted(rows)
