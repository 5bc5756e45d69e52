"""Each control has the bounds, words and unit of its setting's declaration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from fineray.training.recipe import Recipe, Tuning, for_mode
from fineray.training.settings import Declared, declared
from fineray_desktop.train.recipe_dialog import PARTS, SHOWN
from fineray_desktop.widgets.settings_form import NO_END, SettingsForm, control_of, whole_number_box

ALL = [(part, declared(PARTS[part])[name]) for part, names in SHOWN.items() for name in names]


def _named(which: tuple[str, Declared]) -> str:
    return f"{which[0]}.{which[1].name}"


@pytest.mark.parametrize("which", ALL, ids=_named)
def test_a_control_is_as_its_setting_is_declared(qtbot: QtBot, which: tuple[str, Declared]) -> None:
    each, own = which[1], which[1].setting
    control = control_of(each)
    qtbot.addWidget(control)
    assert control.toolTip() == own.help and control.accessibleName() == own.title
    match control:
        case QComboBox():
            listed = {control.itemData(place): control.itemText(place) for place in range(control.count())}
            assert listed == (own.choices or own.offered)
        case QCheckBox():
            assert each.kind == "yes or no" and control.text() == own.title
        case QLineEdit():
            assert own.by_powers
        case QSpinBox() | QDoubleSpinBox():
            assert isinstance(control, QSpinBox) == (each.kind == "whole number")
            unit = 1 if each.kind == "whole number" else 10**-own.decimals
            assert control.minimum() == pytest.approx(own.least if own.least is not None else own.above + unit)
            highest = own.most if own.most is not None else NO_END if own.below is None else own.below - unit
            assert control.maximum() == pytest.approx(highest)
            assert each.allows(control.minimum()) and each.allows(control.maximum())
            assert control.suffix() == own.unit and control.value() == pytest.approx(each.default)


@pytest.mark.parametrize("mode", ["frozen", "finetune", "scratch"])
@pytest.mark.parametrize("part", PARTS)
def test_a_form_gives_back_what_it_shows(qtbot: QtBot, part: str, mode: Any) -> None:
    recipe = for_mode(mode)
    form = SettingsForm(PARTS[part], SHOWN[part])
    qtbot.addWidget(form)
    shown = recipe if part == "recipe" else getattr(recipe, part)
    form.show_settings(shown)
    assert form.settings() == shown
    for name, control in form.controls.items():
        if isinstance(control, QCheckBox):
            with qtbot.waitSignal(form.changed):
                control.toggle()
            assert form.settings() == replace(shown, **{name: not getattr(shown, name)})
            control.toggle()


def test_a_list_shows_also_what_it_does_not_offer(qtbot: QtBot) -> None:
    form = SettingsForm(Recipe, ("input_size",))
    qtbot.addWidget(form)
    form.show_settings(Recipe(input_size=256))
    assert form.settings().input_size == 256


def test_a_text_that_is_no_number_is_said(qtbot: QtBot) -> None:
    form = SettingsForm(Tuning, ("learning_rate",))
    qtbot.addWidget(form)
    form.show_settings(Tuning())
    rate = form.controls["learning_rate"]
    assert isinstance(rate, QLineEdit) and rate.text() == "0.0005"
    rate.setText("3,5e-3")
    assert form.settings().learning_rate == 3.5e-3
    rate.setText("fast")
    with pytest.raises(ValueError, match="fast"):
        form.settings()


def test_the_boxes_on_the_page_have_the_same_bounds(qtbot: QtBot) -> None:
    box = whole_number_box(declared(Tuning)["epochs"])
    qtbot.addWidget(box)
    assert (box.minimum(), box.maximum(), box.value()) == (1, 10_000, Tuning().epochs)
