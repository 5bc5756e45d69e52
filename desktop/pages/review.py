"""Page Review: how good, on whom, and which images; out-of-sample predictions only."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QLineEdit,
    QSplitter,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.dicom.radiograph import GrayImage
from core.engine.messages import ReadImage, ShownImage
from core.errors import FinerayError
from core.evaluation.operating_point import OperatingPoint
from core.project.catalogue import places_of, stored_at
from core.project.runs import Predictions, run, runs
from desktop.engine_client import Job
from desktop.models.prediction_table import PredictionTable
from desktop.session import Session
from desktop.widgets.basics import button, card, label, row, scrolling_column
from desktop.widgets.confusion_matrix import Cell, ConfusionMatrix
from desktop.widgets.figures import ClassFigures, Headline
from desktop.widgets.image_view import ImageView
from desktop.widgets.sealed_panel import SealedPanel
from desktop.widgets.tables import table_view
from desktop.widgets.thumbnails import Thumbnails

PICTURE = 52
VERDICTS = (("All predictions", None), ("Wrong ones", False), ("Right ones", True))


class ReviewPage(QWidget):
    """Left the figures, in the middle the predictions, right the image."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._thumbnails = Thumbnails(PICTURE, self)
        self._reading: Job | None = None
        self.chooser = QComboBox()
        self.chooser.setAccessibleName("Run")
        self.headline = Headline()
        self.matrix = ConfusionMatrix()
        self.figures = ClassFigures()
        self.judged_on = QComboBox()
        self.finding = QComboBox()
        self.finding.setAccessibleName("Finding")
        self.finding.hide()
        self.judged_on.setAccessibleName("Films that the figures are worked out on")
        self.sealed = SealedPanel(session)
        self.table = PredictionTable(self._thumbnails, self)
        self.view = table_view(self.table, "Predictions", picture=PICTURE)
        self.verdict = QComboBox()
        self.verdict.setAccessibleName("Right or wrong")
        for text, value in VERDICTS:
            self.verdict.addItem(text, value)
        self.search = QLineEdit(placeholderText="Filter by patient or class", clearButtonEnabled=True)
        self.search.setAccessibleName("Filter predictions")
        self.shown = label(role="muted", wrap=True)
        self.clear_button = button("Show all", "link")
        self.image = ImageView()
        self._body = QStackedLayout()
        self._lay_out()
        self._connect()
        self.refresh()

    def refresh(self, wanted: str = "") -> None:
        """List the project's runs and show the wanted one, or the newest."""
        project = self._session.project
        if project is None:
            return
        names = [folder.name for folder in runs(project)]
        self.chooser.blockSignals(True)
        self.chooser.clear()
        self.chooser.addItems(names)
        if wanted in names:
            self.chooser.setCurrentText(wanted)
        self.chooser.blockSignals(False)
        self._body.setCurrentIndex(1 if names else 0)
        if names:
            self._show_run(self.chooser.currentText())

    def _lay_out(self) -> None:
        scroll = scrolling_column(
            card(self.chooser, self.judged_on, self.finding, self.headline),
            self.sealed,
            card(label("Confusion matrix", "heading"), self.matrix),
            card(label("Each class against the rest", "heading"), self.figures),
        )
        scroll.setMinimumWidth(320)
        middle = QWidget()
        listing = QVBoxLayout(middle)
        listing.setContentsMargins(8, 0, 8, 0)
        listing.setSpacing(8)
        filters = row(self.verdict, self.search)
        filters.setStretch(1, 1)
        listing.addLayout(filters)
        counted = row(self.shown, self.clear_button)
        counted.setStretch(0, 1)
        listing.addLayout(counted)
        middle.setMinimumWidth(260)
        listing.addWidget(self.view, 1)
        for column, width in enumerate((66, 94, 94, 96, 70), start=1):
            self.view.setColumnWidth(column, width)
        self.view.horizontalHeader().setStretchLastSection(True)
        picture = QWidget()
        right = QVBoxLayout(picture)
        right.setContentsMargins(8, 0, 0, 0)
        right.addWidget(self.image)
        splitter = QSplitter()
        for part, stretch in ((scroll, 0), (middle, 1), (picture, 1)):
            splitter.addWidget(part)
            splitter.setStretchFactor(splitter.count() - 1, stretch)
        splitter.setSizes([330, 490, 420])
        splitter.setChildrenCollapsible(False)
        nothing = label("No run yet. Train first; then this page shows how well it went, film by film.", "muted")
        go = button("Go to Train", "primary")
        go.clicked.connect(lambda: self._session.show_page.emit("Train"))
        empty = QWidget()
        centre = QVBoxLayout(empty)
        centre.addStretch(1)
        centre.addWidget(nothing, alignment=Qt.AlignmentFlag.AlignCenter)
        centre.addWidget(go, alignment=Qt.AlignmentFlag.AlignCenter)
        centre.addStretch(1)
        self._body.addWidget(empty)
        self._body.addWidget(splitter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(label("Review", "title"))
        layout.addLayout(self._body, 1)

    def _connect(self) -> None:
        self.chooser.currentTextChanged.connect(self._show_run)
        self.judged_on.currentIndexChanged.connect(self._show_figures)
        self.finding.currentIndexChanged.connect(self._show_figures)
        self.sealed.opened.connect(self._test_opened)
        self.matrix.selected.connect(self._filter)
        self.verdict.currentIndexChanged.connect(self._filter)
        self.search.textChanged.connect(self._filter)
        self.clear_button.clicked.connect(self._clear_filters)
        self.view.selectionModel().currentRowChanged.connect(self._row_chosen)
        self.view.activated.connect(lambda: self.image.setFocus())
        self.image.step.connect(self._step)
        self._session.project_opened.connect(self.refresh)
        self._session.project_closed.connect(self._thumbnails.close)
        self._session.runs_changed.connect(self.refresh)

    def _show_run(self, name: str) -> None:
        project = self._session.project
        if project is None or not name:
            return
        try:
            folder = run(project, name)
            self.sealed.show_run(folder, folder.metrics())
        except (OSError, ValueError, KeyError, FinerayError) as error:
            self._cannot_read(name, error)
            return
        self.judged_on.blockSignals(True)
        self.judged_on.clear()
        self.judged_on.addItem("On held-out films", False)
        if folder.test() is not None:
            self.judged_on.addItem("On the sealed test set", True)
        self.judged_on.setVisible(self.judged_on.count() > 1)
        self.judged_on.blockSignals(False)
        self._show_figures()

    def _test_opened(self, name: str) -> None:
        self._show_run(name)
        self.judged_on.setCurrentIndex(1)

    def _cannot_read(self, name: str, error: Exception) -> None:
        self._session.fail(f"The run {name} cannot be read", str(error), "Choose another run, or train again.")

    def _show_figures(self) -> None:
        project, name = self._session.project, self.chooser.currentText()
        if project is None or not name:
            return
        try:
            folder = run(project, name)
            on_test = bool(self.judged_on.currentData())
            predictions = folder.test_predictions() if on_test else folder.predictions()
            test = folder.test() if on_test else None
            metrics = {**folder.metrics(), **(test or {})}
            point = OperatingPoint(**test["operating_point"]) if test else None
        except (OSError, ValueError, KeyError, FinerayError) as error:
            self._cannot_read(name, error)
            return
        self._thumbnails.open(project.pixels.folder)
        if metrics.get("several"):
            predictions, metrics = self._of_finding(predictions, metrics)
        else:
            self.finding.hide()
        self.headline.show_metrics(metrics)
        self.matrix.set_matrix(metrics["classes"], metrics["confusion"])
        self.figures.show_metrics(metrics)
        places = places_of(project, predictions.images.tolist())
        self.table.set_predictions(predictions, places, point)
        self._clear_filters()

    def _of_finding(self, predictions: Predictions, metrics: dict[str, Any]) -> tuple[Predictions, dict[str, Any]]:
        """One of several findings that may stand side by side, as a question of two classes."""
        names = list(metrics["findings"])
        if [self.finding.itemText(number) for number in range(self.finding.count())] != names:
            self.finding.blockSignals(True)
            self.finding.clear()
            self.finding.addItems(names)
            self.finding.blockSignals(False)
        self.finding.show()
        name = self.finding.currentText()
        return predictions.finding(name), {**metrics, **metrics["findings"][name]}

    def _clear_filters(self) -> None:
        for each in (self.matrix, self.verdict, self.search):
            each.blockSignals(True)
        self.matrix.select(None)
        self.verdict.setCurrentIndex(0)
        self.search.clear()
        for each in (self.matrix, self.verdict, self.search):
            each.blockSignals(False)
        self._filter()

    def _filter(self) -> None:
        cell: Cell = self.matrix.chosen or (None, None)
        self.table.show_only(cell, self.verdict.currentData(), self.search.text())
        count = self.table.rowCount()
        where = self.matrix.describe(cell) if self.matrix.chosen else ""
        self.shown.setText(f"{count:,} images" + (f": {where}" if where else ", each predicted out of sample"))
        filtered = bool(where or self.verdict.currentIndex() or self.search.text())
        self.clear_button.setVisible(filtered)
        if count:
            self._choose_row(0)
        else:
            self.image.clear("No image fits the filter.")

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
        project = self._session.project
        if project is None or not current.isValid():
            return
        number = current.row()
        image = self.table.image(number)
        if self._reading is not None:
            self._reading.cancel()
        # The stored pixels are there at once; the file's full depth follows from the reading process.
        self.image.show_image(GrayImage.of_shades(project.pixels.read(stored_at(project, image))))
        row_number = int(self.table.shown[number])
        cells = [self.table.cell(row_number, column) for column in range(1, 5)]
        self.image.title.setText(f"{cells[0]}\nTrue {cells[1]}, predicted {cells[2]} ({cells[3]})")
        self.image.note.setText("")
        job = self._session.reader.start(ReadImage(project.root, image))
        self._reading = job
        job.finished.connect(lambda result: self._image_read(job, result))
        job.failed.connect(lambda failed: self.image.note.setText(f"{failed.what}. {failed.todo}"))
        job.ended.connect(lambda: self._read_ended(job))

    def _image_read(self, job: Job, shown: ShownImage) -> None:
        if job is not self._reading:
            return
        self.image.show_image(shown.gray, spacing=shown.spacing_mm)
        self.image.note.setText(
            "" if shown.full_depth else "Stored 8-bit copy: the DICOM file is not at hand on this computer."
        )

    def _read_ended(self, job: Job) -> None:
        if job is self._reading:
            self._reading = None
