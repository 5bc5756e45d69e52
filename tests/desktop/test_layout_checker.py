"""The checker of layouts finds each kind of fault, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from fineray_desktop.widgets.basics import card, scrolling_column
from fineray_desktop.widgets.eliding import ChoiceBox, CutLabel, draw_names
from fineray_desktop.widgets.scrolling import sideways
from tests.support.layout import faults

LONG = "pneumonia and pleural effusion, right lower lobe"
OTHER = LONG.replace("right", "left")
SCREEN = QSize(800, 600)


def _column(*parts: QWidget, width: int = 200) -> QWidget:
    made = QWidget()
    layout = QVBoxLayout(made)
    for part in parts:
        layout.addWidget(part)
    made.setFixedWidth(width)
    return made


def _label(text: str = LONG, wrap: bool = False) -> QLabel:
    made = QLabel(text)
    made.setWordWrap(wrap)
    return made


def _wide(area: QScrollArea, policy: Qt.ScrollBarPolicy) -> QWidget:
    area.setHorizontalScrollBarPolicy(policy)
    area.setMinimumWidth(0)
    return _column(area)


def _area(inside: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(inside)
    area.setWidgetResizable(True)
    return area


def _box(kind: type[QComboBox]) -> QComboBox:
    made = kind()
    made.addItems([LONG, OTHER])
    made.setFixedWidth(120)
    return made


def _table(*texts: str, heading: str = "True", tips: bool = True) -> QTableView:
    view = QTableView()
    model = QStandardItemModel(len(texts), 1, view)
    model.setHorizontalHeaderLabels([heading])
    for row, text in enumerate(texts):
        item = QStandardItem(text)
        item.setToolTip(text if tips else "")
        model.setItem(row, 0, item)
    view.setModel(model)
    view.setColumnWidth(0, 90)
    return view


def _named(view: QTableView, *names: str) -> QTableView:
    draw_names(view, lambda: names, 0)
    return view


def _outside() -> QWidget:
    made = QWidget()
    made.resize(100, 60)
    QPushButton("out", made).move(80, 10)
    return made


def _overlapping() -> QWidget:
    made = QWidget()
    layout = QGridLayout(made)
    for text in ("first", "second"):
        layout.addWidget(QPushButton(text), 0, 0)
    return made


def _low() -> QWidget:
    made = _column(_label(wrap=True))
    made.setFixedHeight(30)
    return made


def _tabs(width: int) -> QWidget:
    tabs = QTabWidget()
    for number in range(3):
        tabs.addTab(QLabel("x"), f"a tab with a long title {number}")
    tabs.setFixedWidth(width)
    return tabs


OFF, NEEDED = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAsNeeded
FAULTY: dict[str, tuple[Callable[[], QWidget], str]] = {
    "a label on one line": (lambda: _column(_label()), "points wide and needs"),
    "a button": (lambda: _column(QPushButton(LONG)), "points wide and needs"),
    "wrapped text in a low place": (_low, "points high and needs"),
    "outside its parent": (_outside, "outside its parent"),
    "over one another": (_overlapping, "lie over one another"),
    "cut without a scroll bar": (lambda: _wide(_area(_label()), OFF), "cannot be scrolled to"),
    "cards scrolled sideways": (lambda: _wide(_area(_column(card(_label()), width=500)), NEEDED), "scrolled sideways"),
    "a chooser": (lambda: _column(_box(QComboBox)), "cuts “"),
    "a placeholder": (lambda: _column(QLineEdit(placeholderText=LONG)), "cuts “"),
    "tabs": (lambda: _tabs(160), "The tabs in"),
    "a heading": (lambda: _column(_table("a", heading=LONG)), "The heading"),
    "a cell without a tooltip": (lambda: _column(_table(LONG, tips=False)), "has no tooltip"),
    "cells that look the same": (lambda: _column(_table(LONG, OTHER)), "both read"),
    "more than the screen": (lambda: _column(_label("x"), width=900), "more than the screen has"),
}  # fmt: skip
SOUND: dict[str, Callable[[], QWidget]] = {
    "wrapped": lambda: _column(_label(wrap=True)),
    "cut with a tooltip": lambda: _column(CutLabel(LONG)),
    "a chooser that gives way": lambda: _column(_box(ChoiceBox)),
    "text that can be scrolled to": lambda: _wide(_area(_label()), NEEDED),
    "a column that asks for its room": lambda: _column(scrolling_column(card(_label(wrap=True)))),
    "a table in its own frame": lambda: _column(card(sideways(_column(_label("x"), width=500)))),
    "names cut apart": lambda: _column(_named(_table(LONG, OTHER), LONG, OTHER)),
    "tabs with room": lambda: _tabs(700),
}


def _shown(make: Callable[[], QWidget], qtbot: QtBot) -> QWidget:
    widget = make()
    qtbot.addWidget(widget)
    widget.show()
    for _ in range(3):
        QApplication.processEvents()
    return widget


@pytest.mark.parametrize("name", FAULTY)
def test_a_planted_fault_is_found(name: str, qtbot: QtBot) -> None:
    make, told = FAULTY[name]
    found = faults(_shown(make, qtbot), SCREEN)
    assert any(told in each for each in found), found


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_found_where_nothing_is_wrong(name: str, qtbot: QtBot) -> None:
    assert faults(_shown(SOUND[name], qtbot), SCREEN) == []
