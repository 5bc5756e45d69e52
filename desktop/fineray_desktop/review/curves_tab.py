"""Tab Curves: ROC, precision-recall, calibration, net benefit and scores, with their bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineray.evaluation.curves import Curve
from fineray.evaluation.wording import METRICS, interval, number
from fineray.review.query import ReviewedRun
from fineray_desktop.review.fading import fade
from fineray_desktop.review.state import ReviewState
from fineray_desktop.theme import current_theme
from fineray_desktop.widgets.basics import card, label
from fineray_desktop.widgets.charts import SERIES, Chart

HEIGHT = 220
SQUARE = 310  # of charts whose axes both go from 0 to 1


class CurveChart(Chart):
    """A chart that is drawn anew as a whole."""

    def __init__(self, name: str, x: str, y: str, height: int = HEIGHT) -> None:
        super().__init__(name, x, y)
        self.setFixedHeight(height)
        self.getAxis("left").setWidth(52)

    def wipe(self) -> None:
        """Take everything away."""
        self.clear()
        self._legend.clear()

    def line(
        self, x: object, y: object, colour: str, *, name: str = "", dashed: bool = False, width: float = 2
    ) -> None:
        """Draw a line."""
        style = pg.QtCore.Qt.PenStyle.DashLine if dashed else pg.QtCore.Qt.PenStyle.SolidLine
        self.plot(np.asarray(x), np.asarray(y), pen=pg.mkPen(colour, width=width, style=style), name=name or None)

    def band(self, curve: Curve, colour: str, *, name: str = "") -> None:
        """Draw a curve with its band."""
        if curve.low:
            none = pg.mkPen(None)
            low, high = (
                pg.PlotDataItem(np.array(curve.x), np.array(each), pen=none) for each in (curve.low, curve.high)
            )
            fill = QColor(colour)
            fill.setAlphaF(0.18)
            between = pg.FillBetweenItem(low, high, brush=fill)
            for each in (low, high, between):
                self.addItem(each)
        self.line(curve.x, curve.y, colour, name=name)


class CurvesTab(QWidget):
    """Every chart follows the class, the subgroup and the operating point."""

    def __init__(self, state: ReviewState) -> None:
        super().__init__()
        self._state = state
        self.roc = CurveChart("ROC curve", "1 − specificity", "Sensitivity", SQUARE)
        self.recall = CurveChart("Precision-recall curve", "Sensitivity", "PPV", SQUARE)
        self.calibration = CurveChart("Calibration", "Predicted probability", "Observed share", SQUARE)
        self.benefit = CurveChart("Decision curve", "Threshold", "Net benefit")
        self.scores = CurveChart("Scores by class", "Score", "Images")
        self.scores.getAxis("left").tickStrings = _counts
        self.calibrated = label(role="muted", wrap=True)
        self._note = label("Curves are being worked out…", "muted", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self._note)
        self._cards = [
            card(label(title, "heading", tip=tip), chart, *more)
            for title, tip, chart, more in (
                ("ROC curve", "The ring is the operating point; the band is pointwise, over patients", self.roc, ()),
                (
                    "Precision-recall curve",
                    "The dotted line is the prevalence, which chance would give",
                    self.recall,
                    (),
                ),
                (
                    "Calibration",
                    "On the diagonal probabilities mean what they say",
                    self.calibration,
                    (self.calibrated,),
                ),
                ("Scores by class", "The line is the threshold", self.scores, ()),
                (
                    "Decision curve",
                    "Where the model's line is above both others, acting on it does most good",
                    self.benefit,
                    (),
                ),
            )
        ]
        for each in self._cards:
            layout.addWidget(each)
        layout.addStretch(1)
        state.opened.connect(self._waiting)
        state.shown_changed.connect(self._age)
        state.judged.connect(self._show)
        self._waiting()

    def _age(self) -> None:
        """What is drawn belongs to the choice before until the next curves have come."""
        for each in self._cards:
            fade(each, True)

    def _waiting(self) -> None:
        self._note.setText("Curves are being worked out…")
        self._note.show()
        for each in self._cards:
            each.hide()

    def _show(self) -> None:
        found = self._state.judgement
        drawn = found is not None and found.curves is not None
        self._note.setVisible(not drawn)
        for each in self._cards:
            each.setVisible(drawn)
            fade(each, False)
        if found is None or found.curves is None:
            self._note.setText("Curves need images of the class and of others. Choose another subgroup or class.")
            return
        self._draw(found)

    def _draw(self, found: ReviewedRun) -> None:
        curves, theme = found.curves, current_theme()
        assert curves is not None
        main, second = theme.accent, SERIES[5]
        for chart in (self.roc, self.recall, self.calibration, self.benefit, self.scores):
            chart.wipe()
        figures = found.figures
        self.roc.line([0, 1], [0, 1], theme.border, width=1)
        self.roc.band(curves.roc, main)
        if figures.specificity.value is not None and figures.sensitivity.value is not None:
            at = ([1 - figures.specificity.value], [figures.sensitivity.value])
            self.roc.plot(
                *at, pen=None, symbol="o", symbolSize=10, symbolBrush=None, symbolPen=pg.mkPen(second, width=2)
            )
        self.recall.line([0, 1], [curves.prevalence] * 2, theme.border, width=1, dashed=True)
        self.recall.band(curves.precision_recall, main)
        if figures.sensitivity.value is not None and figures.ppv.value is not None:
            at = ([figures.sensitivity.value], [figures.ppv.value])
            self.recall.plot(
                *at, pen=None, symbol="o", symbolSize=10, symbolBrush=None, symbolPen=pg.mkPen(second, width=2)
            )
        for chart in (self.roc, self.recall, self.calibration):
            chart.setRange(xRange=(0, 1), yRange=(0, 1), padding=0.03)
        self._draw_calibration(found, main, second)
        lowest = max(min(curves.net_benefit.y), -0.1)
        inside = [number for number, each in enumerate(curves.treat_all.y) if each > lowest - 0.05]
        self.benefit.line([0, 1], [0, 0], theme.muted, name="treat none", width=1)
        all_x = [curves.treat_all.x[number] for number in inside]
        all_y = [curves.treat_all.y[number] for number in inside]
        self.benefit.line(all_x, all_y, second, name="treat all", dashed=True, width=1.5)
        self.benefit.band(curves.net_benefit, main, name="this model")
        self.benefit.setRange(xRange=(0, 1), yRange=(lowest, curves.prevalence * 1.1), padding=0.03)
        edges = np.array(curves.histogram.edges)
        width = edges[1] - edges[0]
        for counts, sign, colour, name in (
            (curves.histogram.negative, 1, SERIES[2], "others"),
            (curves.histogram.positive, -1, main, found.positive),
        ):
            bars = pg.BarGraphItem(
                x=edges[:-1] + width / 2, height=sign * np.array(counts), width=width * 0.9, brush=colour, pen=None,
                name=name,
            )  # fmt: skip
            self.scores.addItem(bars)
        top, bottom = max(curves.histogram.negative), max(curves.histogram.positive)
        if found.point.positive == found.positive:
            self.scores.line([found.point.threshold] * 2, [-bottom, top], second, width=1.5)
        self.scores.setRange(xRange=(0, 1), yRange=(-bottom, top), padding=0.05)

    def _draw_calibration(self, found: ReviewedRun, main: str, second: str) -> None:
        calibrated = found.calibration
        if calibrated is None:
            return
        self.calibration.line([0, 1], [0, 1], current_theme().border, width=1)
        self.calibration.band(calibrated.curve, main)
        for each in calibrated.bins:
            share = each.observed
            if share.value is not None and share.low is not None and share.high is not None:
                self.calibration.line([each.mean] * 2, [share.low, share.high], second, width=1.5)
                self.calibration.plot(
                    [each.mean], [share.value], pen=None, symbol="o", symbolSize=5, symbolBrush=second
                )
        named = (
            (METRICS["brier"].short, calibrated.brier),
            ("ECE (10 bins)", calibrated.ece),
            ("Slope", calibrated.slope),
            ("Intercept", calibrated.intercept),
            ("In the large", calibrated.in_the_large),
            ("Observed / expected", calibrated.observed_expected),
        )
        self.calibrated.setText(
            "; ".join(f"{name} {number(each.value)} ({interval(each)})" for name, each in named) + "."
        )


def _counts(values: Sequence[float], scale: float, _spacing: float) -> list[str]:
    """The numbers of an axis of counts, which goes down as well as up."""
    return [f"{abs(value * scale):g}" for value in values]
