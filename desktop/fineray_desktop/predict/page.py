"""Page Predict: a model applied to images that are in no project; models taken in and given away."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from fineray.engine.protocol import Reported
from fineray.engine.requests.models import PredictFolder, WritePredictions
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.prediction.results import FolderPredictions
from fineray.progress import Interim
from fineray.project.kept_point import point_of
from fineray.project.project import Project
from fineray.project.runs import models, run
from fineray_desktop.loading import Loading
from fineray_desktop.models.folder_predictions_model import FolderPredictionsModel
from fineray_desktop.predict.drift_view import DriftView
from fineray_desktop.predict.image_panel import NewImagePanel
from fineray_desktop.predict.taking import ask_package
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    ask_output,
    button,
    card,
    flowing,
    label,
    number_box,
    row,
    scrolling_column,
)
from fineray_desktop.widgets.eliding import ChoiceBox, draw_names
from fineray_desktop.widgets.scrolling import Tabs
from fineray_desktop.widgets.tables import Sharing, set_widths, table_view

KINDS = {".csv": "CSV", ".xlsx": "Excel"}
RULES = ("As the run has it", "Most probable class", "Another threshold")
OWN, MOST_PROBABLE, THRESHOLD = range(3)
WATCH_EVERY_S = 5.0


class PredictPage(QWidget):
    """Left what is applied to what, right what comes out."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._loading = Loading(session.fail, self)
        self._of: tuple[str, Path] | None = None  # run and folder that the answers are of
        self._shown = ""  # the run that the page tells of
        self._own, self._positive, self._multilabel, self._about = OperatingPoint(), "", False, ""  # of the run chosen
        self.found: FolderPredictions | None = None
        self.source: Path | None = None
        self.run = ChoiceBox()
        self.run.setAccessibleName("Model")
        self.point = label(role="muted", wrap=True)
        self.rule = ChoiceBox()
        self.rule.setAccessibleName("Decided by")
        for text in RULES:
            self.rule.addItem(text)
        self.rule.setToolTip("For this time only; what the run keeps is chosen on page Review")
        self.threshold = number_box(0.0, 1.0, 0.5, decimals=3)
        self.threshold.setAccessibleName("Threshold")
        self.take_button = button("Bring a model in…", "link", "Open a model package (.frpkg) from elsewhere")
        self.give_button = button("Give it to others…", "link", "As a package, a study capsule, ONNX or a MONAI Bundle")
        self.folder = label("No folder chosen", "muted", wrap=True)
        self.choose_button = button("Choose a folder…")
        self.watch = QCheckBox("Keep watching it")
        self.watch.setToolTip("Looks for new images every five seconds until it is cancelled")
        self.abstain = QCheckBox("Say nothing between")
        self.abstain.setToolTip("Images whose probability for the class in question lies in this band get no answer")
        self.low = number_box(0.0, 1.0, 0.4, step=0.05)
        self.high = number_box(0.0, 1.0, 0.6, step=0.05)
        self.low.setAccessibleName("Lower end of the band without an answer")
        self.high.setAccessibleName("Upper end of the band without an answer")
        self.band_effect = label(role="muted", wrap=True)
        self.maps = QCheckBox("Heat maps as pictures (PNG)")
        self.results = QCheckBox("Results as DICOM, for an archive")
        self.results.setToolTip(
            "A structured report, a heat map and a presentation state for each image, in its own study, marked for"
            " research use; they hold the image's identity"
        )
        self.start_button = button("Apply the model", "primary")
        self.judge_button = button("Judge it with labels…", tip="With labels for these images the whole review opens")
        self.summary = label(role="muted", wrap=True)
        self.only_flagged = QCheckBox("Flagged ones only")
        self.save_button = button("Save the table…")
        self.table = FolderPredictionsModel(self)
        self.view = table_view(self.table, "What the model says of the images")
        self.image_panel = NewImagePanel(session)
        self.drift = DriftView()
        self.tabs = Tabs()
        self._results = QStackedLayout()
        self._body = QStackedLayout()
        self._lay_out()
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Offer the project's models."""
        project = self._session.project
        if project is None:
            return
        names, chosen = [folder.name for folder in models(project)], self.run.currentText()
        self.run.blockSignals(True)
        self.run.clear()
        self.run.addItems(names)
        self.run.setCurrentText(chosen if chosen in names else names[0] if names else "")
        self.run.blockSignals(False)
        self._body.setCurrentIndex(1 if names else 0)
        self._show_run()
        self._allow()

    def choose(self) -> None:
        """Ask for the folder of images."""
        chosen = QFileDialog.getExistingDirectory(self, "Images to apply the model to")
        if chosen:
            self.take(Path(chosen))

    def take(self, source: Path) -> None:
        """Apply the model to this folder next."""
        self.source = source
        self.folder.setText(str(source))
        self._allow()

    def start(self) -> None:
        """Apply the model; where pictures or DICOM objects are wanted, ask where they go."""
        into: Path | None = None
        if self.maps.isChecked() or self.results.isChecked():
            chosen = QFileDialog.getExistingDirectory(self, "Folder for heat maps and results")
            if not chosen:
                return
            into = Path(chosen)
        self.begin(into)

    def begin(self, into: Path | None = None) -> None:
        """Apply the model; pictures and DICOM objects go into that folder."""
        project, name = self._session.project, self.run.currentText()
        if project is None or self.source is None:
            return
        self._show(None)
        self._of = name, self.source
        request = PredictFolder(
            project.root,
            name,
            self.source,
            self.band,
            into if self.maps.isChecked() else None,
            into if self.results.isChecked() else None,
            WATCH_EVERY_S if self.watch.isChecked() else 0.0,
            self._asked_rule(),
        )
        job = self._session.run(request, "Watching" if self.watch.isChecked() else "Applying the model", self._show)
        job.reported.connect(self._reported)

    @property
    def band(self) -> tuple[float, float] | None:
        """Where the model is to say nothing."""
        on = self.abstain.isChecked() and self.abstain.isEnabled()
        return (self.low.value(), self.high.value()) if on else None

    def save(self) -> None:
        """Ask where the table goes."""
        name = f"{self.run.currentText()} predictions.csv"
        path = ask_output(self, "Save the table", name, KINDS)
        if path is not None:
            self.write(path)

    def write(self, path: Path) -> None:
        """Write the table there."""
        if self.found is not None:
            written = WritePredictions(self.found, path)
            self._session.run(written, "Writing the table", lambda text: self.summary.setText(f"Saved as {text}."))

    def judge(self) -> None:
        """Ask for labels."""
        from fineray_desktop.predict.validate_dialog import ValidateDialog

        if self._session.project is not None:
            ValidateDialog(self._session, self.run.currentText(), self.source, self).open()

    def give(self) -> None:
        """Ask in which form the model goes out."""
        from fineray_desktop.predict.give_dialog import GiveDialog

        if self._session.project is not None:
            GiveDialog(self._session, self.run.currentText(), self.band, self).open()

    def _connect(self) -> None:
        session = self._session
        self.choose_button.clicked.connect(self.choose)
        self.start_button.clicked.connect(self.start)
        self.save_button.clicked.connect(self.save)
        self.judge_button.clicked.connect(self.judge)
        self.give_button.clicked.connect(self.give)
        self.take_button.clicked.connect(lambda: ask_package(session, self))
        self._empty_take.clicked.connect(lambda: ask_package(session, self))
        self.only_flagged.toggled.connect(self.table.show_only)
        self.run.currentTextChanged.connect(self._show_run)
        self.rule.currentIndexChanged.connect(self._show_point)
        self.threshold.valueChanged.connect(self._show_point)
        self.view.selectionModel().currentRowChanged.connect(self._look)
        self.image_panel.view.listen_to(self.view)
        self.image_panel.step.connect(self._step)
        for box in (self.low, self.high):
            self.abstain.toggled.connect(box.setEnabled)
            box.valueChanged.connect(self._weigh_band)
            box.setEnabled(False)
        self.abstain.toggled.connect(self._weigh_band)
        session.project_opened.connect(self.refresh)
        session.project_closed.connect(lambda: self._show(None))
        session.project_closed.connect(self._loading.forget)
        session.runs_changed.connect(self.refresh)
        session.point_kept.connect(self._point_kept)
        session.data_changed.connect(self._show_run)  # a run may have been frozen
        session.busy_changed.connect(self._allow)

    def _lay_out(self) -> None:
        form = card(
            label("Which model", "heading"),
            self.run,
            self.point,
            flowing(label("Decided by", "muted"), self.rule, self.threshold),
            flowing(self.give_button, self.take_button, spacing=18),
            label("To which images", "heading"),
            self.folder,
            flowing(self.choose_button, self.watch),
            self.abstain,
            row(self.low, label("and", "muted"), self.high, None),
            self.band_effect,
            self.maps,
            self.results,
            flowing(self.start_button, self.judge_button),
            label(
                "The images are read, scored and forgotten: the project keeps nothing of them. Those unlike the images"
                " that the model learned from are flagged, those of the sealed test set are refused.",
                "muted",
                wrap=True,
            ),
        )
        left = scrolling_column(form)
        left.setMaximumWidth(400)
        nothing = label("Choose a model and a folder; the answers appear here, image by image.", "muted")
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        answers = QWidget()
        lines = QVBoxLayout(answers)
        lines.setContentsMargins(0, 6, 0, 0)
        lines.setSpacing(8)
        top = row(self.summary, self.only_flagged, self.save_button)
        top.setStretch(0, 1)
        lines.addLayout(top)
        both_sides = QSplitter(Qt.Orientation.Horizontal)
        both_sides.addWidget(self.view)
        both_sides.addWidget(self.image_panel)
        both_sides.setStretchFactor(0, 3)
        both_sides.setStretchFactor(1, 2)
        both_sides.setSizes([460, 320])
        both_sides.setChildrenCollapsible(False)
        lines.addWidget(both_sides, 1)
        Sharing(self.view, self._share_columns)
        draw_names(self.view, tuple, 0)  # cut in the middle: the names of one folder begin alike
        draw_names(self.view, lambda: self.found.classes if self.found is not None else (), 1)
        self.view.horizontalHeader().setStretchLastSection(True)
        self.tabs.addTab(answers, "Images")
        self.tabs.addTab(self.drift, "Drift")
        work = QWidget()
        both = QHBoxLayout(work)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(14)
        both.addWidget(left, 3)
        both.addLayout(self._results, 7)
        self._results.addWidget(nothing)
        self._results.addWidget(self.tabs)
        empty = QWidget()
        column = QVBoxLayout(empty)
        column.addStretch(1)
        text = label(
            "No model yet. Train first, or bring in one from elsewhere; it can be applied to new images here.", "muted"
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty_take = button("Bring a model in…")
        column.addWidget(text)
        column.addLayout(row(None, self._empty_take, None))
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(label("Predict", "title"))
        layout.addLayout(self._body, 1)
        self._body.addWidget(empty)
        self._body.addWidget(work)

    def _share_columns(self, room: int) -> None:
        """File and class side by side, whatever the room; the rest is scrolled to where there is little."""
        beside = 190 if room > 460 else 0  # score and flag
        name = max((room - beside) // 2, 108)
        set_widths(self.view, (min(name, 220), min(name, 220), 56))

    def _show_run(self) -> None:
        project, name = self._session.project, self.run.currentText()
        if project is None or not name:
            return
        folder = run(project, name)
        metrics, brought, own = folder.metrics(), folder.package(), point_of(folder)
        classes, self._multilabel = metrics.classes, metrics.multilabel
        self._own, self._positive = own, own.positive or classes[-1]
        images = brought["images"] if brought else metrics.figures.images
        origin = "; trained elsewhere" if brought else ""
        self._about = f"{metrics.backbone.title}, trained on {images:,} images{origin}."
        item = self.rule.model().item(THRESHOLD)  # type: ignore[attr-defined]
        item.setEnabled(self._multilabel or len(classes) == 2)
        self.rule.setItemText(MOST_PROBABLE, "From one half on" if self._multilabel else RULES[MOST_PROBABLE])
        if name != self._shown:
            self._shown = name
            self.rule.setCurrentIndex(OWN)
            self.threshold.setValue(own.threshold)
        self._show_point()
        self.abstain.setEnabled(len(metrics.classes) == 2 and not metrics.multilabel)
        if brought and brought["abstain"]:
            self.low.setValue(brought["abstain"][0])
            self.high.setValue(brought["abstain"][1])
            self.abstain.setChecked(True)
        self._weigh_band()

    def _asked_rule(self) -> PointRule | None:
        """By what images are predicted this time, None for the run's own operating point."""
        if self.rule.currentIndex() == OWN:
            return None
        if self.rule.currentIndex() == MOST_PROBABLE:
            return PointRule()
        return PointRule("threshold", self._positive, self.threshold.value())

    @property
    def applied(self) -> OperatingPoint:
        """What images count as this time."""
        rule = self._asked_rule()
        if rule is None:
            return self._own
        if rule.kind == "most probable":
            return OperatingPoint()
        return OperatingPoint(self._positive, rule.value, "threshold given by hand")

    def _show_point(self) -> None:
        self.threshold.setVisible(self.rule.currentIndex() == THRESHOLD)
        every = self._multilabel and self.rule.currentIndex() == THRESHOLD
        said = (
            f"An image shows each finding from {self.threshold.value():.3f} on."
            if every
            else self.applied.in_words(self._multilabel)
        )
        self.point.setText(f"{self._about} {said}")
        self._weigh_band()

    def _point_kept(self, name: str) -> None:
        if name == self.run.currentText():
            self._show_run()

    def _weigh_band(self) -> None:
        """Say what the band costs and gives, on images that the model did not learn from."""
        project, band, name = self._session.project, self.band, self.run.currentText()
        point = self.applied
        self.band_effect.setVisible(band is not None)
        if project is None or band is None or not name:
            return
        if band[0] >= band[1]:
            self.band_effect.setText("The lower end has to be below the upper one.")
            return

        def question(opened: Project) -> str:
            from fineray.prediction.abstaining import band_effect

            folder = run(opened, name)
            if not folder.judged:
                return "What the band costs is known once the model was judged on images here."
            effect = band_effect(folder.predictions(), point, *band)
            before = f"{_percent(effect.sensitivity_without)} and {_percent(effect.specificity_without)} without a band"
            return (
                f"Out of sample {_percent(effect.answered)} of the images get an answer, with sensitivity"
                f" {_percent(effect.sensitivity)} and specificity {_percent(effect.specificity)} for"
                f" “{effect.positive}” ({before})."
            )

        self._loading.ask(project.root, question, self.band_effect.setText)

    def _reported(self, event: Reported) -> None:
        for report in event.reports:
            if isinstance(report, Interim) and isinstance(report.result, FolderPredictions):
                self._show(report.result)

    def _show(self, found: FolderPredictions | None) -> None:
        self.found = found
        self.table.show_table(found)
        self.image_panel.clear()
        self.drift.show_drift(found.drift if found is not None else None)
        apart = sum(line.differs for line in found.drift.lines) if found is not None and found.drift else 0
        self.tabs.setTabText(1, f"Drift ({apart})" if apart else "Drift")
        self._results.setCurrentIndex(0 if found is None else 1)
        if found is not None:
            nothing = "" if found.rows else " The folder holds no files."
            self.summary.setText(
                f"{found.scored:,} images scored, {found.flagged:,} of {len(found.rows):,} rows flagged.{nothing}"
                f" {found.point.in_words(found.multilabel)}"
            )
        self.save_button.setEnabled(found is not None and bool(found.rows))

    def _look(self, current: QModelIndex) -> None:
        if self.found is None or self._of is None or not current.isValid():
            self.image_panel.clear()
            return
        scored = self.found.rows[int(self.table.shown[current.row()])]
        self.image_panel.show_scored(*self._of, scored, self.found.classes)

    def _step(self, by: int) -> None:
        index = self.view.currentIndex()
        to = (index.row() if index.isValid() else -1) + by
        if 0 <= to < self.table.rowCount():
            self.view.selectRow(to)

    def _allow(self) -> None:
        ready = self.source is not None and self.run.count() > 0 and not self._session.busy
        self.start_button.setEnabled(ready)
        self.give_button.setEnabled(self.run.count() > 0 and not self._session.busy)
        for each in (self.judge_button, self.take_button):
            each.setEnabled(self.run.count() > 0 and self._session.may_change)


def _percent(estimate: Estimate) -> str:
    if estimate.value is None:
        return "undefined"
    return f"{estimate.value:.0%} ({estimate.low:.0%} to {estimate.high:.0%})"
