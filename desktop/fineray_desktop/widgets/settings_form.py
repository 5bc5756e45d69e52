"""A form over declared settings: each with the control of its kind, its bounds, its unit and its explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from fineray.training.settings import Declared, Setting, declared
from fineray_desktop.widgets.basics import label, number_box, spin_box

LABEL_WIDTH, CONTROL_WIDTH = 168, 230
NO_END = 999_999  # a box for numbers has an end also where the setting has none

C = TypeVar("C", bound=QWidget)
Control = QComboBox | QCheckBox | QSpinBox | QDoubleSpinBox | QLineEdit


class SettingsForm(QWidget):
    """Shows some settings of one dataclass, in the order of their names, and gives it back as it was changed."""

    changed = Signal()

    def __init__(self, settings: type, names: Sequence[str]) -> None:
        super().__init__()
        self._settings: Any = None
        self.controls: dict[str, Control] = {}
        self.form = QFormLayout(self)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.form.setHorizontalSpacing(18)
        self.form.setVerticalSpacing(9)
        for name in names:
            self._add(declared(settings)[name])

    def show_settings(self, settings: Any) -> None:
        """Fill the controls in."""
        self._settings = settings
        for name, control in self.controls.items():
            before = control.blockSignals(True)
            show_value(control, getattr(settings, name))
            control.blockSignals(before)

    def settings(self) -> Any:
        """The settings with what the controls say. Raises ValueError where a text is no number."""
        return replace(self._settings, **{name: value_of(control) for name, control in self.controls.items()})

    def _add(self, each: Declared) -> None:
        control = self.controls[each.name] = control_of(each)
        _change_signal(control).connect(self.changed)
        ticked = isinstance(control, QCheckBox)  # its title stands beside the box
        title = label("" if ticked else each.setting.title, tip=each.setting.help)
        title.setMinimumWidth(LABEL_WIDTH)  # several forms below one another line up
        if not ticked:
            control.setFixedWidth(CONTROL_WIDTH)
        self.form.addRow(title, control)


def control_of(each: Declared) -> Control:
    """A control with the setting's bounds, unit and explanation."""
    setting = each.setting
    listed = setting.choices or setting.offered
    if listed:
        box = QComboBox()
        for value, title in listed.items():
            box.addItem(title, value)
        return _explained(box, each)
    if each.kind == "yes or no":
        return _explained(QCheckBox(setting.title), each)
    if setting.by_powers:
        return _explained(QLineEdit(), each)
    return whole_number_box(each) if each.kind == "whole number" else number_box_of(each)


def whole_number_box(each: Declared) -> QSpinBox:
    """A box for a whole number, at the setting's default."""
    low, high = ends(each.setting, 1)
    box = spin_box(int(low), int(high), each.default)
    box.setSuffix(each.setting.unit)
    return _explained(box, each)


def number_box_of(each: Declared) -> QDoubleSpinBox:
    """A box for a number with decimals, at the setting's default."""
    setting = each.setting
    low, high = ends(setting, 10**-setting.decimals)
    box = number_box(low, high, each.default, step=setting.step, decimals=setting.decimals)
    box.setSuffix(setting.unit)
    return _explained(box, each)


def show_value(control: Control, value: Any) -> None:
    """Show a setting's value."""
    match control:
        case QComboBox():
            if control.findData(value) < 0:  # allowed, though the list does not offer it
                control.addItem(str(value), value)
            control.setCurrentIndex(control.findData(value))
        case QCheckBox():
            control.setChecked(value)
        case QLineEdit():
            control.setText(f"{value:g}")
        case _:
            control.setValue(value)


def value_of(control: Control) -> Any:
    """What a control says. Raises ValueError where a text is no number."""
    match control:
        case QComboBox():
            return control.currentData()
        case QCheckBox():
            return control.isChecked()
        case QLineEdit():
            return float(control.text().replace(",", "."))
        case _:
            return control.value()


def ends(setting: Setting, unit: float) -> tuple[float, float]:
    """(lowest, highest) number of a box that counts in units; an end that is itself not allowed is a unit away."""
    low = setting.least if setting.least is not None else (setting.above or 0) + unit
    if setting.most is not None:
        return low, setting.most
    return low, NO_END if setting.below is None else setting.below - unit


def _explained(control: C, each: Declared) -> C:
    control.setToolTip(each.setting.help)
    control.setAccessibleName(each.setting.title)
    return control


def _change_signal(control: Control) -> Any:
    match control:
        case QComboBox():
            return control.currentIndexChanged
        case QCheckBox():
            return control.toggled
        case QLineEdit():
            return control.editingFinished
        case _:
            return control.valueChanged
