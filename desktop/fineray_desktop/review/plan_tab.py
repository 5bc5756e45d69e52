"""Tab Plan: how wide intervals are, how many patients narrower ones need, what more training images would bring."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineray.engine.requests.review import LearnByNumber
from fineray.evaluation.binary_metrics import BinaryMetrics
from fineray.evaluation.planning import MOST, plan, power_against_chance, validation_size
from fineray.training.results import LearningCurve
from fineray_desktop.review.curves_tab import CurveChart
from fineray_desktop.review.fading import fade
from fineray_desktop.review.state import ReviewState
from fineray_desktop.theme import current_theme
from fineray_desktop.widgets.basics import (
    button,
    card,
    flowing,
    label,
    number_box,
    row,
)
from fineray_desktop.widgets.eliding import ChoiceBox

ERRORS = (0.025, 0.1, 0.1)  # of AUC, slope and calibration in the large (Riley et al. 2021)
WHAT = (("Sensitivity", "sensitivity"), ("Specificity", "specificity"), ("AUC", "auc"))


class PlanTab(QWidget):
    """The planner, and the learning curve."""

    def __init__(self, state: ReviewState) -> None:
        super().__init__()
        self._state = state
        self._curve: LearningCurve | None = None
        self.what = ChoiceBox()
        self.what.setAccessibleName("Figure to plan for")
        for text, name in WHAT:
            self.what.addItem(text, name)
        self.wished = number_box(0.01, 0.9, 0.1)
        self.wished.setAccessibleName("Width of the interval that is wished")
        self.wished.setToolTip("From the lower to the upper bound of the 95 % interval")
        self.answer = label(wrap=True)
        self.learn_button = button("Draw the learning curve", tip="Trains on growing shares of the training patients")
        self.chart = CurveChart("Learning curve", "Training patients", "AUC")
        self.chart.hide()
        self.learned = label(role="muted", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(
            card(
                label("How sure could one be?", "heading"),
                flowing(self.what, label("no wider than", "muted"), self.wished),
                self.answer,
            )
        )
        layout.addWidget(
            card(label("Would more images help?", "heading"), self.learned, self.chart, row(self.learn_button, None))
        )
        layout.addStretch(1)
        self.what.currentIndexChanged.connect(self._plan)
        self.wished.valueChanged.connect(self._plan)
        self.learn_button.clicked.connect(self.learn)
        state.opened.connect(self._reset)
        state.judged.connect(self._plan)
        state.shown_changed.connect(lambda: fade(self.answer, True))
        state.session.busy_changed.connect(lambda: self.learn_button.setEnabled(state.session.may_change))
        self._reset()

    def learn(self) -> None:
        """Train on growing shares."""
        project = self._state.session.project
        if project is not None and self._state.run is not None:
            request = LearnByNumber(project.root, self._state.run.folder.name)
            self._state.session.run(request, "Learning curve", self._show_curve)

    def _reset(self) -> None:
        self.learn_button.setEnabled(self._state.session.may_change)
        self._curve = None
        self.chart.hide()
        self.learned.setText(
            "The same recipe learns from growing shares of the training patients and is judged on the held-out ones."
            " A curve that still rises at its end asks for more images; a flat one for better labels."
        )

    def _plan(self) -> None:
        found = self._state.judgement
        if found is None:
            return
        fade(self.answer, False)
        figures, what = found.figures, str(self.what.currentData())
        planned = plan(figures, what, self.wished.value())
        if planned is None:
            self.answer.setText("This figure is not defined on the images in view.")
            return
        told = ""
        if what == "auc":
            whom = f"patients, {figures.positives / planned.patients:.0%} of them positive"
            have = f"{figures.positives:,} positive and {figures.negatives:,} other images"
            power = power_against_chance(planned.value, figures.positives, figures.negatives)
            told = f" The power to tell it from chance is {power:.0%}.{_validation(planned.value, figures)}"
        else:
            kind = "positive" if what == "sensitivity" else "negative"
            whom, have = f"{kind} patients", f"{planned.patients:,} {kind} images"
        more = f"about {planned.needed:,} {whom}" if planned.needed else f"more than ten million {whom}"
        self.answer.setText(
            f"At {planned.value:.3f}, {have} give an interval {planned.width:.3f} wide, if each is of another patient."
            f" For {planned.wished:.2f} you need {more}.{told}"
        )

    def _show_curve(self, found: LearningCurve) -> None:
        self._curve = found
        points = [each for each in found.points if each.auc is not None]
        self.chart.wipe()
        self.chart.setVisible(bool(points))
        if not points:
            self.learned.setText("There are too few patients to learn from fewer.")
            return
        theme = current_theme()
        for each in points:
            if each.low is not None and each.high is not None:
                self.chart.line([each.patients] * 2, [each.low, each.high], theme.accent, width=1.5)
        xs, ys = [each.patients for each in points], [each.auc for each in points]
        self.chart.plot(xs, ys, pen=pg.mkPen(theme.accent, width=2), symbol="o", symbolSize=6, symbolBrush=theme.accent)
        lows = [each.low if each.low is not None else each.auc for each in points]
        self.chart.setRange(
            xRange=(0, max(xs)), yRange=(max(0.0, min(0.5, *[low or 0 for low in lows])), 1), padding=0.04
        )
        last = points[-1].auc - points[-2].auc if len(points) > 1 and points[-1].auc and points[-2].auc else 0.0
        rises = (
            f"The last step from {xs[-2]:,} to {xs[-1]:,} patients changed the AUC by {last:+.3f}."
            if len(xs) > 1
            else ""
        )
        self.learned.setText(f"{rises} Judged on {found.how}; bars are 95 % intervals.")


def _validation(area: float, figures: BinaryMetrics) -> str:
    """How many patients of another hospital it takes to judge the model there."""
    share = figures.positives / (figures.positives + figures.negatives)
    if not 0.5 < area < 1 or not 0 < share < 1:
        return ""
    patients = validation_size(area, share, *ERRORS)
    needed = f"about {patients:,}" if patients < MOST else "more than ten million"
    return (
        f" To judge the model on another hospital's images takes {needed} patients, {share:.0%} of them positive:"
        f" then the standard errors of AUC, calibration slope and calibration in the large are at most {ERRORS[0]},"
        f" {ERRORS[1]} and {ERRORS[2]} (Pavlou 2021)."
    )
