"""The images of the project as a table or a wall over one selection, searched, labelled by keyboard."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QStackedWidget, QTableView, QVBoxLayout, QWidget

from fineray.label_values import UNCERTAIN, toggled
from fineray.project.changes import leave_out, put_back, set_labels
from fineray.project.label_sets import LabelSet
from fineray.project.project import Project
from fineray_desktop import keys
from fineray_desktop.curate.wall import ThumbnailWall
from fineray_desktop.keys import in_a_line
from fineray_desktop.loading import Loading
from fineray_desktop.models.images_model import ImageListing, ImagesModel
from fineray_desktop.models.thumbnails import Thumbnails
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, row
from fineray_desktop.widgets.eliding import draw_names
from fineray_desktop.widgets.tables import set_widths, table_view

PICTURE, TILE = 44, 132
MOST_NAMES = 60  # different labels that are cut so that each differs from all others
SECOND = 3  # column of the set shown beside that in use
DIGITS = 9  # classes that have a key
OTHERS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
SEARCH = "Every word must be there; view:pa, label:effusion or part:test look in one column"


class ImageBrowser(QWidget):
    """Filters above, images below; what a person does to the selection goes through here."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._loading = Loading(session.fail, self)
        self._wanted: tuple[int, ...] | None = None
        self._second = ""
        self.thumbnails = Thumbnails(TILE, self)
        self.table = ImagesModel(self.thumbnails, self)
        self.view = table_view(self.table, "Images with label and part", picture=PICTURE)
        self.view.setSelectionMode(QTableView.SelectionMode.ExtendedSelection)
        self.view.setColumnHidden(SECOND, True)
        self.wall = ThumbnailWall(self.table, self.view.selectionModel(), TILE)
        self.search = QLineEdit(placeholderText="Filter by patient, label, view …", clearButtonEnabled=True)
        self.search.setAccessibleName("Filter images")
        self.search.setToolTip(SEARCH)
        self.all_button = button("Show all", "link")
        self.table_button, self.wall_button = button("Table", "choice"), button("Wall", "choice")
        self._count = label(role="muted")
        self._lay_out()
        for each in (self.view, self.wall):
            each.installEventFilter(self)
        self.view.doubleClicked.connect(lambda index: self.open_image(index.row()))
        self.wall.activated.connect(self.open_image)
        self.search.textChanged.connect(self._filter)
        self.all_button.clicked.connect(lambda: self.show_images(None))
        session.project_opened.connect(self.refresh)
        session.project_closed.connect(self._let_go)
        session.data_changed.connect(self.refresh)
        session.images_changed.connect(self._update)
        session.state_changed.connect(self._say_count)
        session.state_changed.connect(self._say_keys)
        self._say_keys()
        self.refresh()

    @property
    def loading(self) -> bool:
        """Whether images are on their way."""
        return self._loading.busy

    def refresh(self) -> None:
        """Show the open project as it is now."""
        project = self._session.project
        if project is not None:
            self.thumbnails.open(project.pixels.folder)
            second = self._second
            self._loading.ask(project.root, lambda opened: ImageListing.of(opened, second), self._show)

    def show_images(self, images: Sequence[int] | None) -> None:
        """List these images only, or all."""
        self._wanted = None if images is None else tuple(images)
        self.all_button.setVisible(images is not None)
        self._filter()

    def show_second(self, name: str) -> None:
        """Show another label set beside that in use; none if empty."""
        if name == self._second:
            return
        self._second = name
        self.view.setColumnHidden(SECOND, not name)
        self.refresh()

    def open_image(self, shown_row: int) -> None:
        """Show an image at full depth, with the regions that exports blank."""
        from fineray_desktop.curate.image_dialog import ImageDialog  # pyqtgraph takes a third of a second to import

        image = self.table.row(shown_row)
        ImageDialog(self._session, image.id, f"{image.patient}, {image.view_position or 'image'}", self).open()

    def selected(self) -> list[int]:
        """Ids of the selected images."""
        ranges = self.view.selectionModel().selection()
        return self.table.images(number for each in ranges for number in range(each.top(), each.bottom() + 1))

    def label_selected(self, value: str | None) -> None:
        """Label the selected images; None takes their labels away. Of a set with several findings, a finding goes one
        step round: absent, present, doubtful."""
        project, state = self._session.project, self._session.state
        images = self.selected()
        if project is None or state is None or not self._session.may_change or not images:
            return
        labels: dict[int, str | None] = dict.fromkeys(images, value)
        if state.label_set.kind == "multi" and value is not None:
            now = {each.id: each.label or None for each in ImageListing.of(project, only=images).rows}
            first = toggled(now[images[0]], value)
            labels = {image: first if image == images[0] else toggled(now[image], value) for image in images}
        number = f"{len(images):,} image{'s' * (len(images) > 1)}"
        title = f"Labelling {number} “{value}”" if value is not None else f"Taking the label off {number}"
        set_labels(project, labels, title)
        self._session.images_changed.emit(tuple(images))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The keys of fineray_desktop.keys for images on page Curate, in the table and on the wall."""
        project, state = self._session.project, self._session.state
        watched_view = watched is self.view or watched is self.wall
        if not watched_view or event.type() != QEvent.Type.KeyPress or project is None or state is None:
            return super().eventFilter(watched, event)
        assert isinstance(event, QKeyEvent)
        taken = not event.modifiers() & OTHERS and self._take(event, project, state.label_set, watched is self.view)
        return taken or super().eventFilter(watched, event)

    def _take(self, event: QKeyEvent, project: Project, label_set: LabelSet, in_table: bool) -> bool:
        """Do what a key says; whether it says anything here."""
        classes = label_set.classes
        number = event.key() - Qt.Key.Key_1
        if 0 <= number < min(DIGITS, len(classes)):
            if not event.isAutoRepeat():  # a finding would go round and round
                self.label_selected(classes[number])
        elif in_table and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.view.currentIndex().isValid():
                self.open_image(self.view.currentIndex().row())
        elif event.key() == Qt.Key.Key_U and label_set.kind == "single":
            self.label_selected(UNCERTAIN)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):  # the one that a Mac has
            self.label_selected(None)
        elif event.key() in (Qt.Key.Key_X, Qt.Key.Key_B) and self.selected() and self._session.may_change:
            images = self.selected()
            if event.key() == Qt.Key.Key_X:
                leave_out(project, images, "left out by hand")
            else:
                put_back(project, images)
            self._session.images_changed.emit(tuple(images))
        else:
            return False
        return True

    def _lay_out(self) -> None:
        group = QButtonGroup(self)
        for number, each in enumerate((self.table_button, self.wall_button)):
            each.setCheckable(True)
            group.addButton(each, number)
        self.table_button.setChecked(True)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.view)
        self.stack.addWidget(self.wall)
        group.idClicked.connect(self._switch)
        top = row(self.search, self._count, self.all_button, row(self.table_button, self.wall_button, spacing=0))
        top.setStretch(0, 1)
        self.all_button.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.stack, 1)
        set_widths(self.view, (72, 132, 132, 72, 52, 80, 74, 42, 46, 96, 44), first=1)
        draw_names(self.view, self._names, 2, SECOND)
        self.view.horizontalHeader().setStretchLastSection(True)

    def _names(self) -> tuple[str, ...]:
        texts = {text for column in (2, SECOND) for text in self.table.texts(column)}
        return tuple(sorted(texts)) if len(texts) <= MOST_NAMES else ()

    def _switch(self, number: int) -> None:
        self.stack.setCurrentIndex(number)
        current = self.view.selectionModel().currentIndex()
        if current.isValid():
            if number:
                self.wall.show_row(current.row())
            else:
                self.view.scrollTo(current)
        self.stack.currentWidget().setFocus()

    def _show(self, listing: ImageListing) -> None:
        chosen, top = self.selected(), self.view.verticalScrollBar().value()
        place = self.wall.verticalScrollBar().value()
        self.table.set_listing(listing)
        if chosen:
            flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
            self.view.selectionModel().select(self.table.selection_of(chosen), flags)
        self.view.verticalScrollBar().setValue(top)
        self.wall.verticalScrollBar().setValue(place)
        self._say_count()

    def _update(self, images: tuple[int, ...]) -> None:
        """Show how these images are now; the rest has not changed."""
        project = self._session.project
        if project is None:
            return
        if self.loading:
            self.refresh()  # what is on its way is older than the change
        else:
            self.table.update_rows(ImageListing.of(project, self._second, images))

    def _let_go(self) -> None:
        self._loading.forget()
        self.table.clear()
        self.thumbnails.close()

    def _filter(self) -> None:
        self.table.show_only(self.search.text(), self._wanted)
        self._say_count()

    def _say_keys(self) -> None:
        state = self._session.state
        if state is None:
            return
        single = state.label_set.kind == "single"
        numbered = tuple((str(place), name) for place, name in enumerate(state.label_set.classes[:DIGITS], start=1))
        classes = in_a_line((*numbered, *((keys.UNCERTAIN,) if single else ())))
        if classes and not single:
            classes += " (each a step on: absent, present, doubtful)"
        lines = (classes, in_a_line(keys.LABELLING), "Double click: look at it · Ctrl+Z: undo")
        for each in (self.view, self.wall):
            each.setToolTip("\n".join(filter(None, lines)))

    def _say_count(self) -> None:
        total, shown, state = self.table.total, self.table.rowCount(), self._session.state
        if shown < total:
            self._count.setText(f"{shown:,} of {total:,} images")
        elif total and state is not None:
            self._count.setText(f"{total:,} images, {state.counts.labelled:,} labelled")
        else:
            self._count.setText("" if total else "Import images first.")
