"""Page Train: choose a backbone, see what it knows, start, watch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, get_args

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from fineray.backbones.catalogue import backbone, backbones, weights_file
from fineray.engine.protocol import Reported
from fineray.engine.requests.training import LoadLibraries, RunControls, Train
from fineray.progress import (
    FoldDone,
    HeadStep,
    Resumed,
    StrengthTried,
    Tried,
    Validated,
)
from fineray.training.recipe import (
    Mode,
    Recipe,
    Tuning,
    for_mode,
)
from fineray.training.results import Control, RunDone
from fineray.training.settings import declared
from fineray.training.standing import LeftOff, forgotten, left_off
from fineray_desktop.engine_client import Job
from fineray_desktop.loading import Loading
from fineray_desktop.session import READ_ONLY, WAITS, Session
from fineray_desktop.train.backbone_card import BackboneCard
from fineray_desktop.train.controls_dialog import ControlsDialog
from fineray_desktop.train.paused_panel import PausedPanel
from fineray_desktop.train.rank_dialog import RankDialog
from fineray_desktop.train.recipe_dialog import RecipeDialog
from fineray_desktop.train.recipe_words import MODES, changes
from fineray_desktop.train.weights_dialog import WeightsDialog
from fineray_desktop.widgets.basics import (
    button,
    card,
    flowing,
    label,
    row,
    scrolling_column,
    set_role,
    sure,
)
from fineray_desktop.widgets.charts import LineChart
from fineray_desktop.widgets.eliding import ChoiceBox, CutLabel
from fineray_desktop.widgets.job_bar import duration
from fineray_desktop.widgets.settings_form import whole_number_box

TUNING = declared(Tuning)
NOTES = {
    "frozen": "The backbone stays as it was trained on photographs; only the new last layer learns from your images.",
    "finetune": "The new last layer learns first; then the later stages follow, from slightly turned, scaled and "
    "brightened views of your images.",
    "scratch": "A control without transfer: what the images alone can teach the same network.",
}


class TrainPage(QWidget):
    """Left the choice, right what happens."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._job: Job | None = None
        self._left_off: list[LeftOff] = []
        self._loading = Loading(session.fail, self)
        self._started = 0.0
        self._remaining: float | None = None
        self.chooser = ChoiceBox()
        self.chooser.setAccessibleName("Backbone")
        self._fill_chooser()
        self.mode = ChoiceBox()
        self.mode.setAccessibleName("What learns")
        for mode, text in MODES.items():
            self.mode.addItem(text, mode)
        self.frozen_stages, self.epochs = (whole_number_box(TUNING[name]) for name in ("frozen_stages", "epochs"))
        self.start_button = button("Start training", "primary")
        self.pause_button = button(
            "Pause", tip="Stop for now; all that was done is kept, and Continue goes on from there"
        )
        self.cancel_button = button("Cancel…", tip="Stop and give up what was done; asks first")
        self.controls_button = button(
            "Run controls", tip="Four runs on the same split: frozen, unfrozen, from scratch, and with shuffled labels"
        )
        self.compare_button = button("Compare…", tip="Which of the installed backbones suits these images?")
        self.weights_button = button("Weights…", tip="Which weights are here; add a file of weights")
        self.settings_button = button("More settings…", tip="Input, last layer, loss, views, fine-tuning, search")
        self.changed = label("", "muted", wrap=True)
        self._settings = {mode: for_mode(mode) for mode in get_args(Mode)}
        self.ready = label(wrap=True)
        self.paused = PausedPanel()
        self.device = CutLabel("found when training starts", "muted")
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
        self.validation_chart = LineChart(
            "Validation AUC by epoch",
            "Epoch",
            "AUC",
            empty="Drawn where patients are set aside for validation.",
        )
        self.about = BackboneCard()
        self._lay_out()
        self._clock = QTimer(self, interval=500)
        self._clock.timeout.connect(self._tick)
        self._connect()
        self._mode_changed()

    def _connect(self) -> None:
        session = self._session
        self.chooser.currentIndexChanged.connect(self._show_backbone)
        self.mode.currentIndexChanged.connect(self._mode_changed)
        self.frozen_stages.valueChanged.connect(self.refresh)
        self.start_button.clicked.connect(self.start)
        self.pause_button.clicked.connect(self.pause)
        self.cancel_button.clicked.connect(self.cancel)
        self.paused.continued.connect(self.go_on)
        self.paused.discarded.connect(self.discard)
        self.controls_button.clicked.connect(self._run_controls)
        self.compare_button.clicked.connect(self._compare)
        self.weights_button.clicked.connect(self._show_weights)
        self.settings_button.clicked.connect(self._edit_settings)
        session.project_opened.connect(self._project_opened)
        session.project_closed.connect(self._loading.forget)
        session.state_changed.connect(self.refresh)
        session.busy_changed.connect(self.refresh)
        self._show_backbone()
        self._find_left_off()
        # Loading torch takes seconds; while the user reads this page the worker does it.
        session.engine.start(LoadLibraries()).finished.connect(self.device.setText)

    def start(self) -> None:
        """Train the chosen backbone's new last layer on the project's split."""
        project = self._session.project
        if project is None:
            return
        self._begin(Train(project.root, self.recipe()), "Training", self._finished)

    def pause(self) -> None:
        """Stop for now; all that was done is kept."""
        if self._job is not None:
            self._job.pause()
            self.ready.setText("What was done is being kept.")

    def cancel(self) -> None:
        """Stop, and give the training up, if the user is sure."""
        job = self._job
        told = "All that was done of it is given up. Pause keeps it, to go on later."
        if job is not None and sure(self, "Give the training up?", told, "Give it up") and job is self._job:
            job.cancel()

    def go_on(self) -> None:
        """Go on with what was left off, by its own settings."""
        project = self._session.project
        if project is None or not self._left_off or self._session.busy:
            return
        standing = self._left_off[0].standing
        if standing.kind == "controls":
            request = RunControls(project.root, standing.recipe, standing.split_hash)
            self._begin(request, "Controls", self._controls_done)
        else:
            self._begin(Train(project.root, standing.recipe, standing.split_hash), "Training", self._finished)

    def discard(self) -> None:
        """Give up what was left off, if the user is sure."""
        if not self._left_off or self._session.busy:
            return
        left = self._left_off[0]
        if sure(self, "Give up what was kept?", left.standing.in_words(), "Give it up"):
            self._loading.ask(left.folder.parents[1], partial(forgotten, left), self._show_left_off)

    def _find_left_off(self) -> None:
        project = self._session.project
        if project is not None and self._job is None:
            self._loading.ask(project.root, left_off, self._show_left_off)

    def _show_left_off(self, found: list[LeftOff]) -> None:
        self._left_off = found
        self.refresh()

    def _begin(self, request: Train | RunControls, title: str, on_finished: Callable[[Any], None]) -> None:
        self._clear_curves()
        self._started, self._remaining = time.monotonic(), None
        self._job = self._session.run(request, title, on_finished)
        self._job.reported.connect(self._reported)
        self._job.ended.connect(self._ended)
        self._clock.start()
        self.refresh()

    def recipe(self) -> Recipe:
        """What was chosen."""
        mode: Mode = self.mode.currentData()
        start = self._settings[mode]
        frozen = self.frozen_stages.value() if mode == "finetune" else start.tuning.frozen_stages
        epochs = self.epochs.value() if mode != "frozen" else start.tuning.epochs
        tuning = replace(start.tuning, frozen_stages=frozen, epochs=epochs)
        return replace(start, backbone=self.chooser.currentData(), tuning=tuning)

    def refresh(self) -> None:
        """Say whether training can start, and if not what is missing."""
        state = self._session.state
        if state is None:
            return
        chosen = backbone(self.chooser.currentData())
        mode, boundary = self.mode.currentData(), self.frozen_stages.value()
        frozen = {"frozen": len(chosen.stages), "finetune": boundary, "scratch": 0}[mode]
        self.about.show_stages(chosen, frozen, self._classes())
        self.changed.setText(changes(self.recipe()))
        self.changed.setVisible(bool(self.changed.text()))
        missing = ""
        if self._session.read_only:
            missing = READ_ONLY
        elif state.counts.images == 0:
            missing = "Import images first (page Import)."
        elif state.split is None:
            missing = "Label the images and split them by patient first (page Curate)."
        elif not state.split_current:
            missing = "The labels or the patients changed since the split: make it anew (page Curate)."
        elif weights_file(chosen) is None and mode != "scratch":
            missing = f"The weights of {chosen.title} are not on this computer; add them (Weights…)."
        running = self._job is not None
        self.start_button.setEnabled(not missing and not self._session.busy)
        for each in (self.chooser, self.mode, self.frozen_stages, self.epochs, self.settings_button):
            each.setEnabled(not running)
        self.controls_button.setEnabled(self.start_button.isEnabled())
        self.cancel_button.setEnabled(running)
        self.pause_button.setEnabled(running)
        found = [] if running or self._session.read_only else self._left_off
        self.paused.show_left_off(found, not self._session.busy)
        set_role(self.ready, "warning" if missing else "muted")
        waiting = WAITS if self._session.busy else "Ready to train."
        self.ready.setText(missing or ("Training is under way." if running else waiting))

    def _lay_out(self) -> None:
        self._note = label("", "muted", wrap=True)
        self._choices = QFormLayout()
        self._choices.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._choices.addRow("What learns", self.mode)
        self._choices.addRow("Frozen stages", self.frozen_stages)
        self._choices.addRow("Epochs", self.epochs)
        choice = card(
            label("Backbone", "heading"),
            self.chooser,
            row(self.compare_button, self.weights_button, None),
            label("Transfer", "heading"),
            self._choices,
            self._note,
            row(self.settings_button, None),
            self.changed,
        )
        scroll = scrolling_column(choice, self.about)
        scroll.setMaximumWidth(390)

        facts = QHBoxLayout()
        facts.setSpacing(28)
        for name, value in (("Elapsed", self.elapsed), ("Remaining", self.remaining), ("Device", self.device)):
            pair = QVBoxLayout()
            pair.setSpacing(0)
            pair.addWidget(label(name, "muted"))
            pair.addWidget(value)
            facts.addLayout(pair, int(value is self.device))
        buttons = flowing(self.start_button, self.pause_button, self.cancel_button, self.controls_button)
        control = card(buttons, self.ready, self.paused, facts)
        charts = QHBoxLayout()
        charts.setSpacing(12)
        tip = "How far the predicted probabilities are from the truth on the images that a head learns from."
        charts.addWidget(card(label("Learning", "heading", tip=tip), self.loss_chart), 1)
        tip = "Each fold chooses the strength with the lowest loss on patients held out inside its training images."
        self.search_note = label("", "muted", wrap=True)
        self.choice_charts = QStackedWidget()
        self.choice_charts.addWidget(self.strength_chart)
        self.choice_charts.addWidget(self.validation_chart)
        self.choice_title = label("Choice of regularisation", "heading", tip=tip)
        charts.addWidget(card(self.choice_title, self.choice_charts), 1)
        tip = "Area under the ROC curve on the images that the head did not learn from. Review shows its interval."
        results = card(label("AUC on held-out patients", "heading", tip=tip), self.aucs, self.search_note)
        right = QVBoxLayout()
        right.setSpacing(12)
        right.addWidget(control)
        right.addLayout(charts, 1)
        right.addWidget(results)
        columns = QHBoxLayout()
        columns.setSpacing(8)
        columns.addWidget(scroll, 2)
        columns.addLayout(right, 3)
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
        self.epochs.setValue(self._settings[mode].tuning.epochs)
        self._note.setText(NOTES[mode])
        tuned = mode != "frozen"
        self.choice_charts.setCurrentIndex(int(tuned))
        self.choice_title.setText("Validation by epoch" if tuned else "Choice of regularisation")
        self.refresh()

    def _show_backbone(self) -> None:
        chosen = backbone(self.chooser.currentData())
        self.frozen_stages.setMaximum(len(chosen.stages) - 1)
        self.about.show_backbone(chosen)
        self.refresh()

    def _fill_chooser(self, name: str = "") -> None:
        """The backbones that there are now; weights may have been added."""
        name = name or self.chooser.currentData() or ""
        before = self.chooser.blockSignals(True)
        self.chooser.clear()
        for each in backbones():
            self.chooser.addItem(each.title, each.name)
        self.chooser.setCurrentIndex(max(0, self.chooser.findData(name)))
        self.chooser.blockSignals(before)

    def _compare(self) -> None:
        dialog = RankDialog(self._session, self)
        dialog.chosen.connect(lambda name: self.chooser.setCurrentIndex(self.chooser.findData(name)))
        dialog.open()

    def _show_weights(self) -> None:
        dialog = WeightsDialog(self._session, self)
        dialog.changed.connect(self._fill_chooser)
        dialog.changed.connect(self._show_backbone)
        dialog.open()

    def _edit_settings(self) -> None:
        dialog = RecipeDialog(self._session, self.recipe(), self)
        dialog.accepted.connect(lambda: self._keep_settings(dialog.recipe))
        dialog.open()

    def _keep_settings(self, recipe: Recipe) -> None:
        self._settings[recipe.mode] = recipe
        self.refresh()

    def _run_controls(self) -> None:
        if self._session.project is not None:
            request = RunControls(self._session.project.root, self.recipe())
            self._begin(request, "Controls", self._controls_done)

    def _controls_done(self, found: tuple[Control, ...]) -> None:
        self._session.runs_changed.emit(found[-1].run)
        ControlsDialog(found, self).open()

    def _classes(self) -> int:
        state = self._session.state
        return len(state.counts.classes) if state is not None else 0

    def _project_opened(self) -> None:
        self._left_off = []
        self._find_left_off()
        self._clear_curves()
        self._fill_chooser()
        self._show_backbone()

    def _clear_curves(self) -> None:
        self.loss_chart.reset()
        self.strength_chart.reset()
        self.validation_chart.reset()
        self.search_note.setText("")
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
                case Validated(fold, epoch, auc):
                    self.validation_chart.add(_series(fold), [(epoch + 1, auc)])
                case Tried(fold, trials, loss):
                    self.search_note.setText(f"{_series(fold)}: {trials} trials, least log loss {loss:.3f}")
                case Resumed(done):
                    self.search_note.setText(f"Goes on from where it was kept; folds done before: {done}.")
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
        self._find_left_off()
        self.refresh()


def _series(fold: int) -> str:
    return f"Fold {fold}" if fold else "Final"
