"""A table model that sorts and filters by numpy, so that a hundred thousand rows stay quick."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class SortedModel(QAbstractTableModel):
    """Rows are numbered as the data come; what is shown is a selection of them in some order.

    Subclasses give cell(), sort_key() and accepts(), and call reload() or extend() when their data change.
    """

    def __init__(self, columns: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._total = 0
        self._shown: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._sorting: tuple[int, Qt.SortOrder] | None = None

    def cell(self, row: int, column: int) -> str:
        """The text of a cell."""
        raise NotImplementedError

    def sort_key(self, column: int) -> NDArray[np.generic]:
        """What a column sorts by, one value a row."""
        raise NotImplementedError

    def accepts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows the filter lets through."""
        return np.ones(len(rows), dtype=bool)

    @property
    def shown(self) -> NDArray[np.int64]:
        """The rows on show, from top to bottom."""
        return self._shown

    @property
    def total(self) -> int:
        """Number of rows, shown or not."""
        return self._total

    def reload(self, total: int) -> None:
        """Data or filter changed: select and sort anew. total: number of rows."""
        self.beginResetModel()
        self._total = total
        rows = np.arange(total)
        self._shown = self._sorted(rows[self.accepts(rows)])
        self.endResetModel()

    def extend(self, total: int) -> None:
        """Rows were added at the end; they are shown below the others until the next sort."""
        rows = np.arange(self._total, total)
        self._total = total
        added = rows[self.accepts(rows)]
        if len(added):
            self.beginInsertRows(NO_PARENT, len(self._shown), len(self._shown) + len(added) - 1)
            self._shown = np.concatenate([self._shown, added])
            self.endInsertRows()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sorting = (column, order)
        self.layoutAboutToBeChanged.emit()
        before = self._shown
        self._shown = self._sorted(self._shown)
        place = np.empty(self._total, dtype=np.int64)
        place[self._shown] = np.arange(len(self._shown))
        for old in self.persistentIndexList():
            self.changePersistentIndex(old, self.index(int(place[before[old.row()]]), old.column()))
        self.layoutChanged.emit()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.columns[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.cell(int(self._shown[index.row()]), index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.cell(int(self._shown[index.row()]), index.column()) or None
        return None

    def _sorted(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._sorting is None or len(rows) == 0:
            return rows
        column, order = self._sorting
        if column < 0:
            return rows
        sorted_rows: NDArray[np.int64] = rows[np.argsort(self.sort_key(column)[rows], kind="stable")]
        return sorted_rows if order == Qt.SortOrder.AscendingOrder else sorted_rows[::-1]
