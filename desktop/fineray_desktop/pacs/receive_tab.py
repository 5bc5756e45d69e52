"""Taking what archives send by themselves."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from fineray.engine.protocol import Reported
from fineray.engine.requests.pacs import ReceiveImages
from fineray.pacs.results import Received
from fineray.pacs.settings import PacsSettings
from fineray.progress import Interim
from fineray_desktop.engine_client import Job
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, row


class ReceiveTab(QWidget):
    """Listens while it is switched on; only the archives listed may send."""

    received = Signal(object)  # the folder, a Path, once listening has ended

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._settings = PacsSettings()
        self._job: Job | None = None
        self._last: Received | None = None
        self.folder: Path | None = None
        self.about = label(role="muted", wrap=True)
        self.folder_text = label("No folder chosen", "muted", wrap=True)
        self.choose_button = button("Choose a folder…")
        self.start_button, self.stop_button = button("Listen", "primary"), button("Stop and import")
        self.message = label(wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.about)
        line = row(self.folder_text, self.choose_button)
        line.setStretch(0, 1)
        layout.addLayout(line)
        layout.addLayout(row(self.start_button, self.stop_button, None))
        layout.addWidget(self.message)
        layout.addStretch(1)
        self.choose_button.clicked.connect(self._choose)
        self.start_button.clicked.connect(self.start)
        self.stop_button.clicked.connect(self.stop)
        self._allow()

    def show_settings(self, settings: PacsSettings) -> None:
        """Say as what and from whom this workstation would take images."""
        self._settings = settings
        known = ", ".join(f"{peer.ae_title} at {peer.host}" for peer in settings.peers if peer.protocol == "dicom")
        self.about.setText(
            f"Archives send to “{settings.ae_title}”, port {settings.port} of this computer. Taken from:"
            f" {known or 'nobody yet (tab Archives)'}; everyone else is refused. Listening goes on until it is stopped"
            " or this dialog is closed."
        )
        self._allow()

    def take(self, folder: Path) -> None:
        """Images go there."""
        self.folder = folder
        self.folder_text.setText(str(folder))
        self._allow()

    def start(self) -> None:
        """Listen."""
        if self.folder is None:
            return
        self._last = None
        job = self._session.analyst.start(ReceiveImages(self.folder))
        self._job = job
        self.message.setText("Listening…")
        job.reported.connect(self._reported)
        job.failed.connect(lambda failed: self.message.setText(f"{failed.what}. {failed.todo}"))
        job.stopped.connect(self._stopped)
        job.ended.connect(self._ended)
        self._allow()

    def stop(self) -> None:
        """Listen no more; what came is imported."""
        if self._job is not None:
            self._job.cancel()

    def _reported(self, event: Reported) -> None:
        for report in event.reports:
            if isinstance(report, Interim) and isinstance(report.result, Received):
                self._last = report.result
                refused = f", {report.result.refused:,} refused" if report.result.refused else ""
                by = f", last by {report.result.last}" if report.result.last else ""
                self.message.setText(f"Listening: {report.result.files:,} images taken{by}{refused}.")

    def _stopped(self) -> None:
        files = self._last.files if self._last is not None else 0
        self.message.setText(f"Stopped; {files:,} images taken.")
        if files and self.folder is not None:
            self.received.emit(self.folder)

    def _ended(self) -> None:
        self._job = None
        self._allow()

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, "Folder for the images, outside of the project", str(Path.home())
        )
        if chosen:
            self.take(Path(chosen))

    def _allow(self) -> None:
        idle = self._job is None
        self.start_button.setEnabled(idle and self._settings.enabled and self.folder is not None)
        self.stop_button.setEnabled(not idle)
        self.choose_button.setEnabled(idle)
