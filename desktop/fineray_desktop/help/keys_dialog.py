"""Help > Keys: every key and what it does."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QVBoxLayout, QWidget

from fineray_desktop.keys import SECTIONS
from fineray_desktop.widgets.basics import label, scrolling_column


class KeysDialog(QDialog):
    """A table of keys, by the place where each works."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(560, 620)
        table = QWidget()
        grid = QGridLayout(table)
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(24)
        for title, keys in SECTIONS:
            grid.addWidget(label(title, "heading"), grid.rowCount(), 0, 1, 2)
            for key, does in keys:
                line = grid.rowCount()
                grid.addWidget(label(key), line, 0, Qt.AlignmentFlag.AlignTop)
                grid.addWidget(label(does, "muted", wrap=True), line, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(scrolling_column(table), 1)
        layout.addWidget(buttons)
