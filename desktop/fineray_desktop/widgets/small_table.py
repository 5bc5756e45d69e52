"""A short table of texts, such as a dialog shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem


class SmallTable(QTableWidget):
    """Rows of texts; numbers stand at the right. tips: of the columns; names: columns whose digits are no numbers."""

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        tips: Sequence[str] = (),
        stretched: int = 0,
        names: Collection[int] = (),
    ) -> None:
        super().__init__(0, len(columns))
        self._names = names
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels(list(columns))
        for number, tip in enumerate(tips):
            self.horizontalHeaderItem(number).setToolTip(tip)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)

    def show_rows(self, rows: Sequence[Sequence[str]], keys: Sequence[str]) -> None:
        """Fill the table anew; key_at() gives a row's key."""
        self.setRowCount(len(rows))
        for line, (texts, key) in enumerate(zip(rows, keys, strict=True)):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if column not in self._names and (text[:1].isdigit() or text[:1] in "−-"):
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(text)
                self.setItem(line, column, item)
            self.item(line, 0).setData(Qt.ItemDataRole.UserRole, key)

    def selected_key(self) -> str:
        """The key of the selected row, or empty."""
        line = self.currentRow()
        return str(self.item(line, 0).data(Qt.ItemDataRole.UserRole)) if line >= 0 else ""
