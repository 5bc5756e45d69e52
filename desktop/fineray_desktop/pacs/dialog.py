"""Images from an archive: find and fetch, receive, and which archives there are."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QCheckBox, QDialog, QTabWidget, QVBoxLayout, QWidget

from fineray.errors import FinerayError
from fineray.pacs.settings import PacsSettings, load_settings, save_settings
from fineray_desktop.pacs.archives_tab import ArchivesTab
from fineray_desktop.pacs.find_tab import FindTab
from fineray_desktop.pacs.receive_tab import ReceiveTab
from fineray_desktop.pacs.send_tab import SendTab
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import label, open_at


class PacsDialog(QDialog):
    """Emits through the page: fetched folders are imported by `take`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("From an archive")
        open_at(self, 860, 600)
        try:
            self.settings = load_settings()
        except FinerayError as error:
            session.fail(error.what, error.where, error.todo)
            self.settings = PacsSettings()
        self.enabled = QCheckBox("Allow connections to the archives listed here")
        self.enabled.setChecked(self.settings.enabled)
        self.enabled.setToolTip("Off, Fineray opens no connection to any of them")
        self.find, self.receive, self.send = FindTab(session), ReceiveTab(session), SendTab(session)
        self.archives = ArchivesTab(session)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for tab, title in (
            (self.find, "Find and fetch"),
            (self.receive, "Receive"),
            (self.send, "Send results"),
            (self.archives, "Archives"),
        ):
            self.tabs.addTab(tab, title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(self.enabled)
        layout.addWidget(
            label(
                "What is fetched lies as DICOM files with identity in the folder that you choose; the project keeps"
                " pseudonyms, as with every import.",
                "muted",
                wrap=True,
            )
        )
        layout.addWidget(self.tabs, 1)
        self.enabled.toggled.connect(lambda on: self.keep(replace(self.settings, enabled=on)))
        self.archives.changed.connect(self.keep)
        self._show()
        if not self.settings.peers:
            self.tabs.setCurrentWidget(self.archives)

    def keep(self, settings: PacsSettings) -> None:
        """Save these settings, or say why they cannot be right."""
        try:
            save_settings(settings)
        except FinerayError as error:
            self.archives.say(str(error))
            return
        self.settings = settings
        self.archives.say("")
        self._show()

    def reject(self) -> None:
        """Close; a receiver that still listens is stopped."""
        self.receive.stop()
        super().reject()

    def _show(self) -> None:
        for tab in (self.find, self.receive, self.send, self.archives):
            tab.show_settings(self.settings)
