"""Finds what a window does not show whole: text that is cut, parts that lie outside or over one another."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QHeaderView,
    QLabel,
    QLineEdit,
    QScrollArea,
    QScrollBar,
    QSplitterHandle,
    QStackedWidget,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QTableView,
    QTabWidget,
    QWidget,
)

HEADER_PADDING = 17  # points, left and right of a heading together (resources/fineray_resources/style.qss)
SPIN_PADDING = 36  # and of a box for numbers, with its arrows
CELL_PADDING = 16  # left and right of a cell together
SLACK = 1  # point, for rounding
OFF = Qt.ScrollBarPolicy.ScrollBarAlwaysOff


def faults(root: QWidget, screen: QSize) -> list[str]:
    """What is wrong in a laid-out widget and in all that is visible in it, a line each; empty if nothing is.

    Text may be wrapped, or cut where the tooltip says it whole; what is too large may lie in a scroll area that can be
    scrolled to it, but cards never need scrolling sideways, and two different texts of a table never look the same.
    screen: the points that a window may have.
    """
    found = []
    if root.isWindow() and (root.width() > screen.width() or root.height() > screen.height()):
        found.append(f"{named(root)} is {root.width()} × {root.height()} points, more than the screen has")
    for widget in _visible(root):
        if widget is not root:
            found += _place(widget)
        found += _size(widget)
        found += _over_one_another(widget)
        match widget:
            case QComboBox():
                found += _chooser(widget)
            case QLineEdit():
                found += _line_edit(widget)
            case QTabBar():
                found += _tab_bar(widget)
            case QTableView():
                found += _table(widget)
    return found


def named(widget: QWidget) -> str:
    """What a person would call it: its class with its name or text, and where it stands."""
    text = widget.accessibleName() or (widget.text() if isinstance(widget, QLabel | QAbstractButton) else "")
    own = f"{type(widget).__name__}{f' “{text[:48]}”' if text else ''}"
    parent = widget.parentWidget()
    while parent is not None and type(parent).__module__.startswith("PySide6"):
        parent = parent.parentWidget()
    return f"{own} in {type(parent).__name__}" if parent is not None else own


def _visible(root: QWidget) -> Iterator[QWidget]:
    """The widget and what is visible in it, without the innards of Qt's own parts and of charts."""
    yield root
    if isinstance(root, QComboBox | QLineEdit | QTabBar | QHeaderView | QScrollBar) or _is_chart(root):
        return
    for child in root.children():
        if isinstance(child, QWidget) and child.isVisible() and not child.isWindow():
            if isinstance(child, QScrollBar | QHeaderView | QSplitterHandle):
                continue
            if isinstance(root, QAbstractItemView) or child.objectName().startswith("qt_spinbox"):
                continue
            yield from _visible(child)


def _is_chart(widget: QWidget) -> bool:
    return type(widget).__name__ in ("GraphicsView", "PlotWidget") or any(
        base.__name__ == "GraphicsView" for base in type(widget).__mro__
    )


def _place(widget: QWidget) -> list[str]:
    """Whether it lies in its parent, or can be scrolled to."""
    parent, box = widget.parentWidget(), widget.geometry()
    area = parent.parentWidget() if parent is not None else None
    if isinstance(area, QScrollArea) and area.viewport() is parent:
        return _scrolled(area, widget)
    if widget.property("floats") or parent is None or parent.rect().adjusted(-1, -1, 1, 1).contains(box):
        return []
    return [f"{named(widget)} at {_text(box)} lies outside its parent of {_text(parent.rect())}"]


def _scrolled(area: QScrollArea, inside: QWidget) -> list[str]:
    found = []
    room = area.viewport().size()
    wide, high = inside.width() - room.width(), inside.height() - room.height()
    if wide > SLACK and area.horizontalScrollBarPolicy() == OFF:
        found.append(f"{named(inside)} is cut by {wide} points at its right edge, and cannot be scrolled to")
    elif wide > SLACK and _holds_cards(inside):
        found.append(f"{named(inside)} with cards has to be scrolled sideways by {wide} points")
    if high > SLACK and area.verticalScrollBarPolicy() == OFF:
        found.append(f"{named(inside)} is cut by {high} points at its lower edge, and cannot be scrolled to")
    return found


def _holds_cards(widget: QWidget) -> bool:
    return any(each.property("role") == "card" for each in (widget, *widget.findChildren(QFrame)))


