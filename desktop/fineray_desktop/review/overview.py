"""Tab Overview: how good, at which operating point, and the confusion matrix."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSlider, QVBoxLayout, QWidget

from fineray.evaluation.binary_metrics import BinaryMetrics, binary_metrics
from fineray.evaluation.confusion import confusion
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.operating_point import PointRule
from fineray.evaluation.wording import (
    METRICS,
    interval,
    number,
)
from fineray.project.splits import EXTERNAL
from fineray_desktop.review.fading import fade
from fineray_desktop.review.state import ReviewState
from fineray_desktop.widgets.basics import (
    button,
    card,
    flowing,
    label,
    number_box,
    row,
)
from fineray_desktop.widgets.confusion_matrix import ConfusionMatrix, MatrixFrame
from fineray_desktop.widgets.eliding import ChoiceBox

RULES = (
    ("Most probable class", "most probable", None),
    ("Youden's index", "youden", None),
    ("Sensitivity of at least", "sensitivity", 0.9),
    ("Specificity of at least", "specificity", 0.9),
    ("A miss is worth … false alarms", "cost", 5.0),
    ("Threshold", "threshold", 0.5),
    ("As it was fixed", "fixed", None),
)
KINDS = [kind for _, kind, _ in RULES]
WAIT = "being worked out…"
STEPS = 1000
MOST_AT_ONCE = 20_000  # images whose figures are worked out in the window while the threshold moves; else they follow
NO_BREAK = "\N{NO-BREAK SPACE}"
SHARES = (("% of row", "row"), ("% of column", "column"), ("% of all", "all"))
OVERALL_SHOWN = ("accuracy", "auc", "hand_till", "balanced_accuracy", "mcc", "kappa", "macro_f1")


class PointPanel(QWidget):
    """Chooses the operating point and the class in question."""

    def __init__(self, state: ReviewState) -> None:
        super().__init__()
        self._state = state
        self.positive = ChoiceBox()
        self.positive.setAccessibleName("Class in question")
        self.rule = ChoiceBox()
        self.rule.setAccessibleName("Operating point by")
        for text, kind, usual in RULES:
            self.rule.addItem(text, (kind, usual))
        self.rule.setToolTip("Chosen where it is not applied: for each fold on the others, or on validation images")
        self.value = number_box(0.0, 1.0, 0.0, decimals=3)
        self.value.setAccessibleName("Value for the operating point")
        self.value.setFixedWidth(96)
        self.slider = QSlider(Qt.Orientation.Horizontal, minimum=0, maximum=STEPS)
        self.slider.setAccessibleName("Threshold")
        self.slider.setToolTip("Images count as the class in question from this probability on")
        self.prevalence = number_box(0.0, 99.0, 0.0, step=0.5, decimals=1)
        self.prevalence.setSuffix(" %")
        self.prevalence.setSpecialValueText("as in these images")
        self.prevalence.setAccessibleName("Prevalence for PPV and NPV")
        self.prevalence.setToolTip(
            "PPV and NPV depend on how common the class is; enter how common it is where you work"
        )
        self.text = label(role="muted", wrap=True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(6)
        by = QWidget()
        by.setLayout(row(self.rule, self.value))
        named = (
            ("Class", self.positive),
            ("Decided by", by),
            ("Threshold", self.slider),
            ("Prevalence", self.prevalence),
        )
        for line, (name, part) in enumerate(named):
            grid.addWidget(label(name, "muted"), line, 0)
            grid.addWidget(part, line, 1)
        grid.addWidget(self.text, len(named), 0, 1, 2)
        grid.setColumnStretch(1, 1)
        self.positive.currentTextChanged.connect(state.set_positive)
        self.rule.currentIndexChanged.connect(self._rule_chosen)
        self.value.valueChanged.connect(self._send)
        self.slider.valueChanged.connect(self._slid)
        self.prevalence.valueChanged.connect(lambda value: state.set_prevalence(value / 100 if value else None))
        state.opened.connect(self._show_classes)
        state.shown_changed.connect(self._show_point)
        state.judged.connect(self._show_point)

    def _show_classes(self) -> None:
        predictions = self._state.predictions
        if predictions is None:
            return
        self.positive.blockSignals(True)
        self.positive.clear()
        self.positive.addItems(predictions.classes)
        self.positive.setCurrentText(self._state.view.positive)
        self.positive.blockSignals(False)
        own = self._state.run.fixed.of(self._state.view.finding) if self._state.run is not None else None
        item = self.rule.model().item(KINDS.index("fixed"))  # type: ignore[attr-defined]
        item.setEnabled(own is not None and bool(own.positive))
        two, fixed = len(predictions.classes) == 2, self._state.view.on_test
        for part in (self.rule, self.slider):
            part.setEnabled(two and not fixed)
        self._show_rule(PointRule() if fixed else self._state.view.rule)

    def _show_rule(self, rule: PointRule) -> None:
        """Show by what images are predicted; nothing is sent."""
        kind, usual = self.rule.itemData(KINDS.index(rule.kind))
        for part in (self.rule, self.value):
            part.blockSignals(True)
        self.rule.setCurrentIndex(KINDS.index(kind))
        self.value.setVisible(usual is not None)
        if usual is not None:
            self.value.setMaximum(1.0 if usual <= 1 else 1000.0)
            self.value.setDecimals(3 if usual <= 1 else 1)
            self.value.setValue(rule.value)
        for part in (self.rule, self.value):
            part.blockSignals(False)

    def _rule_chosen(self) -> None:
        kind, usual = self.rule.currentData()
        self._show_rule(PointRule(kind, value=usual or 0.0))
        self._send()

    def _send(self) -> None:
        kind, usual = self.rule.currentData()
        state = self._state
        if kind == "most probable":
            state.set_rule(PointRule())
        elif kind == "fixed" and state.run is not None:
            own = state.run.fixed.of(state.view.finding)
            state.set_rule(PointRule("fixed", own.positive, own.threshold))
        elif kind != "cost" or self.value.value() > 0:
            state.set_rule(PointRule(kind, state.view.positive, self.value.value() if usual else 0.0))

    def _slid(self, step: int) -> None:
        self._show_rule(PointRule("threshold", value=step / STEPS))
        self._send()

    def _show_point(self) -> None:
        state = self._state
        if state.predictions is None:
            return
        if state.point is not None:
            threshold = state.point.threshold if state.point.positive else 0.5
            self.slider.blockSignals(True)
            self.slider.setValue(round(threshold * STEPS))
            self.slider.blockSignals(False)
        if not state.view.on_test and state.view.rule.kind != self.rule.currentData()[0]:
            self._show_rule(state.view.rule)  # the one chosen here could not be applied
        rule = state.view.rule
        whose = f"Of “{rule.positive}”:" if rule.positive not in ("", state.view.positive) else ""
        self.text.setText(" ".join(part for part in (whose, self._in_words(), self._whether_kept()) if part))

    def _in_words(self) -> str:
        state = self._state
        if state.predictions is not None and len(state.predictions.classes) > 2:
            return "With more than two classes the most probable one counts."
        if state.chosen is None:
            return f"The threshold is {WAIT} What is grey belongs to the choice before."
        point, cuts = state.chosen.point, list(state.chosen.thresholds.values())
        if state.view.on_test:
            return f"Frozen before the test set was opened: {point.chosen_by}, {point.threshold:.3f}."
        if cuts:
            apart = f"{min(cuts):.3f} to {max(cuts):.3f} by fold, each chosen on the others; " if len(cuts) > 1 else ""
            return f"{apart}{point.threshold:.3f} for other images."
        if state.view.rule.kind == "threshold":
            return "Chosen by eye on these very images: the figures flatter a little."
        if state.view.rule.kind == "fixed":
            return f"“{point.positive}” from {point.threshold:.3f} on ({point.chosen_by})."
        return ""

    def _whether_kept(self) -> str:
        """What becomes of the choice."""
        state = self._state
        if state.view.on_test or state.chosen is None:
            return ""
        if state.frozen:
            return "The run is frozen: what is chosen here is only looked at."
        if state.session.read_only:
            return "The project is open for reading only: what is chosen here is not kept."
        if state.view.rule.kind in ("most probable", "fixed"):
            return ""
        return "Kept with this run: page Predict, exports and reports go by it."


class FigureGrid(QWidget):
    """Figures of the class in question, each with its interval."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        self._cells: dict[str, tuple[QWidget, ...]] = {}

    def show_figures(self, found: dict[str, Estimate], settled: bool) -> None:
        """Name -> estimate; those without a value are left out but for the ones that always stand."""
        for line, (key, estimate) in enumerate(found.items()):
            name, tip = METRICS[key].short, METRICS[key].meaning
            if key not in self._cells:
                cells = (label(name, "muted", wrap=True, tip=tip), label(), label(role="muted"))
                cells[2].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                for column, cell in enumerate(cells):
                    self._grid.addWidget(cell, line, column)
                self._cells[key] = cells
            _, value, span = self._cells[key]
            value.setText(number(estimate.value))  # type: ignore[attr-defined]
            span.setText(interval(estimate) if settled else "…")  # type: ignore[attr-defined]
            span.setToolTip(f"95 % interval by {estimate.method}, n = {estimate.n:,} images")
            for cell in self._cells[key]:
                cell.setVisible(estimate.value is not None or not key.endswith("_there"))
        for key in self._cells.keys() - found.keys():
            for cell in self._cells[key]:
                cell.hide()

    def wait(self) -> None:
        """The intervals are being worked out; so are the figures where they are grey."""
        for _, _, span in self._cells.values():
            span.setText("…")  # type: ignore[attr-defined]

    def text(self, key: str) -> str:
        """A figure as it stands there."""
        return self._cells[key][1].text()  # type: ignore[attr-defined]


