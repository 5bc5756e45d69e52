"""Charts in the window's own language, light and dark."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QVBoxLayout

from fineray_desktop.theme import current_theme
from fineray_desktop.widgets.basics import label

# Okabe and Ito (2008), in an order whose neighbours differ in lightness too; told apart with any colour vision.
LEAST = 150  # points of height of a chart that shares a page
ENTRY = 96  # points of width that an entry of a legend may need
SERIES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999")


class Chart(pg.PlotWidget):
    """Axes with their titles and a legend, in the colours of the theme, also after it changed."""

    def __init__(self, name: str, x: str, y: str) -> None:
        super().__init__()
        self._labels = {"bottom": x, "left": y}
        self.setAccessibleName(name)
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it has nothing to type into, and would keep keys to itself
        self.hideButtons()
        plot = self.getPlotItem()
        plot.setContentsMargins(2, 4, 14, 2)  # so that the last number of an axis is whole
        self.getAxis("bottom").setStyle(hideOverlappingLabels=False)
        self._legend = pg.LegendItem(labelTextSize="8pt", verSpacing=-6, horSpacing=14)
        plot.legend = self._legend  # so that plot() lists its lines there
        plot.layout.removeItem(plot.titleLabel)
        plot.titleLabel.hide()
        plot.layout.addItem(self._legend, 0, 1)  # above the curves, never over them
        self._dress()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if any(self.getViewBox().mouseEnabled()):
            super().wheelEvent(event)
        else:
            event.ignore()  # the column that it stands in scrolls; the axes would keep the wheel to themselves

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_legend"):
            self._legend.setColumnCount(max(1, self.width() // ENTRY))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_legend"):
            self._dress()
        super().changeEvent(event)

    def _dress(self) -> None:
        theme = current_theme()
        self.setBackground(QColor(theme.surface))
        for side, text in self._labels.items():
            axis = self.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setPen(theme.border)
            axis.setTextPen(theme.muted)
            axis.setLabel(text, color=theme.muted)
        self._legend.setLabelTextColor(theme.text)


class LineChart(Chart):
    """Lines by name over a common x axis; points are added as they come. Without points it says `empty`."""

    def __init__(self, title: str, x: str, y: str, *, empty: str, log_x: bool = False) -> None:
        super().__init__(title, x, y)
        self._empty = label(empty, "muted", wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumHeight(LEAST)
        middle = QVBoxLayout(self)
        middle.addWidget(self._empty)
        self._points: dict[str, tuple[list[float], list[float]]] = {}
        self._lines: dict[str, pg.PlotDataItem] = {}
        self._symbols = log_x
        self.setLogMode(x=log_x, y=False)
        self._show_axes(False)

    def add(self, name: str, points: Sequence[tuple[float, float]]) -> None:
        """Add points to a line; the line appears with its first point."""
        if not self._lines:
            self._show_axes(True)
        if name not in self._lines:
            colour = SERIES[len(self._lines) % len(SERIES)]
            marks = {"symbol": "o", "symbolSize": 5, "symbolBrush": colour, "symbolPen": None} if self._symbols else {}
            self._points[name] = ([], [])
            self._lines[name] = self.plot(pen=pg.mkPen(colour, width=2), name=name, **marks)
        xs, ys = self._points[name]
        xs += [x for x, _ in points]
        ys += [y for _, y in points]
        self._lines[name].setData(xs, ys)

    def reset(self) -> None:
        """Take all lines away."""
        for line in self._lines.values():
            self.removeItem(line)
        self._points, self._lines = {}, {}
        self._show_axes(False)

    def _show_axes(self, shown: bool) -> None:
        self._empty.setVisible(not shown)
        for side in self._labels:
            self.getPlotItem().showAxis(side, shown)
