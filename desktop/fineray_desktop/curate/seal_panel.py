"""The sealed test set: sealing it before training, what became of it."""

from __future__ import annotations

from PySide6.QtWidgets import QFormLayout, QFrame, QVBoxLayout

from fineray.engine.requests.splits import SealTest
from fineray.project.seal import break_seal
from fineray.project.splits import SplitPlan
from fineray_desktop.curate.apart_by import ApartBy
from fineray_desktop.curate.split_panel import SHARES
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    label,
    row,
    sure,
)
from fineray_desktop.widgets.eliding import ChoiceBox

WHAT = (
    "Images that nothing is learned or chosen from, for one honest figure at the end. They cannot be predicted before a"
    " run's model and operating point are frozen (page Review)."
)


class SealPanel(QFrame):
    """A card that seals a test set and counts its openings."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._session = session
        self.apart = ApartBy(session, "Chance: a share of the patients")
        self.share = ChoiceBox()
        for share, text in SHARES:
            self.share.addItem(text, share)
        self.seal_button = button("Seal the test set…", "primary")
        self.break_button = button("Break the seal…", tip="Give the test set up and learn from it too")
        self.state = label(wrap=True)
        self._form = QFormLayout()
        self._form.addRow("Chosen by", self.apart)
        self._form.addRow("Share", self.share)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(label("Sealed test set", "heading"))
        layout.addWidget(label(WHAT, "muted", wrap=True))
        layout.addWidget(self.state)
        layout.addLayout(self._form)
        layout.addLayout(row(self.seal_button, self.break_button, None))
        self.seal_button.clicked.connect(self._ask)
        self.break_button.clicked.connect(self._ask_to_break)
        self.apart.box.currentIndexChanged.connect(self.refresh)
        session.busy_changed.connect(self.refresh)
        session.state_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the project's seal."""
        state = self._session.state
        if state is None:
            return
        seal = state.seal
        self._form.setRowVisible(self.apart, seal is None)
        self._form.setRowVisible(self.share, seal is None and self.apart.by in ("", "study_date"))
        self.seal_button.setVisible(seal is None)
        self.break_button.setVisible(seal is not None)
        self.seal_button.setEnabled(len(state.counts.classes) > 1 and self._session.may_change)
        self.break_button.setEnabled(self._session.may_change)
        self.state.setVisible(seal is not None)
        if seal is not None:
            classes = ", ".join(f"{name} {number:,}" for name, number in seal.classes.items())
            times = len(state.openings)
            opened = "not opened yet" if not times else f"opened {times} time{'s' * (times > 1)}"
            seen = " Runs made before it was sealed had seen some of it." if seal.seen_before else ""
            self.state.setText(f"{seal.images:,} images of {seal.patients:,} patients ({classes}), {opened}.{seen}")

    def plan(self) -> SplitPlan:
        """What would be sealed: the test part of this plan."""
        return SplitPlan(
            "holdout", test_share=self.share.currentData(), by=self.apart.by, test_values=self.apart.test_values
        )

    def seal(self) -> None:
        """Seal it."""
        project = self._session.project
        if project is not None:
            self._session.run(
                SealTest(project.root, self.plan()), "Sealing", lambda seal: self._session.data_changed.emit()
            )

    def break_it(self) -> None:
        """Give the test set up."""
        project = self._session.project
        if project is not None:
            break_seal(project)
            self._session.data_changed.emit()

    def _ask(self) -> None:
        text = "Sealing cannot be undone, only broken, which is counted. The split is made anew afterwards."
        if sure(self, "Seal the test set?", text, "Seal"):
            self.seal()

    def _ask_to_break(self) -> None:
        text = "The images can then be learned from, and this counts as an opening for as long as they exist."
        if sure(self, "Break the seal?", text, "Break the seal"):
            self.break_it()