class Overview(QWidget):
    """Headline, operating point, matrix and figures."""

    def __init__(self, state: ReviewState, sealed: QWidget) -> None:
        super().__init__()
        self._state = state
        self.auc, self.accuracy = label(role="figure"), label(role="figure")
        self._auc_range, self._accuracy_range = label(role="muted", wrap=True), label(role="muted", wrap=True)
        self.basis = label(role="muted", wrap=True)
        self.older = label(role="warning", wrap=True)
        self.point = PointPanel(state)
        self.matrix = ConfusionMatrix()
        self.shares = ChoiceBox()
        self.shares.setAccessibleName("Percentages of the matrix")
        for text, of in SHARES:
            self.shares.addItem(text, of)
        self.right_button, self.wrong_button = button("", "link"), button("", "link")
        self.figures = FigureGrid()
        self.overall = FigureGrid()
        self._overall_card = card(label("Over all classes", "heading"), self.overall)
        pairs = row(spacing=18)
        for name, tip, figure, span in (
            ("AUC", METRICS["auc"].meaning, self.auc, self._auc_range),
            ("Accuracy", METRICS["accuracy"].meaning, self.accuracy, self._accuracy_range),
        ):
            column = QVBoxLayout()
            column.setSpacing(0)
            for part in (label(name, "muted", tip=tip), figure, span):
                column.addWidget(part)
            column.addStretch(1)
            pairs.addLayout(column, 1)
        self._about = label(role="heading", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        heading = row(label("Confusion matrix", "heading"), None, self.shares)
        for part in (
            card(pairs, self.basis, self.older),
            sealed,
            card(heading, MatrixFrame(self.matrix), flowing(self.right_button, self.wrong_button, spacing=14)),
            card(label("Operating point", "heading"), self.point),
            self._overall_card,
            card(self._about, self.figures),
        ):
            layout.addWidget(part)
        layout.addStretch(1)
        self.shares.currentIndexChanged.connect(lambda: self.matrix.set_shares(str(self.shares.currentData())))
        state.opened.connect(self._show_basis)
        state.shown_changed.connect(self._preview)
        state.judged.connect(self._show_judgement)

    def _fade(self, predicted: bool, figures: bool, overall: bool) -> None:
        """Grey what is of the choice before: what was predicted, the figures, those over all classes."""
        fade(self.matrix, predicted)
        self.matrix.wait(predicted)
        for each in (self.right_button, self.wrong_button):
            each.setEnabled(not predicted)
        many = self._state.predictions is not None and len(self._state.predictions.classes) > 2
        fade(self.figures, figures)
        fade(self.accuracy, figures)
        fade(self.auc, overall if many else figures)
        fade(self.overall, overall)
        if figures:
            self.figures.wait()
            self._accuracy_range.setText(WAIT)
        if overall if many else figures:
            self._auc_range.setText(WAIT)
        if overall:
            self.overall.wait()

    def _show_basis(self) -> None:
        opened, state = self._state.run, self._state
        if opened is None or state.predictions is None:
            return
        split = opened.metrics.split
        how = f"{split.folds} folds by patient" if split.kind == "folds" else "test part, split by patient"
        if split.kind == EXTERNAL:
            how = "external validation: the model was trained elsewhere"
        if split.by:
            how += f" and apart by {split.by.removesuffix('_hash').replace('_', ' ')}"
        if state.view.on_test and opened.test is not None:
            how = f"sealed test set, opening {opened.test.opening}"
            changed = opened.test.labels_changed
            how += f", {changed} labels changed since it was sealed" if changed else ""
        self._how = how

    def _preview(self) -> None:
        """What can be said at once; intervals follow."""
        state = self._state
        predictions, asked, opened = state.predictions, state.question(), state.run
        if predictions is None or opened is None:
            return
        rows, known = state.in_view, state.chosen is not None
        every = int(rows.sum())
        at_once = known and asked is not None and every <= MOST_AT_ONCE
        self._fade(predicted=not known, figures=not at_once, overall=True)
        if known:
            cells = confusion(predictions.true[rows], state.predicted[rows], len(predictions.classes))
            self.matrix.set_matrix(predictions.classes, cells.tolist())
            right = int(np.trace(cells))
            self.right_button.setText(f"On the diagonal: {right:,} right")
            self.wrong_button.setText(f"Off it: {every - right:,} wrong")
        patients = 0 if asked is None else int(np.count_nonzero(np.bincount(asked.patients)))
        network = opened.metrics.backbone.title
        self.basis.setText(
            f"{every:,} images of {patients:,} patients, none of whom the model had seen ({self._how})."
            f" {network}, {opened.metrics.device}."
        )
        changed = len(opened.changed)
        self.older.setText(f"Made with older labels: {changed:,} have been changed since." if changed else "")
        self.older.setVisible(changed > 0)
        self._about.setText(f"“{state.view.positive}” against the rest")
        if at_once and asked is not None:
            predicted = state.predicted[rows] == predictions.classes.index(state.view.positive)
            figures = binary_metrics(asked, predicted, prevalence=state.view.prevalence, resamples=0)
            self._show_figures(figures, right / every, settled=False)
        self._overall_card.setVisible(len(predictions.classes) > 2)

    def _show_judgement(self) -> None:
        found = self._state.judgement
        if found is None:
            return
        self._fade(predicted=False, figures=False, overall=False)
        every = sum(map(sum, found.confusion))
        right = sum(line[number] for number, line in enumerate(found.confusion))
        self._show_figures(found.figures, right / max(every, 1), settled=True)
        if found.overall:
            self.overall.show_figures({key: found.overall[key] for key in OVERALL_SHOWN}, settled=True)
            self.auc.setText(number(found.overall["auc"].value))
            self._auc_range.setText(f"{_range(found.overall['auc'])}\nmean over classes")

    def _show_figures(self, figures: BinaryMetrics, right: float, settled: bool) -> None:
        shown = {key: each for key, each in figures.estimates().items() if key in METRICS}
        self.figures.show_figures(shown, settled)
        many = self._state.predictions is not None and len(self._state.predictions.classes) > 2
        if not many:
            self.auc.setText(number(figures.auc.value))
            self._auc_range.setText(_range(figures.auc))
        self.accuracy.setText(f"{right:.3f}")
        accuracy = figures.accuracy
        if many and self._state.judgement is not None and settled:
            accuracy = self._state.judgement.overall["accuracy"]
        self._accuracy_range.setText("…" if many and not settled else _range(accuracy))


def _range(estimate: Estimate) -> str:
    """A 95 % interval, which is not broken between its ends."""
    return f"95 %: {interval(estimate).replace(' ', NO_BREAK)}"
