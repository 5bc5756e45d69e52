"""Writing the report of what is on show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from fineray.engine.requests.review import WriteReport
from fineray_desktop.review.state import ReviewState
from fineray_desktop.widgets.basics import (
    ask_output,
    button,
    keep_whole,
    label,
    row,
)

KINDS = {".pdf": "PDF", ".html": "HTML"}


class ReportDialog(QDialog):
    """What the report holds, and where it goes."""

    def __init__(self, state: ReviewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert state.run is not None
        self._state = state
        self.setWindowTitle("Report")
        self.setMinimumWidth(480)
        keep_whole(self)
        self.thumbnails = QCheckBox("Thumbnails of images that were predicted wrong, by pseudonym")
        self.parts = QCheckBox("Tables as CSV and figures as SVG and PDF, in a folder beside it")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        save = buttons.addButton("Save as…", QDialogButtonBox.ButtonRole.AcceptRole)
        save.setProperty("role", "primary")
        save.clicked.connect(self.choose)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(label(f"Report of {state.run.folder.name}", "heading"))
        layout.addWidget(
            label(
                "Data flow, characteristics, split, recipe, every figure with its interval, subgroups, failures,"
                " limits, environment, and what CLAIM 2024 and TRIPOD+AI ask for: filled in as far as the project"
                " knows it, the rest marked for you. It holds no name; images are known by pseudonyms.",
                "muted",
                wrap=True,
            )
        )
        layout.addWidget(self.thumbnails)
        layout.addWidget(self.parts)
        layout.addWidget(buttons)

    def choose(self) -> None:
        """Ask for the file and write it."""
        assert self._state.run is not None
        path = ask_output(self, "Save the report", f"{self._state.run.folder.name}.pdf", KINDS)
        if path is not None:
            self.write(path)

    def write(self, path: Path) -> None:
        """Write it there; the foot of the window shows how far it is."""
        state = self._state
        project = state.session.project
        if project is None:
            return
        view = state.view if state.view.value else replace(state.view, attribute="")
        parts = path.with_name(f"{path.stem} files") if self.parts.isChecked() else None
        request = WriteReport(project.root, view, path, self.thumbnails.isChecked(), parts)
        parent = self.parentWidget()
        state.session.run(request, "Report", lambda written: WrittenDialog(Path(written), parent).open())
        self.accept()


class WrittenDialog(QDialog):
    """Where the report is."""

    def __init__(self, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.setWindowTitle("Report")
        keep_whole(self)
        show, close = button("Open it", "primary"), button("Close")
        show.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))))
        show.clicked.connect(self.accept)
        close.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(label("The report is written.", "heading"))
        layout.addWidget(label(str(path), "muted", wrap=True))
        layout.addLayout(row(None, close, show))
