"""Page Import: folders in, every file accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHeaderView,
    QLineEdit,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from fineray.dicom.location import FileLocation
from fineray.engine.protocol import Reported
from fineray.engine.requests.project import ChangeSide, ImportFolders
from fineray.progress import FileResult
from fineray.project.catalogue import FileRow, file_rows
from fineray.project.files.options import ImportOptions
from fineray.project.files.summary import ImportSummary, Resized
from fineray.project.project import SIDES, Project
from fineray_desktop.importing.collection_notice import CollectionNotice
from fineray_desktop.importing.file_kinds_panel import DoctorPanel
from fineray_desktop.loading import Loading
from fineray_desktop.models.files_model import FilesModel
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, row, sure
from fineray_desktop.widgets.eliding import ChoiceBox
from fineray_desktop.widgets.job_bar import duration
from fineray_desktop.widgets.scrolling import Tabs
from fineray_desktop.widgets.tables import table_view

if TYPE_CHECKING:  # shown on demand
    from fineray_desktop.pacs.dialog import PacsDialog

VIEWS = (("All views", ()), ("Frontal (PA, AP)", ("PA", "AP")), ("Lateral", ("LL", "RL", "LATERAL", "LAT")))
INTENTS = (
    ("All detector images", ()),
    ("For presentation", ("FOR PRESENTATION", "")),
    ("For processing", ("FOR PROCESSING",)),
)
FRAMES = (
    ("Several frames: none", "none"),
    ("Several frames: first", "first"),
    ("Several frames: middle", "middle"),
    ("Several frames: all", "all"),
)


class DropZone(QFrame):
    """Takes dropped folders."""

    def __init__(self, page: ImportPage) -> None:
        super().__init__()
        self._page = page
        self.setProperty("role", "drop")
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and self._page.choose_button.isEnabled():
            event.acceptProposedAction()
            self._mark(True)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._mark(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(False)
        self._page.import_folders([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])

    def _mark(self, active: bool) -> None:
        self.setProperty("active", "true" if active else "false")
        self.style().unpolish(self)
        self.style().polish(self)


class ImportPage(QWidget):
    """Choose or drop folders; a table says how each file ended."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._new_rows: list[FileRow] = []
        self._done_text = ""
        self._ending = False
        self._loading = Loading(session.fail, self)
        self.choose_button = button("Choose a folder…", "primary")
        self.choose_button.clicked.connect(self._choose)
        self.archive_button = button("From an archive…", tip="DICOM query and retrieve, or DICOMweb; off until allowed")
        self.archive_button.clicked.connect(lambda: self.ask_archive())
        self.again_button = button("Read again", tip="Reads every file of the folders imported before once more")
        self.again_button.clicked.connect(self.read_again)
        self.views, self.frames, self.intents, self.side = ChoiceBox(), ChoiceBox(), ChoiceBox(), ChoiceBox()
        for side in SIDES:
            self.side.addItem(f"Kept at {side:,} pixels", side)
        self.side.setToolTip("The longest side at which images are kept; what is learned from is no larger")
        self.side.setAccessibleName("Longest side of kept images")
        self.side.activated.connect(self._choose_side)
        for text, views in VIEWS:
            self.views.addItem(text, views)
        for text, frames in FRAMES:
            self.frames.addItem(text, frames)
        for text, intents in INTENTS:
            self.intents.addItem(text, intents)
        self.intents.setToolTip("A detector may send one exposure twice: with its own values, and ready to be read")
        self.intents.setAccessibleName("Presentation intent of the images to import")
        self.views.setAccessibleName("Views to import")
        self.frames.setAccessibleName("Frames to import")
        self.doctor = DoctorPanel(session)
        self.collection = CollectionNotice(session)
        self.table = FilesModel(self)
        self.result_filter = ChoiceBox()
        self.result_filter.setAccessibleName("Show files with this result")
        self.search = QLineEdit(placeholderText="Filter by file or reason", clearButtonEnabled=True)
        self.search.setAccessibleName("Filter by file or reason")
        self.save_button = button("Save as CSV…", tip="The table with full paths; it may hold names, keep it safe")
        self.summary = label(wrap=True)
        self.view = table_view(self.table, "Files and how each ended")
        self._lay_out()
        self.result_filter.currentIndexChanged.connect(self._filter)
        self.search.textChanged.connect(self._filter)
        self.save_button.clicked.connect(self._save)
        session.project_opened.connect(self.refresh)
        session.project_closed.connect(self._loading.forget)
        session.state_changed.connect(self._update_counts)
        for changed in (session.busy_changed, session.project_opened):
            changed.connect(self._allow)
        self._allow()
        self.refresh()

    def import_folders(self, folders: list[Path], again: bool = False) -> None:
        """Import these folders; what was read before is left alone, unless it is read again."""
        project = self._session.project
        if project is None or not folders or not self._session.may_change:
            return
        self._new_rows = []
        options = ImportOptions(
            frames=self.frames.currentData(),
            views=tuple(self.views.currentData()),
            intents=tuple(self.intents.currentData()),
        )
        job = self._session.run(ImportFolders(project.root, tuple(folders), options, again), "Import", self._finished)
        job.reported.connect(self._reported)
        job.ended.connect(self._ended)
        self._say("Reading the folders. You may go on to other pages meanwhile.")
        self.collection.look(folders)

    def read_again(self) -> None:
        """Read every file of the folders that were imported on this computer once more."""
        project = self._session.project
        if project is not None:  # a drive may take its time to say whether a folder is there
            self._loading.ask(project.root, _imported_folders, lambda folders: self.import_folders(folders, again=True))

    def change_side(self, side: int) -> None:
        """Keep images at another size: the files of those there are read again."""
        project = self._session.project
        if project is not None:
            job = self._session.run(ChangeSide(project.root, side), "Another size", self._resized)
            job.ended.connect(self._ended)

    def ask_archive(self) -> PacsDialog:
        """Look for images in an archive; what is fetched or received is imported."""
        from fineray_desktop.pacs.dialog import PacsDialog

        dialog = PacsDialog(self._session, self)
        for arrived in (dialog.find.fetched, dialog.receive.received):
            arrived.connect(lambda folder: QTimer.singleShot(0, self, lambda: self.import_folders([folder])))
        dialog.open()
        return dialog

    def refresh(self) -> None:
        """Show the open project."""
        project = self._session.project
        if project is not None:
            self._say("")
            self._loading.ask(project.root, file_rows, self.table_filled)
            self.doctor.refresh()

    def table_filled(self, rows: list[FileRow]) -> None:
        """Show these files; those of an import under way, where the project has none yet."""
        # An import that found nothing readable keeps nothing, but its reasons are what the user needs to see.
        self.table.set_rows(rows if rows else self._new_rows)
        stopped = "Stopped; what was read is kept. Import the folder again to go on." if rows and self._ending else ""
        if self._ending:
            self._say(self._done_text or stopped)
        self._ending, self._done_text = False, ""
        self._update_counts()

    def _choose_side(self) -> None:
        state, side = self._session.state, self.side.currentData()
        if state is None or side == state.store_side:
            return
        text = (
            f"The files of {state.counts.images:,} images are read again and kept at {side:,} pixels. Labels, patients "
            "and splits stay; features are worked out anew. Runs made before keep their figures."
        )
        if not state.counts.images or sure(self, "Keep images at another size?", text, "Read again"):
            self.change_side(side)
        else:
            self.side.setCurrentIndex(self.side.findData(state.store_side))

    def _resized(self, resized: Resized) -> None:
        away = f" {resized.as_before:,} stay as they were: their files are away." if resized.as_before else ""
        self._done_text = f"{resized.images:,} images are kept at {resized.side:,} pixels now.{away}"

    def _allow(self) -> None:
        state = self._session.state
        if state is not None:
            self.side.setCurrentIndex(self.side.findData(state.store_side))
        self.side.setEnabled(self._session.may_change)
        for each in (self.choose_button, self.archive_button):
            each.setEnabled(self._session.may_change)
        self.again_button.setEnabled(self._session.may_change and self.table.rowCount() > 0)

    def _lay_out(self) -> None:
        zone = DropZone(self)
        inside = QVBoxLayout(zone)
        inside.setContentsMargins(18, 16, 18, 16)
        inside.addLayout(
            row(
                self.choose_button,
                self.archive_button,
                label(
                    "or drop folders here. Every file below them is looked at, whatever its name.", "muted", wrap=True
                ),
            )
        )
        inside.itemAt(0).layout().setStretch(2, 1)
        inside.addLayout(row(self.views, self.frames, self.intents, self.side, None, self.again_button))
        view = self.view
        view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = view.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setStretchLastSection(False)
        for column, width in ((1, 100), (2, 240), (3, 270)):
            view.setColumnWidth(column, width)
        self._empty = label(
            "No files yet. Choose the folder that your archive exported; subfolders are searched too.", "muted"
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        files = QWidget()
        listing = QVBoxLayout(files)
        listing.setContentsMargins(0, 8, 0, 0)
        listing.setSpacing(10)
        filters = row(self.result_filter, self.search, self.save_button)
        filters.setStretch(1, 1)
        listing.addLayout(filters)
        listing.addWidget(view, 1)
        self.tabs = Tabs()
        self.tabs.addTab(files, "Files")
        self.tabs.addTab(self.doctor, "Doctor")
        self._body = QStackedLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(label("Import", "title"))
        layout.addWidget(zone)
        layout.addWidget(self.collection)
        layout.addWidget(self.summary)
        layout.addLayout(self._body, 1)
        self._body.addWidget(self._empty)
        self._body.addWidget(self.tabs)

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Import: choose a folder of DICOM files", str(Path.home()))
        if chosen:
            self.import_folders([Path(chosen)])

    def _reported(self, event: Reported) -> None:
        rows = [
            FileRow(FileLocation(Path(report.path)), report.status, report.reason, report.todo)
            for report in event.reports
            if isinstance(report, FileResult)
        ]
        self._new_rows += rows
        self.table.append(rows)
        self._update_counts()

    def _finished(self, summary: ImportSummary) -> None:
        parts = [f"{summary.imported:,} imported"]
        if summary.unchanged:
            parts.append(f"{summary.unchanged:,} unchanged since the last import")
        for count, word in (
            (summary.skipped, "skipped"),
            (summary.duplicates, "duplicates"),
            (summary.failed, "failed"),
        ):
            if count:
                parts.append(f"{count:,} {word}")
        self._done_text = f"Done in {duration(summary.seconds)}: {', '.join(parts)}, of {summary.found:,} files."

    def _ended(self) -> None:
        project = self._session.project
        if project is None:
            return
        self._ending = True
        self._loading.ask(project.root, file_rows, self.table_filled)
        self.doctor.refresh()
        self._session.data_changed.emit()

    def _update_counts(self) -> None:
        found = self.table.counts()
        total = sum(found.values())
        chosen = max(self.result_filter.currentIndex(), 0)
        texts = [f"All files ({total:,})", *(f"{word.capitalize()} ({count:,})" for word, count in found.items())]
        self.result_filter.blockSignals(True)
        for index, text in enumerate(texts):
            if index < self.result_filter.count():
                self.result_filter.setItemText(index, text)
            else:
                self.result_filter.addItem(text, ["", "imported", "skipped", "failed"][index])
        self.result_filter.setCurrentIndex(chosen)
        self.result_filter.blockSignals(False)
        self._body.setCurrentIndex(1 if total else 0)
        self.save_button.setEnabled(total > 0)
        self._allow()
        state = self._session.state
        if state is not None and total and not self.summary.text():
            size = state.counts
            self._say(f"The project holds {size.images:,} images of {size.patients:,} patients.")

    def _say(self, text: str) -> None:
        self.summary.setText(text)
        self.summary.setVisible(bool(text))

    def _filter(self) -> None:
        self.table.show_only(self.result_filter.currentData() or "", self.search.text())

    def _save(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the table", "import.csv", "CSV (*.csv)")
        if chosen:
            try:
                self.table.save(Path(chosen))
            except OSError as error:
                self._session.fail("The table could not be saved", f"{chosen}: {error}", "Choose another place.")


def _imported_folders(project: Project) -> list[Path]:
    return [folder for folder in project.sources.roots() if folder.is_dir()]
