"""The first start: what this computer computes on, where projects go, and a tour on the demo study."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QVBoxLayout, QWidget

from fineray import RESEARCH_USE
from fineray.engine.requests.training import ExplainDevice
from fineray.training.results import DeviceFound
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    keep_whole,
    label,
    row,
)
from fineray_desktop.widgets.eliding import CutLabel

WELCOMED, PROJECTS = "welcomed", "projects"  # settings


def projects_folder(session: Session) -> Path:
    """Where new projects are offered a place."""
    return Path(str(session.settings.value(PROJECTS, "") or Path.home()))


class WelcomeDialog(QDialog):
    """Shown once; from the Help menu again."""

    tour_asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("Welcome to Fineray")
        self.setMinimumWidth(560)
        keep_whole(self)
        kept = str(session.settings.value(PROJECTS, ""))
        self.folder = Path(kept) if kept else Path.home() / "Fineray"
        self.device = label("Looking for a GPU…", "heading")
        self.device_text = label(role="muted", wrap=True)
        self.folder_text = CutLabel(str(self.folder), mode=Qt.TextElideMode.ElideMiddle)
        self.folder_button = button("Another place…")
        self.tour_button = button("Take the tour on a demo study", "primary")
        self.begin_button = button("Begin")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 20, 22, 18)
        layout.setSpacing(10)
        layout.addWidget(label("Welcome to Fineray", "title"))
        layout.addWidget(label(f"{RESEARCH_USE} Nothing leaves this computer unless you order it.", "muted", wrap=True))
        layout.addSpacing(6)
        layout.addWidget(label("This computer"))
        layout.addWidget(self.device)
        layout.addWidget(self.device_text)
        layout.addSpacing(6)
        layout.addWidget(label("Your projects go to"))
        place = row(self.folder_text, self.folder_button)
        place.setStretch(0, 1)
        layout.addLayout(place)
        layout.addWidget(
            label(
                "A project holds pseudonyms and reduced pixels, no names; keep it where your hospital keeps research"
                " data.",
                "muted",
                wrap=True,
            )
        )
        layout.addSpacing(8)
        layout.addLayout(row(None, self.begin_button, self.tour_button))
        self.folder_button.clicked.connect(self._choose)
        self.begin_button.clicked.connect(self.accept)
        self.tour_button.clicked.connect(self.accept)
        self.tour_button.clicked.connect(self.tour_asked)
        job = session.analyst.start(ExplainDevice())
        job.finished.connect(self._found)
        job.failed.connect(lambda failed: self.device.setText(failed.what))

    def take(self, folder: Path) -> None:
        """Projects go there."""
        self.folder = folder
        self.folder_text.setText(str(folder))

    def done(self, result: int) -> None:
        """Remember the place, and that this was seen."""
        self._session.settings.setValue(WELCOMED, "yes")
        if result == QDialog.DialogCode.Accepted:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                self._session.fail("That place cannot be used", f"{self.folder}", f"Choose another ({error.strerror}).")
            else:
                self._session.settings.setValue(PROJECTS, str(self.folder))
        super().done(result)

    def _found(self, found: DeviceFound) -> None:
        self.device.setText(found.title)
        self.device_text.setText(found.explanation)

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Where your projects go", str(self.folder.parent))
        if chosen:
            self.take(Path(chosen))
