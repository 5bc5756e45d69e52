"""Names longer than their place: wrapped, or cut so that two of them still differ; the tooltip says the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QStylePainter,
    QTableView,
)

WRAPPED = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignVCenter
CELL = 18  # points left and right of a cell's text together (style.qss, and what the style adds)


def cut_apart(names: Iterable[str], metrics: QFontMetrics, width: float) -> dict[str, str]:
    """Each name cut to so many points. Those that would look the same begin with the word in which they differ; where
    that does not help, all are cut in the middle or at their beginning."""
    known, right = tuple(dict.fromkeys(names)), Qt.TextElideMode.ElideRight
    ends = {name: metrics.elidedText(name, right, int(width)) for name in known}
    cut = dict(ends)
    for name in known:
        alike = [other for other in known if other != name and ends[other] == ends[name]]
        if alike:
            start = max(_common(name, other) for other in alike)
            rest = name[name.rfind(" ", 0, start) + 1 :]
            cut[name] = metrics.elidedText(f"…{rest}", right, int(width))
    if len(set(cut.values())) == len(known):
        return cut
    for mode in (Qt.TextElideMode.ElideMiddle, Qt.TextElideMode.ElideLeft):
        other_way = {name: metrics.elidedText(name, mode, int(width)) for name in known}
        if len(set(other_way.values())) == len(known):
            return other_way
    return cut


def fitted(names: Iterable[str], metrics: QFontMetrics, width: float, height: float) -> dict[str, str]:
    """Each name for a place of so many points: whole where it fits when it is wrapped, else cut apart."""
    known = tuple(dict.fromkeys(names))
    lines = max(int(height // metrics.lineSpacing()), 1)
    shown = {}
    for name, cut in cut_apart(known, metrics, width).items():
        shown[name] = name if name == cut or _wraps(name, metrics, width, height) else cut
    for budget in (1.2, 1.6, 2.2, 2.6)[: 2 * (lines - 1)]:  # lines' worth of text: words do not fill their lines
        longer = cut_apart(known, metrics, width * budget)
        tried = {
            name: longer[name] if shown[name] != name and _wraps(longer[name], metrics, width, height) else shown[name]
            for name in known
        }
        if len(set(tried.values())) == len(known):
            shown = tried
    return shown


def _wraps(text: str, metrics: QFontMetrics, width: float, height: float) -> bool:
    box = metrics.boundingRect(QRect(0, 0, int(width), 10_000), WRAPPED | Qt.AlignmentFlag.AlignLeft, text)
    return box.width() <= width and box.height() <= height


def _common(first: str, second: str) -> int:
    """How many characters both begin with."""
    pairs = zip(first, second, strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


class CutLabel(QLabel):
    """Lines that give way: what does not fit is cut, and the tooltip says it whole."""

    def __init__(self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__(text)
        self.setProperty("role", role)
        self._mode = mode

    @property
    def cut(self) -> bool:
        """Whether there is more than is shown."""
        metrics, room = self.fontMetrics(), self.contentsRect().width()
        return any(metrics.horizontalAdvance(line) > room for line in self.text().split("\n"))

    def setText(self, text: str) -> None:
        super().setText(text)
        self._tell()

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._tell()
        super().resizeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        box = self.contentsRect()
        lines = self.text().split("\n")
        text = "\n".join(self.fontMetrics().elidedText(line, self._mode, box.width()) for line in lines)
        role, enabled = self.foregroundRole(), self.isEnabled()
        self.style().drawItemText(painter, box, self.alignment(), self.palette(), enabled, text, role)

    def _tell(self) -> None:
        self.setToolTip(self.text() if self.cut else "")


class ChoiceBox(QComboBox):
    """A chooser that gives way: what does not fit is cut apart from the other entries; the tooltip says it whole."""

    def __init__(self, least: int = 6) -> None:
        """least: characters that it shows at any rate."""
        super().__init__()
        self._tip = ""
        self._least = least
        self.currentTextChanged.connect(self._tell)

    @property
    def cut(self) -> bool:
        """Whether there is more than is shown."""
        return self.fontMetrics().horizontalAdvance(self.currentText()) > self._room().width()

    def toolTip(self) -> str:
        self._tell()  # entries may have been changed while signals were held back
        return super().toolTip()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            self._tell()
        return super().event(event)

    def setToolTip(self, tip: str) -> None:
        self._tip = tip
        self._tell()

    def minimumSizeHint(self) -> QSize:
        whole = super().minimumSizeHint()
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        text = QSize(self.fontMetrics().averageCharWidth() * self._least, whole.height())
        least = self.style().sizeFromContents(QStyle.ContentsType.CT_ComboBox, option, text, self)
        return QSize(min(whole.width(), least.width()), whole.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tell()

    def showPopup(self) -> None:
        view = self.view()
        room = self.screen().availableGeometry().width() - 40
        view.setMinimumWidth(min(view.sizeHintForColumn(0) + view.verticalScrollBar().sizeHint().width() + 8, room))
        super().showPopup()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shown()  # type: ignore[attr-defined]
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def shown(self) -> str:
        """The text as it stands there."""
        if not self.cut:
            return self.currentText()
        entries = (self.itemText(number) for number in range(self.count()))
        return cut_apart(entries, self.fontMetrics(), self._room().width()).get(self.currentText(), "")

    def _room(self) -> QRect:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        return self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self)

    def _tell(self) -> None:
        more = self.currentText() if self.cut else ""
        super().setToolTip("\n".join(filter(None, (more, self._tip))))


class NameDelegate(QStyledItemDelegate):
    """Draws class names in a table: wrapped on the lines that a row has, or cut apart."""

    def __init__(self, names: Callable[[], Sequence[str]], parent: QObject | None = None) -> None:
        """names(): all that may stand in the column."""
        super().__init__(parent)
        self._names = names
        self._fitted: tuple[object, dict[str, str]] = (None, {})

    def shown(self, text: str, metrics: QFontMetrics, width: float, height: float) -> str:
        """The text as it stands in a cell of that size."""
        names = tuple(self._names())
        of = (names, int(width), int(height), metrics.height())
        if self._fitted[0] != of:
            self._fitted = of, fitted(names, metrics, width, height)
        known = self._fitted[1]
        return known[text] if text in known else metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, int(width))

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        width, height = option.rect.width() - CELL, option.rect.height()  # type: ignore[attr-defined]
        metrics = option.fontMetrics  # type: ignore[attr-defined]
        option.text = self.shown(option.text, metrics, width, height)  # type: ignore[attr-defined]
        option.textElideMode = Qt.TextElideMode.ElideNone  # type: ignore[attr-defined]
        if height >= 2 * metrics.lineSpacing():
            option.features |= QStyleOptionViewItem.ViewItemFeature.WrapText  # type: ignore[attr-defined]


def draw_names(view: QTableView, names: Callable[[], Sequence[str]], *columns: int) -> None:
    """Let these columns hold class names."""
    delegate = NameDelegate(names, view)
    for column in columns:
        view.setItemDelegateForColumn(column, delegate)
