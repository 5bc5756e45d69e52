"""A form over the fields of a settings dataclass: each field with its control, its unit and its explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from fineray_desktop.widgets.basics import label, spin_box

LABEL_WIDTH, CONTROL_WIDTH = 168, 230

Control = QComboBox | QCheckBox | QSpinBox | QDoubleSpinBox | QLineEdit


@dataclass(frozen=True)
class Field:
    """name: of the dataclass's field; title and tip: in the user's words; choices: (text, value) of a list, or low and
    high of a number; suffix: its unit; decimals: of a number, 0 for whole ones; step."""

    name: str
    title: str
    tip: str
    choices: tuple[tuple[str, Any], ...] = ()
    low: float = 0.0
    high: float = 1.0
    decimals: int = -1
    suffix: str = ""
    step: float = 0.01


class SettingsForm(QWidget):
    """Shows one settings object and gives it back as it was changed."""

    changed = Signal()

    def __init__(self, fields: Sequence[Field]) -> None:
        super().__init__()
        self._fields = tuple(fields)
        self._settings: Any = None
        self.controls: dict[str, Control] = {}
        form = QFormLayout(self)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setHorizontalSpacing(18)
        form.setVerticalSpacing(9)
        for field in self._fields:
            control = self._control(field)
            control.setToolTip(field.tip)
            control.setAccessibleName(field.title)
            self.controls[field.name] = control
            title = label("" if isinstance(control, QCheckBox) else field.title, tip=field.tip)
            title.setMinimumWidth(LABEL_WIDTH)  # several forms below one another line up
            if not isinstance(control, QCheckBox):
                control.setFixedWidth(CONTROL_WIDTH)
            form.addRow(title, control)
        self.form = form

    def show_settings(self, settings: Any) -> None:
        """Fill the controls in."""
        self._settings = settings
        for field in self._fields:
            value, control = getattr(settings, field.name), self.controls[field.name]
            before = control.blockSignals(True)
            match control:
                case QComboBox():
                    control.setCurrentIndex(control.findData(value))
                case QCheckBox():
                    control.setChecked(value)
                case QLineEdit():
                    control.setText(f"{value:g}")
                case _:
                    control.setValue(value)
            control.blockSignals(before)

    def settings(self) -> Any:
        """The settings with what the controls say. Raises ValueError where a text is no number."""
        return replace(self._settings, **{field.name: self._value(field.name) for field in self._fields})

    def _value(self, name: str) -> Any:
        control = self.controls[name]
        match control:
            case QComboBox():
                return control.currentData()
            case QCheckBox():
                return control.isChecked()
            case QLineEdit():
                return float(control.text().replace(",", "."))
            case _:
                return control.value()

    def _control(self, field: Field) -> Control:
        if field.choices:
            box = QComboBox()
            for text, value in field.choices:
                box.addItem(text, value)
            box.currentIndexChanged.connect(self.changed)
            return box
        if field.decimals < 0:
            check = QCheckBox(field.title)
            check.toggled.connect(self.changed)
            return check
        if field.suffix == "rate":  # over many powers of ten, steps of one size are of no use
            line = QLineEdit()
            line.editingFinished.connect(self.changed)
            return line
        if field.decimals == 0:
            whole = spin_box(int(field.low), int(field.high))
            whole.setSuffix(field.suffix)
            whole.setSingleStep(max(1, int(field.step)))
            whole.valueChanged.connect(self.changed)
            return whole
        number = QDoubleSpinBox(minimum=field.low, maximum=field.high, decimals=field.decimals, singleStep=field.step)
        number.lineEdit().setTextMargins(6, 0, 0, 0)
        number.setSuffix(field.suffix)
        number.valueChanged.connect(self.changed)
        return number
