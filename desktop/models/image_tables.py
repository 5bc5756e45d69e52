"""Images of the project, and a run's predictions of them, as table models with thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer

from core.project.catalogue import ImageRow
from core.project.pixel_store import StoredAt
from core.project.runs import Predictions
from desktop.models.sorted_table import Index, SortedTable
from desktop.widgets.thumbnails import Thumbnails


class PictureTable(SortedTable):
    """A table whose first column is a thumbnail."""

    def __init__(self, columns: Sequence[str], thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(("", *columns), parent)
        self._thumbnails = thumbnails
        thumbnails.ready.connect(self._ready)
        self._images: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._places: Sequence[StoredAt] = ()

    def set_pictures(self, images: NDArray[np.int64], places: Sequence[StoredAt]) -> None:
        """The image of each row and where its pixels lie; call before reload()."""
        self._images, self._places = images, places

    def image(self, shown_row: int) -> int:
        """The image id in a row on show."""
        return int(self._images[self._shown[shown_row]])

    def row_of(self, image: int) -> int | None:
        """The row on show that holds an image, or None."""
        found = np.flatnonzero(self._images[self._shown] == image)
        return int(found[0]) if len(found) else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if index.column() == 0:
            if role == Qt.ItemDataRole.DecorationRole:
                row = int(self._shown[index.row()])
                return self._thumbnails.get(int(self._images[row]), self._places[row])
            return None
        return super().data(index, role)

    def _ready(self, image: int) -> None:
        row = self.row_of(image)
        if row is not None:
            place = self.index(row, 0)
            self.dataChanged.emit(place, place, [Qt.ItemDataRole.DecorationRole])


IMAGE_COLUMNS = (
    *("Patient", "Label", "Part", "View", "Body part", "Modality"),
    *("Sex", "Age", "Size", "Bits", "Encoding"),
)


class ImageTable(PictureTable):
    """Every image of the project with its label and part."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(IMAGE_COLUMNS, thumbnails, parent)
        self._rows: list[ImageRow] = []
        self._text = ""
        self._wanted: NDArray[np.int64] | None = None
        self._codes: dict[int, tuple[list[str], NDArray[np.int64]]] = {}
        # A column at a time, whenever the window has nothing else to do, so that the first search is quick too.
        self._between = QTimer(self, interval=0)
        self._between.timeout.connect(self._code_next)

    def set_rows(self, rows: list[ImageRow]) -> None:
        """Show these images instead."""
        self._rows = rows
        self._codes.clear()
        self._between.start()
        ids = np.array([row.id for row in rows], dtype=np.int64)
        self.set_pictures(ids, [row.stored_at for row in rows])
        self.reload(len(rows))

    def show_only(self, text: str, images: Sequence[int] | None = None) -> None:
        """Keep images with this text in a column and, unless None, among these ids."""
        self._text = text.strip().casefold()
        self._wanted = None if images is None else np.array(images, dtype=np.int64)
        self.reload(len(self._rows))

    def cell(self, row: int, column: int) -> str:
        return _IMAGE_CELLS[column - 1](self._rows[row]) if column else ""

    def sort_key(self, column: int) -> NDArray[np.generic]:
        by_number = _SORTED_BY_NUMBER.get(self.columns[column])
        if by_number is not None:
            return np.array([by_number(row) for row in self._rows])
        return self._coded(column)[1] if column else np.zeros(len(self._rows), dtype=np.int64)

    def accepts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        keep = np.ones(len(rows), dtype=bool)
        if self._wanted is not None:
            keep &= np.isin(self._images[rows], self._wanted)
        if self._text:
            found = np.zeros(len(rows), dtype=bool)
            for column in range(1, len(self.columns)):
                texts, codes = self._coded(column)
                fits = np.array([self._text in text.casefold() for text in texts], dtype=bool)
                found |= fits[codes[rows]]
            keep &= found
        return keep

    def _code_next(self) -> None:
        waiting = [column for column in range(1, len(self.columns)) if column not in self._codes]
        if waiting:
            self._coded(waiting[0])
        else:
            self._between.stop()

    def _coded(self, column: int) -> tuple[list[str], NDArray[np.int64]]:
        """(the different texts of a column in order, each row's place among them), kept until new rows come.

        Most columns hold few different texts: searching and sorting those is quick however many rows there are.
        """
        if column not in self._codes:
            cell = _IMAGE_CELLS[column - 1]
            texts = [cell(row) for row in self._rows]
            different = sorted(set(texts))
            place = {text: number for number, text in enumerate(different)}
            self._codes[column] = different, np.array([place[text] for text in texts], dtype=np.int64)
        return self._codes[column]


def _age(row: ImageRow) -> str:
    if row.age_years is None:
        return ""
    return f"{row.age_years:.0f}" if row.age_years >= 2 else f"{row.age_years:.1f}"


_IMAGE_CELLS: tuple[Callable[[ImageRow], str], ...] = (
    lambda row: row.patient,
    lambda row: row.label,
    lambda row: "Left out" if row.left_out else part_title(row.part),
    lambda row: row.view_position,
    lambda row: row.body_part,
    lambda row: row.modality,
    lambda row: row.sex,
    _age,
    lambda row: f"{row.columns} × {row.rows}",
    lambda row: str(row.bits_stored),
    lambda row: f"{row.transfer_syntax}, {row.photometric}",
)
_SORTED_BY_NUMBER: dict[str, Callable[[ImageRow], float]] = {
    "Age": lambda row: -1.0 if row.age_years is None else row.age_years,
    "Size": lambda row: row.rows * row.columns,
    "Bits": lambda row: row.bits_stored,
}


class PredictionTable(PictureTable):
    """Out-of-sample predictions of a run. Probability is that of the predicted class."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(("Patient", "True", "Predicted", "Probability", "Held out in"), thumbnails, parent)
        self._predictions: Predictions | None = None
        self._cell: tuple[int | None, int | None] = (None, None)
        self._verdict: bool | None = None
        self._text = ""

    def set_predictions(self, predictions: Predictions, places: Sequence[StoredAt]) -> None:
        """Show these predictions instead, unfiltered."""
        self._predictions = predictions
        self._predicted = predictions.predicted
        self._chance = predictions.probabilities.max(axis=1)
        self._patients = np.array(predictions.patients)
        self._cell, self._verdict, self._text = (None, None), None, ""
        self.set_pictures(predictions.images, places)
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


def part_title(part: str) -> str:
    """A split's part as the window names it: Fold 1, Train, Validation, Test."""
    return f"Fold {part}" if part.isdecimal() else part.capitalize()
