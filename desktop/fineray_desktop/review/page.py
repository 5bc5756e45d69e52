"""Page Review: how good, for whom, how sure, why, and what next; out-of-sample predictions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QSplitter,
    QStackedLayout,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from fineray.engine.requests.review import DoubtLabels
from fineray.explaining.results import DoubtfulLabel
from fineray.project.runs import runs
from fineray.review.query import PART
from fineray_desktop.models.images_model import part_title
from fineray_desktop.models.run_predictions_model import RunPredictionsModel, Wanted
from fineray_desktop.models.thumbnails import Thumbnails
from fineray_desktop.review.bar import ReviewBar
from fineray_desktop.review.curves_tab import CurvesTab
from fineray_desktop.review.forest import SubgroupTab
from fineray_desktop.review.image_panel import ImagePanel
from fineray_desktop.review.overview import Overview
from fineray_desktop.review.plan_tab import PlanTab
from fineray_desktop.review.sealed_test_panel import SealedPanel
from fineray_desktop.review.side_question import SideQuestion
from fineray_desktop.review.state import ReviewState
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    label,
    row,
    scrolling_column,
)
from fineray_desktop.widgets.confusion_matrix import Cell
from fineray_desktop.widgets.eliding import ChoiceBox, draw_names
from fineray_desktop.widgets.tables import Sharing, set_widths, table_view

PICTURE = 46
NARROW, WIDE = 340, 540  # points of the list, below which it shows the classes alone, and not where it was held out
LISTS = (
    ("All predictions", "all"),
    ("Wrong, most confident first", "wrong"),
    ("Right ones", "right"),
    ("Least certain first", "uncertain"),
    ("Probable label errors", "doubtful"),
    ("Label changed since", "changed"),
    ("With a note", "noted"),
)


class ReviewPage(QWidget):
    """Left the figures, in the middle the predictions, right the image."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._thumbnails = Thumbnails(PICTURE, self)
        self._doubtful: tuple[DoubtfulLabel, ...] | None = None
        self._only: frozenset[int] | None = None  # images that a dialog wants listed
        self._first = QTimer(self, singleShot=True, interval=0)
        self._first.timeout.connect(self._choose_first)
        self.state = ReviewState(session)
        self._doubts = SideQuestion(self.state, self._doubts_came, session.failed.emit)
        self.bar = ReviewBar(self.state)
        self.sealed = SealedPanel(session)
        self.overview = Overview(self.state, self.sealed)
        self.curves = CurvesTab(self.state)
        self.subgroups = SubgroupTab(self.state)
        self.plan = PlanTab(self.state)
        self.image_panel = ImagePanel(self.state, self._thumbnails)
        self.image = self.image_panel.view
        self.chooser, self.judged_on, self.finding = self.bar.run, self.bar.evaluated, self.bar.finding
        self.matrix = self.overview.matrix
        self.table = RunPredictionsModel(self._thumbnails, self)
        self.view = table_view(self.table, "Predictions", picture=PICTURE)
        self.list = ChoiceBox(7)
        self.list.setAccessibleName("Which predictions")
        for text, name in LISTS:
            self.list.addItem(text, name)
        self.search = QLineEdit(placeholderText="Filter by patient or class", clearButtonEnabled=True)
        self.search.setAccessibleName("Filter predictions")
        self.search.setToolTip("Filter by patient or class")
        self.search.setMinimumWidth(92)
        self.shown = label(role="muted", wrap=True)
        self.clear_button = button("Show all", "link")
        self._body = QStackedLayout()
        self._lay_out()
        self._connect()
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether something on this page is still being worked out."""
        return self.state.busy or self.image_panel.explain.busy or self._first.isActive()

    def refresh(self, wanted: str = "") -> None:
        """List the project's runs and show the wanted one, or the newest."""
        project = self._session.project
        if project is None:
            return
        names = [folder.name for folder in runs(project)]
        self.bar.show_runs(names, wanted)
        self.bar.setVisible(bool(names))
        self._body.setCurrentIndex(1 if names else 0)
        if names:
            self._thumbnails.open(project.pixels.folder)
            self.state.open(self.chooser.currentText())

    def _share_columns(self, room: int) -> None:
        """The two classes get what the others leave; in a narrow list the image's title tells patient and score."""
        self.view.setColumnHidden(1, room < NARROW)
        set_widths(self.view, (76, 0, 0, 58, 96), first=1)
        beside = (0,) if room < NARROW else (0, 1, 4) if room < WIDE else (0, 1, 4, 5)
        each = (room - sum(self.view.columnWidth(column) for column in beside)) // 2
        for column in (2, 3):
            self.view.setColumnWidth(column, max(each, 90))

    def _let_go(self) -> None:
        self.table.clear()
        self.image_panel.clear("")
        self._doubts.drop()
        self._thumbnails.close()

    def show_images(self, images: list[int]) -> None:
        """List these images alone."""
        self._clear_filters()
        self._only = frozenset(images)
        self._filter()

    def _lay_out(self) -> None:
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        for part, title in (
            (self.overview, "Overview"),
            (self.curves, "Curves"),
            (self.subgroups, "Subgroups"),
            (self.plan, "Plan"),
        ):
            tabs.addTab(scrolling_column(part), title)
        self.tabs = tabs
        middle = QWidget()
        listing = QVBoxLayout(middle)
        listing.setContentsMargins(8, 0, 8, 0)
        listing.setSpacing(8)
        filters = row(self.list, self.search)
        filters.setStretch(1, 1)
        listing.addLayout(filters)
        counted = row(self.shown, self.clear_button)
        counted.setStretch(0, 1)
        listing.addLayout(counted)
        listing.addWidget(self.view, 1)
        Sharing(self.view, self._share_columns)
        draw_names(self.view, lambda: self.state.predictions.classes if self.state.predictions else (), 2, 3)
        splitter = QSplitter()
        for part, stretch in ((tabs, 2), (middle, 3), (self.image_panel, 2)):
            splitter.addWidget(part)
            splitter.setStretchFactor(splitter.count() - 1, stretch)
        splitter.setSizes([372, 430, 420])
        splitter.setChildrenCollapsible(False)
        nothing = label("No run yet. Train first; then this page shows how well it went, image by image.", "muted")
        go = button("Go to Train", "primary")
        go.clicked.connect(lambda: self._session.show_page.emit("Train"))
        empty = QWidget()
        centre = QVBoxLayout(empty)
        centre.addStretch(1)
        centre.addWidget(nothing, alignment=Qt.AlignmentFlag.AlignCenter)
        centre.addWidget(go, alignment=Qt.AlignmentFlag.AlignCenter)
        centre.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(label("Review", "title"))
        layout.addWidget(self.bar)
        layout.addLayout(self._body, 1)
        self._body.addWidget(empty)
        self._body.addWidget(splitter)

    def _connect(self) -> None:
        state = self.state
        self.bar.run_chosen.connect(lambda name: state.open(name))
        self.bar.report_asked.connect(self._report)
        self.bar.compare_asked.connect(self._compare)
        self.bar.map_asked.connect(self._map)
        self.bar.desk_asked.connect(self._desk)
        self.sealed.froze.connect(lambda name: state.open(name))
        self.sealed.opened.connect(lambda name: state.open(name, on_test=True))
        self.subgroups.chosen.connect(self.bar.choose_subgroup)
        self.overview.right_button.clicked.connect(lambda: self._choose_list("right"))
        self.overview.wrong_button.clicked.connect(lambda: self._choose_list("wrong"))
        self.matrix.selected.connect(lambda: self._filter())
        self.list.currentIndexChanged.connect(self._list_chosen)
        self.search.textChanged.connect(lambda: self._filter())
        self.clear_button.clicked.connect(self._clear_filters)
        self.view.selectionModel().currentRowChanged.connect(self._row_chosen)
        self.view.activated.connect(lambda: self.image.setFocus())
        self.image.step.connect(self._step)
        self.image.listen_to(self.view)
        self.image_panel.image_wanted.connect(lambda image: self.show_images([image]))
        self.image_panel.beside_asked.connect(self._beside)
        self.image_panel.explain.cell_asked.connect(self._mean_map)
        state.opened.connect(self._run_opened)
        state.shown_changed.connect(self._shown_changed)
        self._session.project_opened.connect(self.refresh)
        self._session.project_closed.connect(self._let_go)
        self._session.runs_changed.connect(self.refresh)

    def _run_opened(self) -> None:
        opened, predictions = self.state.run, self.state.predictions
        evaluated = self.state.evaluated
        if opened is None or predictions is None or evaluated is None:
            return
        self._doubtful = self._only = None
        self._doubts.drop()
        self.sealed.show_run(opened.folder, opened.metrics)
        known = self.state.chosen is not None
        self.table.set_predictions(predictions, evaluated.places, evaluated.patients, self.state.predicted, known)
        self._reset_filters()

    def _shown_changed(self) -> None:
        if self.state.predictions is not None:
            self.table.set_predicted(self.state.predicted, self.state.chosen is not None)
            self._filter(stay=True)

    def _choose_list(self, name: str) -> None:
        self.list.setCurrentIndex(self.list.findData(name))

    def _list_chosen(self) -> None:
        project, opened = self._session.project, self.state.run
        self._doubts.drop()
        if self.list.currentData() == "doubtful" and self._doubtful is None and project is not None and opened:
            self._doubts.ask(DoubtLabels(project.root, opened.folder.name))
            self.shown.setText("Looking for labels that the predictions contradict…")
            return
        self._filter()

    def _doubts_came(self, found: tuple[DoubtfulLabel, ...]) -> None:
        self._doubtful = found
        self._filter()

    def _clear_filters(self) -> None:
        self._reset_filters()
        self._filter()

    def _reset_filters(self) -> None:
        for each in (self.matrix, self.list, self.search):
            each.blockSignals(True)
        self.matrix.select(None)
        self.list.setCurrentIndex(0)
        self.search.clear()
        self._only = None
        for each in (self.matrix, self.list, self.search):
            each.blockSignals(False)

    def _filter(self, stay: bool = False) -> None:
        """List what is wanted. stay: with the image that is on show, if it is listed still."""
        predictions, opened = self.state.predictions, self.state.run
        if predictions is None or opened is None:
            return
        cell: Cell = self.matrix.chosen or (None, None)
        name = str(self.list.currentData())
        right = {"wrong": False, "right": True}.get(name)
        images, first = self._listed(name, predictions.images, predictions.probabilities)
        self.table.show_only(Wanted(cell, right, self.search.text(), self.state.in_view, images), first)
        count = self.table.rowCount()
        where = self.matrix.describe(cell) if self.matrix.chosen else ""
        view = self.state.view
        if view.value:
            value = part_title(view.value) if view.attribute == PART else view.value
            where = f"{value}{', ' * bool(where)}{where}"
        told = f": {where}" if where else ", each predicted out of sample"
        self.shown.setText(f"{count:,} images{told}" if self.state.chosen is not None else "Being worked out…")
        filtered = bool(self.matrix.chosen or self.list.currentIndex() or self.search.text() or self._only)
        self.clear_button.setVisible(filtered)
        if count:
            shown = self.table.rows_of(
                [self.image_panel.image] if stay and self.image_panel.image is not None else []
            ).tolist()
            if self.image_panel.image is None:
                self._first.start()
            else:
                self._choose_row(shown[0] if shown else 0)
        else:
            self.image_panel.clear("No image fits the filter.")

    def _choose_first(self) -> None:
        """An image after none is drawn in a turn of its own: with the figures it would keep the window waiting."""
        if self.image_panel.image is None and self.table.rowCount():
            self._choose_row(0)

    def _listed(
        self, name: str, images: NDArray[np.int64], probabilities: NDArray[np.float64]
    ) -> tuple[frozenset[int] | None, NDArray[np.float64] | None]:
        """(images that the list holds, None for all; what it is ordered by)."""
        opened = self.state.run
        assert opened is not None
        if self._only is not None:
            return self._only, None
        if name == "wrong":
            return None, -np.take_along_axis(probabilities, self.state.predicted[:, None], axis=1)[:, 0]
        if name == "uncertain":
            top = np.sort(probabilities, axis=1)
            return None, top[:, -1] - top[:, -2]
        if name == "doubtful":
            place = {each.image: number for number, each in enumerate(self._doubtful or ())}
            last = len(place)
            return frozenset(place), np.array([place.get(image, last) for image in images.tolist()], dtype=np.float64)
        if name == "changed":
            return frozenset(opened.changed), None
        if name == "noted":
            return frozenset(opened.notes), None
        return None, None

    def _choose_row(self, number: int) -> None:
        index = self.table.index(number, 1)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.view.selectionModel().setCurrentIndex(index, flags)
        self.view.scrollTo(index, QTableView.ScrollHint.EnsureVisible)

    def _step(self, by: int) -> None:
        number = self.view.currentIndex().row() + by
        if 0 <= number < self.table.rowCount():
            self._choose_row(number)

    def _row_chosen(self, current: QModelIndex) -> None:
        if current.isValid():
            around = [current.row() + by for by in (1, 2, -1)]
            near = [self.table.image(number) for number in around if 0 <= number < self.table.rowCount()]
            self.image_panel.show_row(int(self.table.shown[current.row()]), near)

    def _report(self) -> None:
        from fineray_desktop.review.report_dialog import ReportDialog

        if self.state.run is not None and not self._session.busy:
            ReportDialog(self.state, self).open()

    def _compare(self) -> None:
        from fineray_desktop.review.compare_dialog import CompareDialog

        if self.state.run is not None:
            names = [self.chooser.itemText(number) for number in range(self.chooser.count())]
            self._open(CompareDialog(self.state, names, self))

    def _map(self) -> None:
        from fineray_desktop.review.map_dialog import MapDialog

        if self.state.run is not None:
            self._open(MapDialog(self.state, self))

    def _desk(self) -> None:
        from fineray_desktop.review.desk_dialog import DeskDialog

        if self.state.run is not None:
            self._open(DeskDialog(self.state, self))

    def _mean_map(self, class_name: str) -> None:
        from fineray_desktop.review.mean_map_dialog import MeanMapDialog

        images = [self.table.image(number) for number in range(self.table.rowCount())]
        if self.state.run is not None and self.state.chosen is not None and images:
            where = self.shown.text()
            MeanMapDialog(self.state, images, class_name, where, self).open()

    def _beside(self, image: int) -> None:
        from fineray_desktop.review.beside_dialog import BesideDialog

        BesideDialog(self.state, image, self).open()

    def _open(self, dialog: QDialog) -> None:
        dialog.show_images.connect(self.show_images)  # type: ignore[attr-defined]
        dialog.open()
