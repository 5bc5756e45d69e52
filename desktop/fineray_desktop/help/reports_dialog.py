"""Crash reports: they stay here unless the user saves one."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from fineray.system.crash_report import kept_reports
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    ask_output,
    button,
    label,
    open_at,
    row,
)


class ReportsDialog(QDialog):
    """Each report as it would be saved, word for word."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("Crash reports")
        open_at(self, 680, 460)
        self._paths = kept_reports()
        self.which = QComboBox()
        self.which.setAccessibleName("Report")
        self.which.addItems([path.stem for path in self._paths])
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName("Text of the report")
        self.save_button, self.forget_button = button("Save as…", "primary"), button("Delete all")
        close = button("Close")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(
            label(
                "When Fineray meets a fault of its own it writes down where in its code that was, on this computer"
                " alone. Names, paths and numbers of patients are not in it: this is all of it.",
                "muted",
                wrap=True,
            )
        )
        layout.addWidget(self.which)
        layout.addWidget(self.text, 1)
        layout.addLayout(row(self.forget_button, None, close, self.save_button))
        self.which.currentIndexChanged.connect(self._show)
        self.save_button.clicked.connect(self.choose)
        self.forget_button.clicked.connect(self.forget)
        close.clicked.connect(self.accept)
        self._show()

    def choose(self) -> None:
        """Ask where it goes."""
        path = ask_output(self, "Save the report", f"fineray-{self.which.currentText()}.txt", {".txt": "Text"})
        if path is not None:
            self.save(path)

    def save(self, path: Path) -> None:
        """Copy it there."""
        try:
            shutil.copyfile(self._paths[self.which.currentIndex()], path)
        except OSError as error:
            self._session.fail("The report could not be saved", str(path), error.strerror or "Choose another place.")

    def forget(self) -> None:
        """Delete them."""
        for path in self._paths:
            path.unlink(missing_ok=True)
        self._paths = []
        self.which.clear()
        self._show()

    def _show(self) -> None:
        there = bool(self._paths) and self.which.currentIndex() >= 0
        path = self._paths[self.which.currentIndex()] if there else None
        self.text.setPlainText(path.read_text("utf-8") if path is not None and path.is_file() else "No report is kept.")
        self.save_button.setEnabled(there)
        self.forget_button.setEnabled(there)
