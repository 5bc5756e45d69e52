"""The confusion matrix: counts and row percentages; a click on a cell or a heading asks for its images."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.theme import current_theme

Cell = tuple[int | None, int | None]  # (true, predicted); None stands for any
LABEL_WIDTH, LABEL_HEIGHT, CAPTION, CELL_HEIGHT = 108, 24, 20, 62


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
        return QSize(340, CAPTION + LABEL_HEIGHT + CELL_HEIGHT * max(len(self._classes), 1) + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(LABEL_WIDTH + 60 * max(len(self._classes), 1), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        size = len(self._classes)
        painter.setPen(QColor(theme.muted))
        across = QRectF(LABEL_WIDTH, 0, self.width() - LABEL_WIDTH, CAPTION)
        painter.drawText(across, Qt.AlignmentFlag.AlignCenter, "Predicted")
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, CAPTION, LABEL_WIDTH - 8, LABEL_HEIGHT), left, "True")
        metrics = QFontMetricsF(painter.font())
        painter.setPen(QColor(theme.text))
        for number, name in enumerate(self._classes):
            heading = self._rect(None, number)
            short = metrics.elidedText(name, Qt.TextElideMode.ElideRight, heading.width() - 6)
            painter.drawText(heading, Qt.AlignmentFlag.AlignCenter, short)
            heading = self._rect(number, None)
            short = metrics.elidedText(name, Qt.TextElideMode.ElideRight, heading.width() - 8)
            painter.drawText(heading, left, short)
        for true in range(size):
            for predicted in range(size):
                self._paint_cell(painter, true, predicted, self._counts[true][predicted], self._total(true, predicted))

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
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and size and not self._waiting:
            self.select(None if self._cursor == self._chosen else self._cursor)
        elif key == Qt.Key.Key_Escape:
            self.select(None)
        else:
            super().keyPressEvent(event)

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

    def _total(self, true: int, predicted: int) -> int:
        if self._share_of == "row":
            return sum(self._counts[true])
        if self._share_of == "column":
            return sum(row[predicted] for row in self._counts)
        return sum(map(sum, self._counts))

    def _rect(self, true: int | None, predicted: int | None) -> QRectF:
        size = max(len(self._classes), 1)
        width = (self.width() - LABEL_WIDTH) / size
        top = CAPTION if true is None else CAPTION + LABEL_HEIGHT + true * CELL_HEIGHT
        left = 0.0 if predicted is None else LABEL_WIDTH + predicted * width
        height = LABEL_HEIGHT if true is None else CELL_HEIGHT
        return QRectF(left, top, LABEL_WIDTH if predicted is None else width, height)

    def _at(self, position: QPoint) -> Cell | None:
        size = len(self._classes)
        candidates: list[Cell] = [(true, predicted) for true in range(size) for predicted in range(size)]
        candidates += [(number, None) for number in range(size)] + [(None, number) for number in range(size)]
        return next((cell for cell in candidates if self._rect(*cell).contains(position.toPointF())), None)
