"""The top line of the review: which run, on what, which subgroup, and what comes out of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from fineray.review.query import PART
from fineray_desktop.models.images_model import part_title
from fineray_desktop.review.state import ReviewState
from fineray_desktop.widgets.basics import button, row
from fineray_desktop.widgets.eliding import ChoiceBox

EVERYONE = "All images"


class ReviewBar(QWidget):
    """Choosers; each follows the state and changes it."""

    run_chosen = Signal(str)
    compare_asked = Signal()
    report_asked = Signal()
    desk_asked = Signal()
    map_asked = Signal()

    def __init__(self, state: ReviewState) -> None:
        super().__init__()
        self._state = state
        self.run = _box("Run")
        self.evaluated = _box("Images that the figures are worked out on")
        self.finding = _box("Finding")
        self.attribute = _box("Subgroup by")
        self.value = _box("Subgroup")
        self.report_button = button("Report…", tip="PDF or HTML with every figure on this page")
        self.compare_button = button("Compare…", tip="Another run on the same images, with paired tests")
        self.map_button = button("Map…", tip="All images as points, near where the backbone takes them for alike")
        self.desk_button = button("Reader desk…", tip="A blinded second read: the model's score shows once you saved")
        self.setLayout(
            row(self.run, self.evaluated, self.finding, self.attribute, self.value, None, self.desk_button,
                self.map_button, self.compare_button, self.report_button, spacing=6)
        )  # fmt: skip
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.run.currentTextChanged.connect(self.run_chosen)
        self.evaluated.currentIndexChanged.connect(lambda: state.set_evaluated(bool(self.evaluated.currentData())))
        self.finding.currentTextChanged.connect(state.set_finding)
        self.attribute.currentIndexChanged.connect(lambda: state.set_filter(str(self.attribute.currentData() or "")))
        self.value.currentIndexChanged.connect(self._value_chosen)
        for each, asked in (
            (self.report_button, self.report_asked),
            (self.compare_button, self.compare_asked),
            (self.map_button, self.map_asked),
            (self.desk_button, self.desk_asked),
        ):
            each.clicked.connect(asked)
        state.opened.connect(self._run_opened)
        state.shown_changed.connect(self._show_values)

    def show_runs(self, names: list[str], wanted: str) -> None:
        """List the runs without choosing one of them."""
        self.run.blockSignals(True)
        self.run.clear()
        self.run.addItems(names)
        if wanted in names:
            self.run.setCurrentText(wanted)
        self.run.blockSignals(False)
        self.compare_button.setEnabled(len(names) > 1)
        self.desk_button.setEnabled(not self._state.session.read_only)

    def choose_subgroup(self, attribute: str, value: str) -> None:
        """Look at a subgroup."""
        self.attribute.blockSignals(True)
        self.attribute.setCurrentIndex(max(self.attribute.findData(attribute), 0))
        self.attribute.blockSignals(False)
        self._state.set_filter(attribute, value)

    def _run_opened(self) -> None:
        opened = self._state.run
        if opened is None:
            return
        sides = [("Held-out images", False)]
        if opened.test is not None:
            sides.append(("Sealed test set", True))
        _fill(self.evaluated, sides, self._state.view.on_test)
        self.evaluated.setVisible(len(sides) > 1)
        _fill(self.finding, [(name, name) for name in opened.predictions.classes], self._state.view.finding)
        self.finding.setVisible(self._state.multilabel)
        _fill(
            self.attribute,
            [(EVERYONE, ""), ("Held out in", PART), *((title, name) for name, title in opened.attributes.items())],
            "",
        )
        self._show_values()

    def _show_values(self) -> None:
        values = self._state.values
        named = (part_title(value) if self._state.view.attribute == PART else value for value in values)
        counted = (f"{name} ({number:,})" for name, number in zip(named, values.values(), strict=True))
        entries = [("every value", ""), *zip(counted, values, strict=True)]
        _fill(self.value, entries, self._state.view.value)
        self.value.setVisible(bool(values))

    def _value_chosen(self) -> None:
        self._state.set_filter(self._state.view.attribute, str(self.value.currentData() or ""))


def _box(name: str) -> ChoiceBox:
    made = ChoiceBox()
    made.setAccessibleName(name)
    made.setToolTip(name)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return made


def _fill(box: QComboBox, entries: list[tuple[str, object]], chosen: object) -> None:
    """Offer these (text, data), quietly; nothing happens where they are offered already."""
    box.blockSignals(True)
    if [(box.itemText(number), box.itemData(number)) for number in range(box.count())] != entries:
        box.clear()
        for text, data in entries:
            box.addItem(text, data)
    box.setCurrentIndex(max(box.findData(chosen), 0))
    box.blockSignals(False)
