"""Page Train: choose a backbone, see what it knows, start, watch."""

from __future__ import annotations

import time
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QFormLayout, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from core.backbones.catalogue import Backbone, backbone, backbones, weights_file
from core.engine.messages import LoadLibraries, Reported, RunDone, Train
from core.progress import FoldDone, HeadStep, StrengthTried
from core.training.recipe import FROM_SCRATCH, Mode, Recipe, Tuning, for_mode
from desktop.engine_client import Job
from desktop.session import Session
from desktop.widgets.basics import button, card, label, row, scrolling_column, set_role, spin_box
from desktop.widgets.charts import LineChart
from desktop.widgets.job_bar import duration

MODES = (
    ("The new last layer (seconds)", "frozen"),
    ("Later stages too (minutes)", "finetune"),
    ("Everything, from random weights", "scratch"),
)
NOTES = {
    "frozen": "The backbone stays as it was trained on photographs; only the new last layer learns from your films.",
    "finetune": "The new last layer learns first; then the later stages follow, from slightly turned, scaled and "
    "brightened views of your films.",
    "scratch": "A control without transfer: what the films alone can teach the same network.",
}


class TrainPage(QWidget):
    """Left the choice, right what happens."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._job: Job | None = None
        self._started = 0.0
        self._remaining: float | None = None
        self.chooser = QComboBox()
        self.chooser.setAccessibleName("Backbone")
        for each in backbones():
            self.chooser.addItem(each.title, each.name)
        self.mode = QComboBox()
        self.mode.setAccessibleName("What learns")
        for text, mode in MODES:
            self.mode.addItem(text, mode)
        self.frozen_stages = spin_box(0, 8, Tuning().frozen_stages)
        self.frozen_stages.setToolTip("Stages from the start that stay as they are; with fewer it takes longer")
        self.epochs = spin_box(1, 200, Tuning().epochs)
        self.epochs.setToolTip("How often each film is looked at, in one of its views each time")
        self.start_button = button("Start training", "primary")
        self.cancel_button = button("Cancel", tip="Stop; features computed so far are kept")
        self.ready = label(wrap=True)
        self.device = label("found when training starts", "muted")
        self.elapsed = label("–")
        self.remaining = label("–")
        self.aucs = label("", wrap=True)
        self.loss_chart = LineChart(
            "Training loss by step",
            "Step of the optimiser",
            "Training loss",
            empty="One curve for each fold, drawn while it learns.",
        )
        self.strength_chart = LineChart(
            "Validation loss by regularisation",
            "Regularisation strength",
            "Validation loss",
            empty="One curve for each fold, from patients held out inside its training images.",
            log_x=True,
        )
        self._facts = QFormLayout()
        self._facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._facts.setHorizontalSpacing(14)
        self._stages = QGridLayout()
        self._stages.setVerticalSpacing(3)
        self._lay_out()
        self._clock = QTimer(self, interval=500)
        self._clock.timeout.connect(self._tick)
        self.chooser.currentIndexChanged.connect(self._show_backbone)
        self.mode.currentIndexChanged.connect(self._mode_changed)
        self.frozen_stages.valueChanged.connect(self.refresh)
        self._mode_changed()
        self.start_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(lambda: self._job and self._job.cancel())
        session.project_opened.connect(self._project_opened)
        session.state_changed.connect(self.refresh)
        session.busy_changed.connect(self.refresh)
        self._show_backbone()
        # Loading torch takes seconds; while the user reads this page the worker does it.
        session.engine.start(LoadLibraries()).finished.connect(self.device.setText)

    def start(self) -> None:
        """Train the chosen backbone's new last layer on the project's split."""
        project = self._session.project
        if project is None:
            return
        self._clear_curves()
        self._started, self._remaining = time.monotonic(), None
        recipe = self.recipe()
        self._job = self._session.run(Train(project.root, recipe), "Training", self._finished)
        self._job.reported.connect(self._reported)
        self._job.ended.connect(self._ended)
        self._clock.start()
        self.refresh()

    def recipe(self) -> Recipe:
        """What was chosen."""
        mode: Mode = self.mode.currentData()
        start = for_mode(mode)
        frozen = 0 if mode == "scratch" else self.frozen_stages.value()
        tuning = replace(start.tuning, frozen_stages=frozen, epochs=self.epochs.value())
        return replace(start, backbone=self.chooser.currentData(), tuning=tuning if mode != "frozen" else start.tuning)

    def refresh(self) -> None:
        """Say whether training can start, and if not what is missing."""
        state = self._session.state
        if state is None:
            return
        chosen = backbone(self.chooser.currentData())
        self._show_stages(chosen)
        missing = ""
        if state.counts.images == 0:
            missing = "Import films first (page Import)."
        elif state.split is None:
            missing = "Label the films and split them by patient first (page Curate)."
        elif not state.split_current:
            missing = "The labels changed since the split: make it anew (page Curate)."
        elif weights_file(chosen) is None:
            missing = f"The weight pack of {chosen.title} is not installed. EfficientNet-Lite0 is."
        running = self._job is not None
        self.start_button.setEnabled(not missing and not self._session.busy)
        for each in (self.chooser, self.mode, self.frozen_stages, self.epochs):
            each.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        set_role(self.ready, "warning" if missing else "muted")
        waiting = "Waits for the job under way." if self._session.busy else "Ready to train."
        self.ready.setText(missing or ("Training is under way." if running else waiting))

    def _lay_out(self) -> None:
        self._note = label("", "muted", wrap=True)
        self._choices = QFormLayout()
        self._choices.addRow("What learns", self.mode)
        self._choices.addRow("Frozen stages", self.frozen_stages)
        self._choices.addRow("Epochs", self.epochs)
        choice = card(
            label("Backbone", "heading"),
            self.chooser,
            label("Transfer", "heading"),
            self._choices,
            self._note,
        )
        about = card(label("About the backbone", "heading"), self._facts, label("Stages", "heading"), self._stages)
        scroll = scrolling_column(choice, about)
        scroll.setFixedWidth(390)

        facts = QHBoxLayout()
        facts.setSpacing(28)
        for name, value in (("Elapsed", self.elapsed), ("Remaining", self.remaining), ("Device", self.device)):
            pair = QVBoxLayout()
            pair.setSpacing(0)
            pair.addWidget(label(name, "muted"))
            pair.addWidget(value)
            facts.addLayout(pair)
        facts.addStretch(1)
        control = card(row(self.start_button, self.cancel_button, self.ready, spacing=10), facts)
        control.layout().itemAt(0).layout().setStretch(2, 1)
        charts = QHBoxLayout()
        charts.setSpacing(12)
        tip = "How far the predicted probabilities are from the truth on the images that a head learns from."
        charts.addWidget(card(label("Learning", "heading", tip=tip), self.loss_chart), 1)
        tip = "Each fold chooses the strength with the lowest loss on patients held out inside its training images."
        charts.addWidget(card(label("Choice of regularisation", "heading", tip=tip), self.strength_chart), 1)
        tip = "Area under the ROC curve on the images that the head did not learn from. Review shows its interval."
        results = card(label("AUC on held-out patients", "heading", tip=tip), self.aucs)
        right = QVBoxLayout()
        right.setSpacing(12)
        right.addWidget(control)
        right.addLayout(charts, 1)
        right.addWidget(results)
        columns = QHBoxLayout()
        columns.setSpacing(8)
        columns.addWidget(scroll)
        columns.addLayout(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(label("Train", "title"))
        layout.addLayout(columns, 1)
        self._clear_curves()

    def _mode_changed(self) -> None:
        mode = self.mode.currentData()
        self._choices.setRowVisible(self.frozen_stages, mode == "finetune")
        self._choices.setRowVisible(self.epochs, mode != "frozen")
        self.epochs.setValue((FROM_SCRATCH if mode == "scratch" else Tuning()).epochs)
        self._note.setText(NOTES[mode])
        self.refresh()

    def _show_backbone(self) -> None:
        chosen = backbone(self.chooser.currentData())
        self.frozen_stages.setMaximum(len(chosen.stages) - 1)
        while self._facts.rowCount():
            self._facts.removeRow(0)
        installed = weights_file(chosen) is not None
        for name, value in (
            ("Trained for", chosen.source_task),
            ("Trained on", chosen.source_data),
            ("Result there", chosen.source_result),
            ("Input", f"{chosen.input_size} × {chosen.input_size} pixels, whole film with a black border"),
            ("Parameters", f"{chosen.parameters:,}"),
            ("Licence", chosen.licence),
            ("Weights", "installed" if installed else "weight pack not installed"),
        ):
            shown = label(value, "" if installed or name != "Weights" else "warning", wrap=True)
            self._facts.addRow(label(name, "muted"), shown)
        self.refresh()

    def _show_stages(self, chosen: Backbone) -> None:
        while (item := self._stages.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        mode, boundary = self.mode.currentData(), self.frozen_stages.value()
        learning = {"frozen": len(chosen.stages), "finetune": boundary, "scratch": 0}[mode]
        lines = [
            (stage.name, f"{stage.parameters:,}", *(("frozen", "muted") if number < learning else ("learns", "good")))
            for number, stage in enumerate(chosen.stages)
        ]
        classes = self._classes()
        weights = f"{(chosen.features + 1) * classes:,}" if classes else ""
        lines.append(("New last layer", weights, "learns", "good"))
        for line, (name, parameters, state, role) in enumerate(lines):
            self._stages.addWidget(label(name), line, 0)
            number = label(parameters, "muted", tip="Parameters")
            number.setAlignment(Qt.AlignmentFlag.AlignRight)
            self._stages.addWidget(number, line, 1)
            self._stages.addWidget(label(state, role), line, 2)
        self._stages.setColumnStretch(0, 1)
        self._stages.setHorizontalSpacing(16)

    def _classes(self) -> int:
        state = self._session.state
        return len(state.counts.classes) if state is not None else 0

    def _project_opened(self) -> None:
        self._clear_curves()
        self._show_backbone()

    def _clear_curves(self) -> None:
        self.loss_chart.reset()
        self.strength_chart.reset()
        self._fold_aucs: list[str] = []
        self.aucs.setText("Each fold’s figure appears here as soon as its head has predicted its held-out patients.")
        set_role(self.aucs, "muted")
        self.elapsed.setText("–")
        self.remaining.setText("–")

    def _reported(self, event: Reported) -> None:
        self._remaining = event.remaining
        steps: dict[int, list[tuple[float, float]]] = {}
        tried: dict[int, list[tuple[float, float]]] = {}
        for report in event.reports:
            match report:
                case HeadStep(fold, step, loss):
                    steps.setdefault(fold, []).append((step, loss))
                case StrengthTried(fold, strength, loss):
                    tried.setdefault(fold, []).append((strength, loss))
                case FoldDone(fold, folds, auc, images):
                    name = f"Fold {fold}" if folds > 1 else "Test"
                    figure = "not defined" if auc is None else f"{auc:.3f}"
                    self._fold_aucs.append(f"{name}: {figure} ({images:,} images)")
                    self.aucs.setText("   ".join(self._fold_aucs))
                    set_role(self.aucs, "")
        for fold, points in steps.items():
            self.loss_chart.add(_series(fold), points)
        for fold, points in tried.items():
            self.strength_chart.add(_series(fold), points)

    def _tick(self) -> None:
        self.elapsed.setText(duration(time.monotonic() - self._started))
        self.remaining.setText(duration(self._remaining) if self._remaining is not None else "being worked out")

    def _finished(self, done: RunDone) -> None:
        self._session.runs_changed.emit(done.run)
        self._session.show_page.emit("Review")

    def _ended(self) -> None:
        self._job = None
        self._clock.stop()
        self.elapsed.setText(duration(time.monotonic() - self._started))
        self.remaining.setText("–")
        self.refresh()


def _series(fold: int) -> str:
    return f"Fold {fold}" if fold else "Final"
