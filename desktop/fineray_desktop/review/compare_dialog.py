"""Two runs side by side: paired tests, overlaid ROC curves, the images on which they differ."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from fineray.engine.protocol import Failed
from fineray.engine.requests.review import CompareRuns, JudgeRun
from fineray.evaluation.comparison import Comparison
from fineray.evaluation.wording import (
    METRICS,
    chance,
    interval,
    number,
)
from fineray.review.query import ReviewedRun, ReviewQuery
from fineray_desktop.engine_client import Job
from fineray_desktop.review.curves_tab import CurveChart
from fineray_desktop.review.state import ReviewState
from fineray_desktop.theme import current_theme
from fineray_desktop.widgets.basics import (
    button,
    card,
    label,
    open_at,
    row,
)
from fineray_desktop.widgets.charts import SERIES
from fineray_desktop.widgets.eliding import ChoiceBox
from fineray_desktop.widgets.small_table import SmallTable

COLUMNS = ("Figure", "This run", "Other run", "Difference (95 %)", "p", "Holm")
TIPS = ("", "", "", "This run less the other, by patient", "Two-sided, of no difference", "Corrected for all rows")


class CompareDialog(QDialog):
    """The run on show and another one, each by the same rule."""

    show_images = Signal(list)

    def __init__(self, state: ReviewState, names: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert state.run is not None
        self._state = state
        self._mine = state.run.folder.name
        self._jobs: list[Job] = []
        self.found: Comparison | None = None
        self.setWindowTitle("Compare runs")
        open_at(self, 760, 620)
        self.other = ChoiceBox()
        self.other.setAccessibleName("Other run")
        self.other.addItems([name for name in names if name != self._mine])
        scratch = self._scratch(names)
        self.scratch_button = button("Against scratch", tip="The newest run that was trained from random weights")
        self.scratch_button.setEnabled(scratch is not None)
        if scratch is None:
            self.scratch_button.setToolTip(
                "No run of this project was trained from random weights (page Train, Controls)"
            )
        self.scratch_button.clicked.connect(lambda: scratch and self.other.setCurrentText(scratch))
        self.table = SmallTable("Paired tests", COLUMNS, TIPS, stretched=3)
        self.table.setMinimumHeight(124)
        self.text = label(role="muted", wrap=True)
        self.chart = CurveChart("ROC curves of both runs", "1 − specificity", "Sensitivity")
        self.chart.setMinimumHeight(180)
        self.differ_button = button("", "link")
        close = button("Close")
        close.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addLayout(
            row(label(self._mine, "heading"), label("and", "muted"), self.other, self.scratch_button, None)
        )
        layout.addWidget(self.text)
        layout.addWidget(self.table)
        layout.addWidget(card(self.chart), 1)
        layout.addLayout(row(self.differ_button, None, close))
        self.other.currentTextChanged.connect(self.compare)
        self.differ_button.clicked.connect(self._show_differing)
        self.finished.connect(self._give_up)
        self.compare()

    def compare(self) -> None:
        """Ask for the comparison with the chosen run, and for both curves."""
        project, name = self._state.session.project, self.other.currentText()
        if project is None or not name:
            return
        self.found = None
        self.text.setText("Comparing…")
        self.differ_button.hide()
        self.table.show_rows([], [])
        self.chart.wipe()
        rule = self._state.view.rule.for_another()
        mine = replace(self._state.view, rule=rule, on_test=False, attribute="", value="")
        other = replace(mine, run=name)
        analyst = self._state.session.analyst
        self._give_up()
        job = analyst.start(CompareRuns(project.root, mine, other))
        self._jobs.append(job)
        job.finished.connect(lambda found: name == self.other.currentText() and self._show(found))
        job.failed.connect(self._failed)
        for view, colour in ((mine, current_theme().accent), (other, SERIES[1])):
            drawn = analyst.start(JudgeRun(project.root, view))
            self._jobs.append(drawn)
            drawn.finished.connect(lambda found, view=view, colour=colour: self._draw(found, view, colour))

    def _give_up(self) -> None:
        for job in self._jobs:
            job.cancel()  # of one that has ended nothing happens
        self._jobs.clear()

    def _draw(self, found: ReviewedRun, view: ReviewQuery, colour: str) -> None:
        if found.curves is not None and view.run in (self._mine, self.other.currentText()):
            self.chart.band(found.curves.roc, colour, name=view.run)
            self.chart.setRange(xRange=(0, 1), yRange=(0, 1), padding=0.03)

    def _show(self, found: Comparison) -> None:
        self.found = found
        rows = []
        for each in found.tests:
            gap = each.difference
            alone = (
                f"; right alone: {each.only_first} and {each.only_second}" if each.only_first + each.only_second else ""
            )
            rows.append(
                (
                    METRICS[each.what].short,
                    number(each.first),
                    number(each.second),
                    f"{number(gap.value)} ({interval(gap)}){alone}",
                    chance(each.p).removeprefix("p = "),
                    chance(each.p_holm).removeprefix("p = "),
                )
            )
        self.table.show_rows(rows, [each.what for each in found.tests])
        methods = "; ".join(f"{METRICS[each.what].short} by {each.method}" for each in found.tests)
        warning = " ".join(found.warnings)
        self.text.setText(
            f"{found.images:,} images of {found.patients:,} patients that both predicted. {methods}. {warning}"
        )
        count = len(found.differing)
        self.differ_button.setText(f"List the {count:,} images that they call differently")
        self.differ_button.setVisible(count > 0)

    def _show_differing(self) -> None:
        if self.found is not None:
            self.show_images.emit(list(self.found.differing))
            self.accept()

    def _failed(self, failed: Failed) -> None:
        self.text.setText(f"{failed.what}. {failed.todo}")

    def _scratch(self, names: list[str]) -> str | None:
        from fineray.project.runs import run

        project = self._state.session.project
        if project is None:
            return None
        modes = ((name, run(project, name).metrics().mode) for name in names if name != self._mine)
        return next((name for name, mode in modes if mode == "scratch"), None)
