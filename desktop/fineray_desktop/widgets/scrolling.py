"""What scrolls: columns of cards, frames of wide tables, and whole pages; nothing in them is cut off."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QStackedWidget, QTabWidget, QWidget


def sideways(inside: QWidget) -> QScrollArea:
    """A frame for what may be wider than its place, such as a table of many classes; it is as high as its content."""
    return Scrolling(inside, Qt.Orientation.Horizontal)


class Scrolling(QScrollArea):
    """Scrolls one way; the other way it asks for the room that its content needs, so that nothing is cut off."""

    def __init__(self, inside: QWidget, way: Qt.Orientation) -> None:
        super().__init__()
        self._way = way
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        off = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        if way == Qt.Orientation.Vertical:
            self.setHorizontalScrollBarPolicy(off)
        else:
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.setVerticalScrollBarPolicy(off)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        least = _least(self.widget()) if self.widget() is not None else QSize()
        if self._way == Qt.Orientation.Vertical:
            return QSize(least.width() + self.verticalScrollBar().sizeHint().width(), 60)
        return QSize(60, self.sizeHint().height())

    def sizeHint(self) -> QSize:
        if self._way == Qt.Orientation.Vertical or self.widget() is None:
            return super().sizeHint()
        inside = self.widget()
        wide = max(self.width(), _least(inside).width())
        high = inside.heightForWidth(wide) if inside.hasHeightForWidth() else inside.sizeHint().height()
        bar = self.horizontalScrollBar().sizeHint().height() if wide > self.width() else 0
        return QSize(inside.sizeHint().width(), high + bar)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ask_anew()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask_anew()

    def _ask_anew(self) -> None:
        """The height depends on whether the bar is needed, and so on the width."""
        if self._way == Qt.Orientation.Horizontal and self.sizeHint().height() != self.height():
            self.updateGeometry()


class Tabs(QTabWidget):
    """Of a page: asks for the height that its tabs need, not for what they would like best at this width."""

    def __init__(self) -> None:
        super().__init__()
        self.setDocumentMode(True)

    def hasHeightForWidth(self) -> bool:
        return False


class PageArea(QScrollArea):
    """The page on show of a stack, scrolled up and down where the window is lower than it needs, as below a message."""

    def __init__(self, pages: QStackedWidget) -> None:
        super().__init__()
        self._pages = pages
        self.setWidget(pages)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        pages.currentChanged.connect(self._fit)

    def minimumSizeHint(self) -> QSize:
        page = self._pages.currentWidget()
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(page.minimumSizeHint().width() + bar if page is not None else 200, 200)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._pages and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Not by QScrollArea itself: it would give a page with wrapped texts the height that it likes best."""
        page = self._pages.currentWidget()
        if page is None:
            return
        width, layout = self.viewport().width(), page.layout()
        least = page.minimumSizeHint().height()
        if layout is not None and layout.hasHeightForWidth():
            least = layout.minimumHeightForWidth(width)
        scrolls = least > self.height()
        gap = 6 if scrolls else 0  # between the page and the bar
        self._pages.resize(width - gap, max(least, self.viewport().height()))
        self.updateGeometry()


def _least(widget: QWidget) -> QSize:
    return widget.minimumSizeHint().expandedTo(widget.minimumSize())
