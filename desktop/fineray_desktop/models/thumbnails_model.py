"""A table model whose first column is a thumbnail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QItemSelection, QObject, Qt

from fineray.project.pixel_store import StoredAt
from fineray_desktop.models.sorted_model import Index, SortedModel
from fineray_desktop.models.thumbnails import Thumbnails

PlaceOf = Callable[[int], StoredAt]  # row number, shown or not -> where its pixels lie


class ThumbnailsModel(SortedModel):
    """Rows are images, each once."""

    def __init__(self, columns: Sequence[str], thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(("", *columns), parent)
        self.thumbnails = thumbnails
        thumbnails.ready.connect(self._ready)
        self._images: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._order: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._place_of: PlaceOf | None = None

    def set_pictures(self, images: NDArray[np.int64], place_of: PlaceOf) -> None:
        """The image of each row and where its pixels lie; call before reload()."""
        self._images, self._place_of = images, place_of
        self._order = np.argsort(images)

    def clear(self) -> None:
        """Show nothing: the project is closed, and the next one's pictures lie elsewhere."""
        self._images = self._order = np.empty(0, dtype=np.int64)
        self._place_of = None
        self.reload(0)

    def image(self, shown_row: int) -> int:
        """The image id in a row on show."""
        return int(self._images[self._shown[shown_row]])

    def images(self, shown_rows: Iterable[int]) -> list[int]:
        """The image ids in these rows on show."""
        found: list[int] = self._images[self._shown[np.fromiter(shown_rows, dtype=np.int64)]].tolist()
        return found

    def place(self, shown_row: int) -> StoredAt:
        """Where the pixels of a row on show lie."""
        assert self._place_of is not None
        return self._place_of(int(self._shown[shown_row]))

    def rows_of(self, images: Sequence[int]) -> NDArray[np.int64]:
        """The rows on show that hold these images, in order."""
        wanted = np.zeros(self._total, dtype=bool)
        wanted[self.numbers_of(images)] = True
        return np.flatnonzero(wanted[self._shown])

    def numbers_of(self, images: Sequence[int]) -> NDArray[np.int64]:
        """The row numbers, shown or not, of those of the images that the table has."""
        ids = np.array(images, dtype=np.int64)
        place = np.searchsorted(self._images, ids, sorter=self._order)
        inside = place < len(self._order)
        numbers = self._order[place[inside]]
        found: NDArray[np.int64] = numbers[self._images[numbers] == ids[inside]]
        return found

    def selection_of(self, images: Sequence[int]) -> QItemSelection:
        """The rows of these images as a selection, neighbours in one range."""
        rows = self.rows_of(images)
        selection = QItemSelection()
        for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            if len(run):
                selection.select(self.index(int(run[0]), 0), self.index(int(run[-1]), len(self.columns) - 1))
        return selection

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if index.column() == 0:
            if role == Qt.ItemDataRole.DecorationRole:
                return self.thumbnails.get(self.image(index.row()), self.place(index.row()))
            return None
        return super().data(index, role)

    def _ready(self, image: int) -> None:
        for row in self.rows_of([image]).tolist():
            place = self.index(row, 0)
            self.dataChanged.emit(place, place, [Qt.ItemDataRole.DecorationRole])
