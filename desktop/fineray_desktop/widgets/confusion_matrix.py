"""The confusion matrix: counts and percentages; a click on a cell or a heading asks for its images.

In a scroll area it asks for the room of its classes, and its headings stay in sight.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QMoveEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolTip, QWidget

from fineray_desktop.theme import current_theme
from fineray_desktop.widgets.eliding import WRAPPED, fitted

Cell = tuple[int | None, int | None]  # (true, predicted); None stands for any
CAPTION, GAP = 20, 8
LEAST_LABEL, MOST_LABEL, LEAST_CELL = 64, 150, 58  # points of width
FEW = 5  # classes; of more the cells are lower


class ConfusionMatrix(QWidget):
    """Rows are true classes, columns predicted ones. Arrow keys move, Enter selects, Escape selects nothing."""

    selected = Signal(object)  # Cell, or None for no selection

    def __init__(self) -> None:
        super().__init__()
        self._classes: tuple[str, ...] = ()
        self._counts: tuple[tuple[int, ...], ...] = ()
        self._chosen: Cell | None = None
        self._cursor = (0, 0)
        self._share_of = "row"
        self._waiting = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Confusion matrix")

    def set_matrix(self, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Show this matrix; what is selected stays so while the classes are the same."""
        if self._classes != tuple(classes):
            self._chosen, self._cursor = None, (0, 0)
        self._classes, self._counts = tuple(classes), tuple(tuple(row) for row in counts)
        lines = (f"true {name}: {', '.join(map(str, row))}" for name, row in zip(classes, counts, strict=True))
        self.setAccessibleDescription("; ".join(lines))
        self.updateGeometry()
        self.update()

    def wait(self, on: bool) -> None:
        """Other counts are being worked out: these are not to be chosen from."""
        self._waiting = on
        if on:
            self.setAccessibleDescription("Being worked out")

    def set_shares(self, of: str) -> None:
        """Percentages of the `row`, the `column`, or of `all`."""
        self._share_of = of
        self.update()

    def select(self, cell: Cell | None) -> None:
        """Mark a cell, a row (true, None), a column (None, predicted), or nothing, and tell it."""
        self._chosen = cell
        self.update()
        self.selected.emit(cell)

    @property
    def chosen(self) -> Cell | None:
        """What is selected."""
        return self._chosen

    def cell_center(self, true: int, predicted: int) -> QPoint:
        """The middle of a cell in widget coordinates."""
        return self._rect(true, predicted).center().toPoint()

    def sizeHint(self) -> QSize:
        return QSize(340, self._top + self._cell_height * max(len(self._classes), 1) + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._label_width + LEAST_CELL * max(len(self._classes), 1), self.sizeHint().height())

    def headings(self) -> tuple[dict[str, str], dict[str, str]]:
        """Class -> what its row's and its column's heading reads; the tooltip says the rest."""
        metrics = QFontMetrics(self._heading_font)
        rows = fitted(self._classes, metrics, self._label_width - GAP, self._cell_height - 4)
        return rows, fitted(self._classes, metrics, self._cell_width - 4, self._label_height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        size = len(self._classes)
        for true in range(size):
            for predicted in range(size):
                self._paint_cell(painter, true, predicted, self._counts[true][predicted], self._total(true, predicted))
        self._paint_headings(painter)

    def moveEvent(self, _event: QMoveEvent) -> None:
        self.update()  # it was scrolled: the headings stand elsewhere in it

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._at(event.position().toPoint())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton and not self._waiting:
            self._cursor = (cell[0] or 0, cell[1] or 0)
            self.select(None if cell == self._chosen else cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        cell = self._at(event.position().toPoint())
        self.setCursor(Qt.CursorShape.PointingHandCursor if cell else Qt.CursorShape.ArrowCursor)
        if cell is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), f"List the images: {self.describe(cell)}", self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        key, size = Qt.Key(event.key()), len(self._classes)
        if key in moves and size:
            down, right = moves[key]
            self._cursor = (
                min(max(self._cursor[0] + down, 0), size - 1),
                min(max(self._cursor[1] + right, 0), size - 1),
            )
            self._show_cursor()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and size and not self._waiting:
            self.select(None if self._cursor == self._chosen else self._cursor)
        elif key == Qt.Key.Key_Escape:
            self.select(None)
        else:
            super().keyPressEvent(event)

    def _show_cursor(self) -> None:
        """Scroll to the cell that the keys stand on."""
        self.update()
        if self._scrolls:
            area, cell = self.parentWidget().parentWidget(), self._rect(*self._cursor)
            beside, below = cell.left() - self._label_width, cell.top() - self._top
            area.ensureVisible(int(beside), int(below), 4, 4)  # type: ignore[attr-defined]
            area.ensureVisible(int(cell.right()), int(cell.bottom()), 4, 4)  # type: ignore[attr-defined]

    def describe(self, cell: Cell) -> str:
        """A cell, row or column in words."""
        true, predicted = cell
        parts = []
        if true is not None:
            parts.append(f"truly {self._classes[true]}")
        if predicted is not None:
            parts.append(f"predicted {self._classes[predicted]}")
        return ", ".join(parts)

    def _paint_cell(self, painter: QPainter, true: int, predicted: int, count: int, total: int) -> None:
        theme = current_theme()
        share = count / total if total else 0.0
        box = self._rect(true, predicted).adjusted(1.5, 1.5, -1.5, -1.5)
        fill = QColor(theme.accent if true == predicted else "#d55e00")
        fill.setAlphaF(0.10 + 0.45 * share)
        chosen = self._chosen is not None and all(
            wanted in (None, number) for wanted, number in zip(self._chosen, (true, predicted), strict=True)
        )
        painter.setBrush(fill)
        painter.setPen(QPen(QColor(theme.text), 2) if chosen else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(box, 5, 5)
        if self.hasFocus() and self._cursor == (true, predicted):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.accent), 1.5, Qt.PenStyle.DotLine))
            painter.drawRoundedRect(box.adjusted(3, 3, -3, -3), 4, 4)
        painter.setPen(QColor(theme.text))
        plain = painter.font()
        large = QFont(plain)
        large.setPointSizeF(plain.pointSizeF() * 1.5)
        large.setBold(True)
        painter.setFont(large)
        upper = QRectF(box.left(), box.top() + 6, box.width(), box.height() * 0.52)
        painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, f"{count:,}")
        painter.setFont(plain)
        lower = QRectF(box.left(), box.top() + box.height() * 0.56, box.width(), box.height() * 0.36)
        painter.drawText(
            lower,
            Qt.AlignmentFlag.AlignCenter,
            f"{share:.0%} of {self._share_of}" if box.width() > 100 else f"{share:.0%}",
        )

    def _paint_headings(self, painter: QPainter) -> None:
        """Over the cells that were scrolled below them."""
        theme, (rows, columns) = current_theme(), self.headings()
        aside, above = QPointF(self._aside), QPointF(self._above)
        corner = QRectF(0, 0, self._label_width, self._top).translated(aside + above)
        left = int(WRAPPED | Qt.AlignmentFlag.AlignLeft)
        painter.setFont(self._heading_font)
        painter.setPen(QColor(theme.text))
        for number, name in enumerate(self._classes):
            box = self._rect(number, None)
            painter.fillRect(box, QColor(theme.surface))
            painter.drawText(box.adjusted(0, 2, -GAP, -2), left, rows[name])
        painter.fillRect(QRectF(0, above.y(), self.width(), self._top), QColor(theme.surface))
        for number, name in enumerate(self._classes):
            box = self._rect(None, number).adjusted(2, 0, -2, 0)
            painter.drawText(box, int(WRAPPED | Qt.AlignmentFlag.AlignHCenter), columns[name])
        painter.fillRect(corner, QColor(theme.surface))
        painter.setFont(self.font())
        painter.setPen(QColor(theme.muted))
        across = self.visibleRegion().boundingRect()
        across.setLeft(int(corner.right()))
        across.setTop(int(above.y()))
        across.setHeight(CAPTION)
        painter.drawText(across, Qt.AlignmentFlag.AlignCenter, "Predicted")
        painter.drawText(corner.adjusted(0, CAPTION, 0, 0), Qt.AlignmentFlag.AlignVCenter, "True")

    @property
    def _aside(self) -> QPoint:
        """By how much it was scrolled to the right."""
        return QPoint(max(-self.x(), 0) if self._scrolls else 0, 0)

    @property
    def _above(self) -> QPoint:
        """By how much it was scrolled down."""
        return QPoint(0, max(-self.y(), 0) if self._scrolls else 0)

    @property
    def _scrolls(self) -> bool:
        parent = self.parentWidget()
        return parent is not None and isinstance(parent.parentWidget(), QScrollArea)

    @property
    def _heading_font(self) -> QFont:
        smaller = QFont(self.font())
        smaller.setPointSizeF(smaller.pointSizeF() * 0.92)
        return smaller

    @property
    def _in_sight(self) -> int:
        return self.parentWidget().width() if self._scrolls else self.width()

    @property
    def _label_width(self) -> int:
        """Wide enough for the longest name on one line, within limits that leave most of the room to the cells."""
        metrics = QFontMetrics(self._heading_font)
        longest = max((metrics.horizontalAdvance(name) for name in self._classes), default=0) + GAP
        most = min(max(int(0.3 * self._in_sight), 92), MOST_LABEL)
        return min(max(longest, LEAST_LABEL), most)

    @property
    def _cell_width(self) -> float:
        return (self.width() - self._label_width) / max(len(self._classes), 1)

    @property
    def _cell_height(self) -> int:
        return 62 if len(self._classes) <= FEW else 50

    @property
    def _label_height(self) -> int:
        """One line, or three where names are longer than their column."""
        metrics = QFontMetrics(self._heading_font)
        longest = max((metrics.horizontalAdvance(name) for name in self._classes), default=0)
        return 24 if longest <= self._cell_width - 4 else 3 * metrics.lineSpacing() + 4

    @property
    def _top(self) -> int:
        return CAPTION + self._label_height

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def _total(self, true: int, predicted: int) -> int:
        if self._share_of == "row":
            return sum(self._counts[true])
        if self._share_of == "column":
            return sum(row[predicted] for row in self._counts)
        return sum(map(sum, self._counts))

    def _rect(self, true: int | None, predicted: int | None) -> QRectF:
        width = self._cell_width
        top = CAPTION + self._above.y() if true is None else self._top + true * self._cell_height
        left = float(self._aside.x()) if predicted is None else self._label_width + predicted * width
        height = self._label_height if true is None else self._cell_height
        return QRectF(left, top, self._label_width if predicted is None else width, height)

    def _at(self, position: QPoint) -> Cell | None:
        size = len(self._classes)
        candidates: list[Cell] = [(None, number) for number in range(size)] + [(number, None) for number in range(size)]
        candidates += [(true, predicted) for true in range(size) for predicted in range(size)]  # headings lie above
        return next((cell for cell in candidates if self._rect(*cell).contains(position.toPointF())), None)


class MatrixFrame(QScrollArea):
    """As high as the matrix while its classes are few; of many it scrolls both ways."""

    MOST = 400  # points of height

    def __init__(self, matrix: ConfusionMatrix) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidget(matrix)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def sizeHint(self) -> QSize:
        matrix = self.widget()
        if matrix is None:
            return super().sizeHint()
        wide = matrix.minimumSizeHint().width() > self.width()
        bar = self.horizontalScrollBar().sizeHint().height() if wide else 0
        return QSize(matrix.sizeHint().width(), min(matrix.sizeHint().height() + bar, self.MOST))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.widget() and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
