"""Page Curate: labels with a preview, the split by patient, the images."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QSplitter, QTableView, QTabWidget, QVBoxLayout, QWidget

from core.project.catalogue import counts, image_rows
from core.project.changes import leave_out, put_back, set_labels
from core.project.splits import latest_split
from desktop.models.image_tables import ImageTable
from desktop.session import Session
from desktop.widgets.basics import button, label, row, scrolling_column
from desktop.widgets.check_panel import CheckPanel
from desktop.widgets.label_panel import LabelPanel
from desktop.widgets.split_panel import SplitPanel
from desktop.widgets.tables import table_view
from desktop.widgets.thumbnails import Thumbnails

PICTURE = 44
KEYS = "1 to 9: label with that class · Delete: take the label away · X: leave out · B: put back · Ctrl+Z: undo"


class CuratePage(QWidget):
    """Left what to do, right the images it concerns."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._thumbnails = Thumbnails(PICTURE, self)
        self._wanted: tuple[int, ...] | None = None
        self._labelled = 0
        self.labels = LabelPanel(session)
        self.split = SplitPanel(session)
        self.checks = CheckPanel(session)
        self.table = ImageTable(self._thumbnails, self)
        self.view = table_view(self.table, "Images with label and part", picture=PICTURE)
        self.view.setSelectionMode(QTableView.SelectionMode.ExtendedSelection)
        self.view.setToolTip(KEYS)
        self.view.installEventFilter(self)
        self.search = QLineEdit(placeholderText="Filter by patient, label, view …", clearButtonEnabled=True)
        self.search.setAccessibleName("Filter images")
        self.search.textChanged.connect(self._filter)
        self.all_button = button("Show all", "link")
        self.all_button.clicked.connect(lambda: self._show_images(None))
        self.all_button.hide()
        self.checks.show_images.connect(self._show_images)
        self._count = label(role="muted")
        self._lay_out()
        session.project_opened.connect(self.refresh)
        session.project_closed.connect(self._thumbnails.close)
        session.data_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the open project as it is now."""
        project = self._session.project
        if project is None:
            return
        self._thumbnails.open(project.pixels.folder)
        split = latest_split(project)
        rows = image_rows(project, split.id if split else None)
        chosen, top = self.selected(), self.view.verticalScrollBar().value()
        self.table.set_rows(rows)
        self._select(chosen)
        self.view.verticalScrollBar().setValue(top)
        self._labelled = sum(1 for each in rows if each.label)
        self._say_count()
        self.labels.refresh()
        self.split.refresh()
        self.checks.refresh()

    def label_selected(self, value: str | None) -> None:
        """Label the selected images; None takes their labels away."""
        project = self._session.project
        images = self.selected()
        if project is None or self._session.busy or not images:
            return
        number = f"{len(images):,} image{'s' * (len(images) > 1)}"
        title = f"Labelling {number} “{value}”" if value is not None else f"Taking the label off {number}"
        set_labels(project, dict.fromkeys(images, value), title)
        self._session.data_changed.emit()

    def selected(self) -> list[int]:
        """Ids of the selected images."""
        return [self.table.image(index.row()) for index in self.view.selectionModel().selectedRows()]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """1 to 9 give the class of that number, Delete takes the label away, X leaves out, B puts back."""
        project = self._session.project
        if watched is not self.view or event.type() != QEvent.Type.KeyPress or project is None:
            return super().eventFilter(watched, event)
        assert isinstance(event, QKeyEvent)
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            return super().eventFilter(watched, event)
        classes = list(counts(project).classes)
        number = event.key() - Qt.Key.Key_1
        if 0 <= number < min(9, len(classes)):
            self.label_selected(classes[number])
        elif event.key() == Qt.Key.Key_Delete:
            self.label_selected(None)
        elif event.key() in (Qt.Key.Key_X, Qt.Key.Key_B) and self.selected() and not self._session.busy:
            if event.key() == Qt.Key.Key_X:
                leave_out(project, self.selected(), "left out by hand")
            else:
                put_back(project, self.selected())
            self._session.data_changed.emit()
        else:
            return super().eventFilter(watched, event)
        return True

    def _lay_out(self) -> None:
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        tabs.addTab(scrolling_column(self.labels, self.split), "Labels and split")
        tabs.addTab(scrolling_column(self.checks), "Data checks")
        tabs.setMinimumWidth(360)
        self.tabs = tabs
        images = QWidget()
        right = QVBoxLayout(images)
        right.setContentsMargins(8, 0, 0, 0)
        right.setSpacing(8)
        top = row(self.search, self._count, self.all_button)
        top.setStretch(0, 1)
        right.addLayout(top)
        right.addWidget(self.view, 1)
        for column_number, width in enumerate((72, 104, 72, 52, 80, 74, 42, 46, 96, 44), start=1):
            self.view.setColumnWidth(column_number, width)
        self.view.horizontalHeader().setStretchLastSection(True)
        splitter = QSplitter()
        splitter.addWidget(tabs)
        splitter.addWidget(images)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([400, 800])
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(label("Curate", "title"))
        layout.addWidget(splitter, 1)

    def _select(self, images: list[int]) -> None:
        for image in images:
            place = self.table.row_of(image)
            if place is not None:
                flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
                self.view.selectionModel().select(self.table.index(place, 0), flags)

    def _filter(self) -> None:
        self.table.show_only(self.search.text(), self._wanted)
        self._say_count()

    def _say_count(self) -> None:
        total, shown = self.table.total, self.table.rowCount()
        if shown < total:
            self._count.setText(f"{shown:,} of {total:,} images")
        else:
            self._count.setText(f"{total:,} images, {self._labelled:,} labelled" if total else "Import films first.")

    def _show_images(self, images: tuple[int, ...] | None) -> None:
        """List these images only, or all."""
        self._wanted = images
        self.all_button.setVisible(images is not None)
        self._filter()
