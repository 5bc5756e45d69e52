"""Sending results to an archive; nothing but what Fineray made is ever sent."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from fineray.engine.requests.pacs import SendResults
from fineray.pacs.settings import PacsSettings
from fineray_desktop.pacs.archive_box import ArchiveBox
from fineray_desktop.pacs.password import password_for
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, row


class SendTab(QWidget):
    """A folder of results, and where they go."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._settings = PacsSettings()
        self.folder: Path | None = None
        self.archive = ArchiveBox()
        self.archive.setAccessibleName("Archive to send to")
        self.folder_text = label("No folder chosen", "muted", wrap=True)
        self.choose_button, self.send_button = button("Choose a folder…"), button("Send the results", "primary")
        self.message = label(wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(
            label(
                "Page Predict writes results as DICOM objects: reports, heat maps and presentation states, marked for"
                " research use, in the studies of their images. These can go to an archive; other files of the folder"
                " are left out.",
                "muted",
                wrap=True,
            )
        )
        line = row(self.folder_text, self.choose_button)
        line.setStretch(0, 1)
        layout.addLayout(line)
        layout.addLayout(row(label("To", "muted"), self.archive, self.send_button, None))
        layout.addWidget(self.message)
        layout.addStretch(1)
        self.choose_button.clicked.connect(self._choose)
        self.send_button.clicked.connect(self.send)
        session.busy_changed.connect(self._allow)
        self._allow()

    def show_settings(self, settings: PacsSettings) -> None:
        """Offer these archives."""
        self._settings = settings
        self.archive.show_archives(settings)
        self._allow()

    def take(self, folder: Path) -> None:
        """Results lie there."""
        self.folder = folder
        self.folder_text.setText(str(folder))
        self._allow()

    def send(self) -> None:
        """Send them; the foot of the window shows how far it is."""
        if self.folder is None:
            return
        peer = self._settings.peer(self.archive.currentText())
        request = SendResults(peer.name, self.folder, password_for(peer, self))
        self.message.setText("Sending; the window's foot shows how far it is.")
        job = self._session.run(
            request, "Sending results", lambda n: self.message.setText(f"{n:,} objects were stored.")
        )
        job.failed.connect(lambda failed: self.message.setText(f"{failed.what}. {failed.todo}"))
        job.stopped.connect(lambda: self.message.setText("Cancelled; what was sent before stays in the archive."))

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of results", str(Path.home()))
        if chosen:
            self.take(Path(chosen))

    def _allow(self) -> None:
        ready = self._settings.enabled and bool(self._settings.peers) and self.folder is not None
        self.send_button.setEnabled(ready and not self._session.busy)
