"""Studies in an archive: found by what is known of them, and fetched into a folder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QLineEdit, QVBoxLayout, QWidget

from fineray.engine.requests.pacs import FetchStudies, FindStudies
from fineray.pacs.results import Criteria, Fetched, StudyFound
from fineray.pacs.settings import PacsSettings
from fineray_desktop.engine_client import Job
from fineray_desktop.models.studies_model import StudiesModel
from fineray_desktop.pacs.archive_box import ArchiveBox
from fineray_desktop.pacs.password import password_for
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, row
from fineray_desktop.widgets.tables import set_widths, table_view


class FindTab(QWidget):
    """Fields, a table of studies, and where they go."""

    fetched = Signal(object)  # the folder, a Path

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._settings = PacsSettings()
        self._job: Job | None = None
        self.archive = ArchiveBox()
        self.archive.setAccessibleName("Archive")
        self.since = QLineEdit(placeholderText="from YYYYMMDD")
        self.until = QLineEdit(placeholderText="to YYYYMMDD")
        self.modality = QLineEdit(placeholderText="CR, DX, …")
        self.patient = QLineEdit(placeholderText="patient ID")
        self.description = QLineEdit(placeholderText="description, * and ? as wildcards")
        for field, name in (
            (self.since, "From date"),
            (self.until, "To date"),
            (self.modality, "Modality"),
            (self.patient, "Patient ID"),
            (self.description, "Description"),
        ):
            field.setAccessibleName(name)
            field.returnPressed.connect(self.find)
        self.find_button = button("Find", "primary")
        self.cancel_button = button("Cancel")
        self.since.setMinimumWidth(150)  # for what is to be written
        self.fetch_button = button("Fetch and import the chosen ones…")
        self.message = label("Nothing was looked for yet.", "muted", wrap=True)
        self.table = StudiesModel(self)
        self.view = table_view(self.table, "Studies in the archive")
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        set_widths(self.view, (104, 130, 90, 70))
        self.view.horizontalHeader().setStretchLastSection(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row(self.archive, self.since, self.until, self.modality))
        layout.addLayout(row(self.patient, self.description, self.find_button, self.cancel_button))
        layout.addWidget(self.view, 1)
        bottom = row(self.message, self.fetch_button)
        bottom.setStretch(0, 1)
        layout.addLayout(bottom)
        self.find_button.clicked.connect(self.find)
        self.cancel_button.clicked.connect(lambda: self._job is not None and self._job.cancel())
        self.fetch_button.clicked.connect(self.choose)
        self.view.selectionModel().selectionChanged.connect(self._allow)
        session.busy_changed.connect(self._allow)
        self._allow()

    def show_settings(self, settings: PacsSettings) -> None:
        """Offer these archives."""
        self._settings = settings
        self.archive.show_archives(settings)
        if not settings.enabled:
            self.message.setText("Connections are switched off; allow them above.")
        elif not settings.peers:
            self.message.setText("No archive is listed yet (tab Archives).")
        self._allow()

    def find(self) -> None:
        """Ask the archive."""
        if not self.find_button.isEnabled():
            return
        peer = self._settings.peer(self.archive.currentText())
        criteria = Criteria(
            self.patient.text().strip(),
            self.since.text().strip(),
            self.until.text().strip(),
            self.modality.text().strip().upper(),
            self.description.text().strip(),
        )
        self.message.setText("Asking the archive…")
        job = self._session.analyst.start(FindStudies(peer.name, criteria, password_for(peer, self)))
        self._job = job
        job.finished.connect(self._found)
        job.failed.connect(lambda failed: self.message.setText(f"{failed.what}. {failed.todo}"))
        job.stopped.connect(lambda: self.message.setText("Cancelled."))
        job.ended.connect(self._ended)
        self._allow()

    def choose(self) -> None:
        """Ask where the images go."""
        chosen = QFileDialog.getExistingDirectory(
            self, "Folder for the images, outside of the project", str(_beside(self._session).parent)
        )
        if chosen:
            self.fetch(Path(chosen))

    def fetch(self, folder: Path) -> None:
        """Fetch the chosen studies there; the foot of the window shows how far it is."""
        peer = self._settings.peer(self.archive.currentText())
        rows = self.view.selectionModel().selectedRows()
        studies = tuple(self.table.study(index.row()).uid for index in rows)
        request = FetchStudies(peer.name, studies, folder, password_for(peer, self))
        job = self._session.run(request, "Fetching images", self._fetched)
        job.failed.connect(lambda failed: self.message.setText(f"{failed.what}. {failed.todo}"))
        self.message.setText("Fetching; the window's foot shows how far it is.")

    def _found(self, studies: tuple[StudyFound, ...]) -> None:
        self.table.show_studies(studies)
        self.message.setText(f"{len(studies):,} studies." + (" Choose those to fetch." if studies else ""))

    def _fetched(self, done: Fetched) -> None:
        failed = f", {done.failed:,} could not be sent" if done.failed else ""
        self.message.setText(f"{done.received:,} images fetched{failed}; they are being imported.")
        self.fetched.emit(Path(done.folder))

    def _ended(self) -> None:
        self._job = None
        self._allow()

    def _allow(self) -> None:
        ready = self._settings.enabled and bool(self._settings.peers) and self._job is None
        self.find_button.setEnabled(ready)
        self.cancel_button.setEnabled(self._job is not None)
        chosen = self.view.selectionModel().hasSelection()
        self.fetch_button.setEnabled(ready and chosen and not self._session.busy)


def _beside(session: Session) -> Path:
    """Where images go unless another place is chosen: beside the project, never inside it."""
    root = session.project.root if session.project is not None else Path.home() / "Fineray"
    return root.with_name(f"{root.name} images")