def _size(widget: QWidget) -> list[str]:
    """Whether it has the room that its content needs."""
    least = widget.minimumSizeHint()
    if isinstance(widget, QLabel) and not widget.text() and widget.pixmap().isNull():
        return []
    if isinstance(widget, QStackedWidget):
        return []  # its hint is of hidden pages too; the one on show tells
    found = []
    cut = getattr(widget, "cut", False) and widget.toolTip()
    if isinstance(widget, QAbstractSpinBox):  # its hint is of its longest text, and counts its arrows twice
        needed = widget.fontMetrics().horizontalAdvance(widget.text()) + SPIN_PADDING
        if widget.width() < needed:
            found.append(f"{named(widget)} is {widget.width()} points wide and needs {needed}")
    elif widget.width() + SLACK < least.width() and not cut:
        found.append(f"{named(widget)} is {widget.width()} points wide and needs {least.width()}")
    needed = 0 if isinstance(widget, QAbstractScrollArea) else least.height()
    if isinstance(widget, QLabel) and widget.wordWrap():
        needed = widget.heightForWidth(widget.width())
    elif isinstance(widget, QTabWidget) or (widget.layout() is not None and widget.layout().hasHeightForWidth()):
        needed = 0  # its parts tell; the hint thinks of another width, and of hidden pages
    if widget.height() + SLACK < needed:
        found.append(f"{named(widget)} is {widget.height()} points high and needs {needed}")
    return found


def _over_one_another(parent: QWidget) -> list[str]:
    """Parts of one layout that overlap."""
    if parent.layout() is None:
        return []
    parts = [
        each
        for each in parent.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
        if each.isVisible() and not each.isWindow() and not each.property("floats") and _laid_out(parent, each)
    ]
    found = []
    for number, first in enumerate(parts):
        for second in parts[number + 1 :]:
            both = first.geometry().intersected(second.geometry())
            if both.width() > SLACK and both.height() > SLACK:
                found.append(f"{named(first)} and {named(second)} lie over one another by {_text(both)}")
    return found


def _laid_out(parent: QWidget, widget: QWidget) -> bool:
    return not isinstance(parent, QAbstractScrollArea) and not widget.objectName().startswith("qt_")


def _chooser(box: QComboBox) -> list[str]:
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    kind, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
    room = box.style().subControlRect(kind, option, part, box).width()
    text = box.currentText()
    if box.fontMetrics().horizontalAdvance(text) <= room + SLACK or (
        getattr(box, "cut", False) and text in box.toolTip()
    ):
        return []
    return [f"{named(box)} cuts “{text}” to {room} points"]


def _line_edit(line: QLineEdit) -> list[str]:
    text = line.placeholderText()
    if line.text() or not text or line.fontMetrics().horizontalAdvance(text) <= line.width() - 18 or line.toolTip():
        return []
    return [f"{named(line)} cuts “{text}” to {line.width()} points"]


def _tab_bar(bar: QTabBar) -> list[str]:
    last = bar.tabRect(bar.count() - 1).right() if bar.count() else 0
    found = [f"The tabs in {named(bar)} need {last} points of {bar.width()}"] if last > bar.width() + SLACK else []
    bold = QFont(bar.font())
    bold.setWeight(QFont.Weight.DemiBold)
    for number in range(bar.count()):
        needed = QFontMetrics(bold).horizontalAdvance(bar.tabText(number))
        if bar.isTabVisible(number) and needed > bar.tabRect(number).width():
            found.append(f"The tab “{bar.tabText(number)}” is {bar.tabRect(number).width()} points wide")
    return found


def _table(view: QTableView) -> list[str]:
    model, header = view.model(), view.horizontalHeader()
    found = []
    bold = QFont(header.font())
    bold.setWeight(QFont.Weight.DemiBold)
    for column in range(model.columnCount()):
        if view.isColumnHidden(column):
            continue
        title = str(model.headerData(column, Qt.Orientation.Horizontal) or "")
        needed, width = QFontMetrics(bold).horizontalAdvance(title) + HEADER_PADDING, view.columnWidth(column)
        if title and needed > width + SLACK and header.isVisible():
            found.append(f"The heading “{title}” of {named(view)} needs {needed} of {width} points")
        found += _column(view, column)
    return found


def _column(view: QTableView, column: int) -> list[str]:
    """Cut cells that say nothing, and different texts that look the same."""
    model, drawn, found = view.model(), dict[str, str](), []
    for row in range(min(model.rowCount(), 200)):
        index = model.index(row, column)
        text = str(model.data(index) or "")
        if not text or text in drawn:
            continue
        drawn[text] = _drawn(view, index, text)
        if drawn[text] != text and text not in str(model.data(index, Qt.ItemDataRole.ToolTipRole) or ""):
            found.append(f"“{text}” in {named(view)} is cut, and has no tooltip")
    alike: dict[str, list[str]] = {}
    for text, shown in drawn.items():
        alike.setdefault(shown, []).append(text)
    for shown, texts in alike.items():
        if len(texts) > 1:
            found.append(f"“{texts[0]}” and “{texts[1]}” in {named(view)} both read “{shown}”")
    return found


def _drawn(view: QTableView, index: QModelIndex, text: str) -> str:
    """The text as it stands in its cell."""
    delegate = view.itemDelegateForIndex(index)
    width = view.columnWidth(index.column()) - CELL_PADDING
    if hasattr(delegate, "shown"):
        return str(delegate.shown(text, view.fontMetrics(), width, view.rowHeight(index.row())))
    return view.fontMetrics().elidedText(text, view.textElideMode(), width)


def _text(box: QRect) -> str:
    return f"{box.x()}, {box.y()}, {box.width()} × {box.height()}"
