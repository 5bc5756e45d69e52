"""The last step of a run: freeze model and operating point, then open the sealed test set."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QFrame, QVBoxLayout

from fineray.engine.requests.splits import FreezeRun, OpenTest
from fineray.evaluation.operating_point import PointRule
from fineray.project.kept_point import point_of
from fineray.project.run_metrics import Frozen, RunMetrics, SealedTest
from fineray.project.runs import RunFolder
from fineray.training.results import RunDone
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    label,
    number_box,
    row,
    set_role,
    sure,
)
from fineray_desktop.widgets.eliding import ChoiceBox

RULES = (
    ("As kept with the run", None, None),
    ("Most probable class", "most probable", None),
    ("Youden's index", "youden", None),
    ("Sensitivity of at least", "sensitivity", 0.9),
    ("Specificity of at least", "specificity", 0.9),
    ("Threshold", "threshold", 0.5),
)


class SealedPanel(QFrame):
    """A card for a run of a project with a sealed test set; hidden where there is neither seal nor opening."""

    froze = Signal(str)  # run
    opened = Signal(str)  # run

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._session = session
        self._folder: RunFolder | None = None
        self._multilabel = False
        self.rule, self.positive = ChoiceBox(), ChoiceBox()
        for text, name, value in RULES:
            self.rule.addItem(text, (name, value))
        self.rule.setToolTip(
            "Chosen on the held-out predictions of this run, never on the sealed test set; of findings that stand side"
            " by side for each of them"
        )
        self.value = number_box(0.0, 1.0, 0.0, decimals=3)
        self.freeze_button = button("Freeze…", "primary", "Fix model and operating point; cannot be taken back")
        self.open_button = button("Open the sealed test set…", "primary")
        self.text = label(wrap=True)
        self._form = QFormLayout()
        self._form.addRow("Calls by", self.rule)
        self._form.addRow("For class", self.positive)
        self._form.addRow("Value", self.value)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(label("Sealed test set", "heading"))
        layout.addWidget(self.text)
        layout.addLayout(self._form)
        layout.addLayout(row(self.freeze_button, self.open_button, None))
        self.rule.currentIndexChanged.connect(self._rule_changed)
        self.freeze_button.clicked.connect(self._ask_to_freeze)
        self.open_button.clicked.connect(self._ask_to_open)
        session.busy_changed.connect(self.refresh)
        session.state_changed.connect(self.refresh)
        session.point_kept.connect(self.refresh)
        self.hide()

    def show_run(self, folder: RunFolder, metrics: RunMetrics) -> None:
        """Show where this run stands."""
        self._folder = folder
        classes = metrics.classes
        self.positive.clear()
        self.positive.addItems(classes)
        self.positive.setCurrentIndex(len(classes) - 1)
        self._multilabel = metrics.multilabel
        model = self.rule.model()
        for number, (_, kind, _) in enumerate(RULES):
            may = self._multilabel or len(classes) == 2 or kind in (None, "most probable")
            model.item(number).setEnabled(may)  # type: ignore[attr-defined]
        self.rule.setCurrentIndex(0)
        self._made_for = metrics.seal
        self._rule_changed()
        self.refresh()

    def refresh(self) -> None:
        """Show what can be done next."""
        state, folder = self._session.state, self._folder
        if state is None or folder is None or not folder.path.is_dir():
            self.hide()
            return
        frozen, test, seal = folder.frozen(), folder.test(), state.seal
        self.setVisible(seal is not None or frozen is not None)
        fits = seal is not None and self._made_for == seal.hash
        for number in range(self._form.rowCount()):
            self._form.setRowVisible(number, fits and frozen is None)
        if fits and frozen is None:
            self._rule_changed()
        self.freeze_button.setVisible(fits and frozen is None)
        self.open_button.setVisible(fits and frozen is not None)
        for each in (self.freeze_button, self.open_button):
            each.setEnabled(self._session.may_change)
        set_role(self.open_button, "" if test else "primary")
        self.open_button.setText("Open the sealed test set again…" if test else "Open the sealed test set…")
        self.text.setText(self._in_words(frozen, test, fits))

    def freeze(self) -> None:
        """Fix model and operating point."""
        project, folder = self._session.project, self._folder
        if project is not None and folder is not None:
            rule, _ = self.rule.currentData()
            chosen = PointRule(rule, self.positive.currentText(), self.value.value()) if rule else None
            request = FreezeRun(project.root, folder.name, chosen)
            self._session.run(request, "Freezing", self._frozen)

    def open_test(self) -> None:
        """Predict the sealed images."""
        project, folder = self._session.project, self._folder
        if project is not None and folder is not None:
            self._session.run(OpenTest(project.root, folder.name), "Opening the sealed test set", self._opened)

    def _in_words(self, frozen: Frozen | None, test: SealedTest | None, fits: bool) -> str:
        state = self._session.state
        if frozen is None:
            if not fits:
                return "This run was trained before the test set was sealed. Train again to judge a run on it."
            kept = point_of(self._folder).in_words(self._multilabel) if self._folder is not None else ""
            return (
                "Fix what an image counts as, then open the test set once. Both are final for this run. Kept with the"
                f" run: {kept}"
            )
        said = f"Frozen. {frozen.point.in_words(self._multilabel)}"
        if test is not None:
            said += f" This was opening {test.opening} of the test set"
            times = len(state.openings) if state is not None else 0
            said += f"; {times} openings are known." if times > test.opening else "."
            if test.opening > 1:
                said += " Later openings are no longer a first look: choosing among them is optimistic."
        return said

    def _rule_changed(self) -> None:
        name, value = self.rule.currentData()
        shown = self.rule.isVisibleTo(self) or self._form.isRowVisible(self.rule)
        self._form.setRowVisible(self.positive, shown and name not in (None, "most probable") and not self._multilabel)
        self._form.setRowVisible(self.value, shown and value is not None)
        if value is not None:
            self.value.setValue(value)

    def _frozen(self, done: RunDone) -> None:
        self._session.data_changed.emit()
        self.froze.emit(done.run)

    def _opened(self, _done: object) -> None:
        self._session.data_changed.emit()
        if self._folder is not None:
            self.opened.emit(self._folder.name)

    def _ask_to_freeze(self) -> None:
        if sure(self, "Freeze model and operating point?", "Neither can be changed for this run afterwards.", "Freeze"):
            self.freeze()

    def _ask_to_open(self) -> None:
        text = "The opening is counted and stands in every report of these images, whatever comes out."
        if sure(self, "Open the sealed test set?", text, "Open"):
            self.open_test()
