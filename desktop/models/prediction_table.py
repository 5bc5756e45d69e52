"""A run's predictions as a table model with thumbnails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from core.evaluation.operating_point import OperatingPoint
from core.project.pixel_store import StoredAt
from core.project.runs import Predictions
from desktop.models.image_table import part_title
from desktop.models.picture_table import PictureTable
from desktop.widgets.thumbnails import Thumbnails


class PredictionTable(PictureTable):
    """Out-of-sample predictions of a run. Probability is that of the predicted class."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(("Patient", "True", "Predicted", "Probability", "Held out in"), thumbnails, parent)
        self._predictions: Predictions | None = None
        self._cell: tuple[int | None, int | None] = (None, None)
        self._verdict: bool | None = None
        self._text = ""

    def set_predictions(
        self, predictions: Predictions, places: Sequence[StoredAt], point: OperatingPoint | None = None
    ) -> None:
        """Show these predictions instead, unfiltered; called as the operating point says, if there is one."""
        self._predictions = predictions
        self._predicted = (point or OperatingPoint()).called(predictions)
        self._chance = np.take_along_axis(predictions.probabilities, self._predicted[:, None], axis=1)[:, 0]
        self._patients = np.array(predictions.patients)
        self._cell, self._verdict, self._text = (None, None), None, ""
        self.set_pictures(predictions.images, places.__getitem__)
        self.reload(len(predictions.images))

    def show_only(self, cell: tuple[int | None, int | None], verdict: bool | None, text: str) -> None:
        """Filter by (true, predicted) class numbers, by right or wrong, and by a text in patient or classes."""
        self._cell, self._verdict, self._text = cell, verdict, text.strip().casefold()
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
                return known.classes[self._predicted[row]]
            case 4:
                return f"{self._chance[row]:.3f}"
            case 5:
                return part_title(known.parts[row])
            case _:
                return ""

    def is_right(self, shown_row: int) -> bool:
        """Whether the prediction in a row on show is right."""
        assert self._predictions is not None
        row = self._shown[shown_row]
        return bool(self._predictions.true[row] == self._predicted[row])

    def sort_key(self, column: int) -> NDArray[np.generic]:
        known = self._predictions
        assert known is not None
        keys: dict[int, NDArray[np.generic]] = {1: self._patients, 2: known.true, 3: self._predicted, 4: self._chance}
        return keys[column] if column in keys else np.array(known.parts if column == 5 else [0] * len(known.parts))

    def accepts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        known = self._predictions
        if known is None:
            return np.zeros(len(rows), dtype=bool)
        true, predicted = known.true[rows], self._predicted[rows]
        keep = np.ones(len(rows), dtype=bool)
        for values, wanted in ((true, self._cell[0]), (predicted, self._cell[1])):
            if wanted is not None:
                keep &= values == wanted
        if self._verdict is not None:
            keep &= (true == predicted) == self._verdict
        if self._text:
            in_class = np.array([self._text in name.casefold() for name in known.classes])
            in_patient = np.char.find(np.char.lower(self._patients[rows]), self._text) >= 0
            keep &= in_patient | in_class[true] | in_class[predicted]
        return keep
