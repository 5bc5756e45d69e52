"""The split: how to divide the patients, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QFrame, QGridLayout, QMenu, QVBoxLayout, QWidget

from fineray.engine.requests.splits import MakeSplit
from fineray.project.attributes import CATEGORIES
from fineray.project.splits import PartCount, Split, SplitPlan
from fineray.project.state import StudyState
from fineray_desktop.curate.apart_by import ApartBy
from fineray_desktop.curate.patients_dialog import PatientsDialog
from fineray_desktop.models.images_model import part_title
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    label,
    row,
    spin_box,
)
from fineray_desktop.widgets.eliding import ChoiceBox
from fineray_desktop.widgets.scrolling import sideways

EVENLY = "What is spread evenly over the parts beside the label"
SHARES = ((0.2, "20 %"), (0.25, "25 %"), (1 / 3, "33 %"), (0.1, "10 %"))


class SplitPanel(QFrame):
    """A card that makes a split and lists its parts."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._session = session
        self.kind = ChoiceBox()
        self.kind.addItem("Cross-validation in folds", "folds")
        self.kind.addItem("Training, validation and test", "holdout")
        self.kind.setToolTip("Folds use every image for the test once; best for a few hundred images.")
        self.folds = spin_box(2, 20, 5)
        self.validation, self.test = ChoiceBox(), ChoiceBox()
        for box in (self.validation, self.test):
            for share, text in SHARES:
                box.addItem(text, share)
        self.seed = spin_box(0, 999_999)
        self.seed.setToolTip("The same seed on the same images gives the same split.")
        self.apart = ApartBy(session, "Chance, patient by patient")
        self.even = button(" Label", tip=EVENLY)
        self.even.setProperty("role", "menu")
        self._even_menu = QMenu(self.even)
        self.even.setMenu(self._even_menu)
        self.make_button = button("Split by patient", "primary")
        self.patients_button = button("Patients…", tip="What tells patients apart: an ID, a folder, a part of the name")
        self.nameless = label(role="warning", wrap=True)
        self.state = label(role="muted", wrap=True)
        self._parts = QWidget()
        self._grid = QGridLayout(self._parts)
        self._grid.setContentsMargins(0, 4, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setColumnStretch(0, 1)
        self._form = QFormLayout()
        self._lay_out()
        self._connect()
        self._kind_changed()

    def _lay_out(self) -> None:
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.addRow("Kind", self.kind)
        self._form.addRow("Folds", self.folds)
        self._form.addRow("Validation", self.validation)
        self._form.addRow("Test", self.test)
        self._form.addRow("Apart by", self.apart)
        self._form.addRow("Evenly", self.even)
        self._form.addRow("Seed", self.seed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(label("Split", "heading"))
        layout.addWidget(label("All images of a patient stay together; classes are spread evenly.", "muted", wrap=True))
        layout.addWidget(self.nameless)
        layout.addLayout(row(self.patients_button, None))
        layout.addLayout(self._form)
        layout.addLayout(row(self.make_button, None))
        layout.addWidget(self.state)
        self._frame = sideways(self._parts)  # of twenty folds it scrolls
        layout.addWidget(self._frame)

    def _connect(self) -> None:
        session = self._session
        for name in ("sex", "age_years", "view_position", "manufacturer", "site_hash"):
            choice = self._even_menu.addAction({"age_years": "Age band"}.get(name) or CATEGORIES[name])
            choice.setData(name)
            choice.setCheckable(True)
            choice.toggled.connect(self._name_even)
        self.kind.currentIndexChanged.connect(self._kind_changed)
        self.apart.box.currentIndexChanged.connect(self._kind_changed)
        self.make_button.clicked.connect(self.make)
        self.patients_button.clicked.connect(lambda: self.ask_patients())
        session.busy_changed.connect(self.refresh)
        session.state_changed.connect(self.refresh)

    def plan(self) -> SplitPlan:
        """The split asked for."""
        return SplitPlan(
            kind=self.kind.currentData(),
            folds=self.folds.value(),
            validation_share=self.validation.currentData(),
            test_share=self.test.currentData(),
            seed=self.seed.value(),
            by=self.apart.by,
            test_values=self.apart.test_values if self.kind.currentData() == "holdout" else (),
            stratify=tuple(each.data() for each in self._even_menu.actions() if each.isChecked()),
        )

    def make(self) -> None:
        """Make the split."""
        project = self._session.project
        if project is not None:
            self._session.run(
                MakeSplit(project.root, self.plan()), "Split", lambda split: self._session.data_changed.emit()
            )

    def ask_patients(self) -> PatientsDialog:
        """Let the user say what tells patients apart."""
        dialog = PatientsDialog(self._session, self)
        dialog.open()
        return dialog

    def refresh(self) -> None:
        """Show the project's split."""
        state = self._session.state
        if state is None:
            return
        self._ask_about_patients(state)
        classes = state.counts.classes
        self.make_button.setEnabled(len(classes) > 1 and self._session.may_change)
        split = state.split
        while (item := self._grid.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        self._frame.setVisible(split is not None)
        if split is None:
            self.state.setText("Not split yet." if len(classes) > 1 else "Labels of two classes come first.")
            return
        outdated = "The labels or the sealed images changed since this split: make it anew."
        if state.torn:
            outdated = f"{state.torn:,} patients, as they are told apart now, stand on two sides: make the split anew."
        self.state.setText(_in_words(split) if state.split_current else outdated)
        self._fill(state.parts, list(classes))

    def _ask_about_patients(self, state: StudyState) -> None:
        asked = []
        if state.unidentified:
            asked.append(
                f"{state.unidentified:,} images carry a patient ID that is blank, a placeholder, or the same for all. "
                "What identifies a patient there?"
            )
        if state.shared is not None:
            asked.append(state.shared.in_words())
        self.nameless.setText("\n".join(asked))
        self.nameless.setVisible(bool(asked))
        self.patients_button.setEnabled(state.counts.images > 0)

    def _kind_changed(self) -> None:
        folds, by = self.kind.currentData() == "folds", self.apart.by
        self._form.setRowVisible(self.folds, folds and not by)
        self._form.setRowVisible(self.validation, not folds)
        self._form.setRowVisible(self.test, not folds and by in ("", "study_date"))
        self.apart.show_values(not folds)

    def _name_even(self) -> None:
        chosen = [each.text().lower() for each in self._even_menu.actions() if each.isChecked()]
        self.even.setText(", ".join([" Label", *chosen]) if len(chosen) < 2 else f" Label and {len(chosen)} others")
        self.even.setToolTip("\n".join(filter(None, [EVENLY, ", ".join(chosen)])))

    def _fill(self, parts: Sequence[PartCount], classes: list[str]) -> None:
        """A line a class, since their names are long and many; a column a part."""
        folds = all(part.part.isdecimal() for part in parts)
        self._grid.addWidget(label("Fold" if folds else "", "muted"), 0, 0)
        for line, text in enumerate(("Patients", "Images", *classes), start=1):
            self._grid.addWidget(label(text, "muted" if line <= 2 else "", wrap=True, tip=text), line, 0)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for column, part in enumerate(parts, start=1):
            heading = label(part.part if folds else part_title(part.part), "muted")
            self._grid.addWidget(heading, 0, column, right)
            numbers = (part.patients, part.images, *(part.classes.get(each, 0) for each in classes))
            for line, number in enumerate(numbers, start=1):
                self._grid.addWidget(label(f"{number:,}"), line, column, right)


def _in_words(split: Split) -> str:
    kind = f"{split.plan.folds} folds" if split.plan.kind == "folds" else "Training, validation and test"
    if split.plan.by:
        kind += f", apart by {split.plan.by.removesuffix('_hash').replace('_', ' ')}"
    found = split.certificate
    source = "read from a file" if found is not None and found.made_by == "file" else f"seed {split.plan.seed}"
    made = f"{kind}, {source}. No patient stands on two sides."
    if found is None:
        return made
    joined = []
    if found.joined_studies:
        joined.append(f"{found.joined_studies:,} studies that hold several patients")
    if found.joined_copies:
        joined.append(f"{len(found.joined_copies):,} pictures that are there under two patients")
    kept = f" Kept together too: {' and '.join(joined)}." if joined else ""
    if found.aside:
        kept += f" {found.aside:,} images are set aside, since their patients stand on another side."
    return f"{made} Checked: {found.patients:,} patients in {found.groups:,} groups.{kept}"
