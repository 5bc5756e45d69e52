"""The thumbnail wall: the rows of a picture table as tiles, with the table's own selection."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea

from fineray_desktop.models.images_model import ImagesModel
from fineray_desktop.theme import current_theme
from fineray_desktop.widgets.eliding import cut_apart

GAP, CAPTION = 8, 34
MOVES = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
FLAGS = QItemSelectionModel.SelectionFlag


class ThumbnailWall(QAbstractScrollArea):
    """Paints only the tiles in sight, so that its speed does not depend on how many there are.

    Click, Ctrl and Shift select as in a table; arrows, Page, Home and End move; Ctrl+A selects all.
    """

    activated = Signal(int)  # row on show, by a double click or Enter

    def __init__(self, table: ImagesModel, selection: QItemSelectionModel, side: int) -> None:
        super().__init__()
        self._table, self._selection, self._side = table, selection, side
        self._anchor = 0
        self.setProperty("role", "wall")
        self.setAccessibleName("Thumbnails of the images")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.modelReset.connect(self._measure)
        table.layoutChanged.connect(self.viewport().update)
        table.dataChanged.connect(self.viewport().update)
        table.thumbnails.ready.connect(self.viewport().update)
        selection.selectionChanged.connect(self.viewport().update)
        selection.currentChanged.connect(self._current_changed)

    @property
    def columns(self) -> int:
        """Tiles side by side."""
        return max(1, (self.viewport().width() - GAP) // (self._side + GAP))

    def tile(self, row: int) -> QRect:
        """Where a row on show lies in the viewport."""
        line, column = divmod(row, self.columns)
        left = GAP + column * (self._side + GAP)
        return QRect(left, GAP + line * self._step - self.verticalScrollBar().value(), self._side, self._side + CAPTION)

    def row_at(self, place: QPoint) -> int | None:
        """The row on show at a place of the viewport, or None."""
        line = (place.y() + self.verticalScrollBar().value() - GAP) // self._step
        column = (place.x() - GAP) // (self._side + GAP)
        row: int = line * self.columns + column
        inside = 0 <= column < self.columns and 0 <= row < self._table.rowCount()
        return row if inside and self.tile(row).contains(place) else None

    def show_row(self, row: int) -> None:
        """Scroll until the row is in sight."""
        bar, tile = self.verticalScrollBar(), self.tile(row)
        if tile.top() < GAP:
            bar.setValue(bar.value() + tile.top() - GAP)
        elif tile.bottom() > self.viewport().height():
            bar.setValue(bar.value() + tile.bottom() - self.viewport().height() + GAP)

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        theme = current_theme()
        painter.fillRect(event.rect(), QColor(theme.surface))
        top = self.verticalScrollBar().value()
        first = max(0, (top - GAP) // self._step) * self.columns
        last = min(self._table.rowCount(), ((top + self.viewport().height()) // self._step + 1) * self.columns)
        current = self._selection.currentIndex().row() if self.hasFocus() else -1
        metrics = QFontMetrics(self.font())
        shown = cut_apart((self._caption(row) for row in range(first, last)), metrics, self._side)
        for row in range(first, last):
            box = self.tile(row)
            selected = self._selection.isRowSelected(row)
            if selected:
                painter.fillRect(box.adjusted(-4, -4, 4, 2), QColor(theme.selection))
            picture = QRect(box.left(), box.top(), self._side, self._side)
            painter.fillRect(picture, QColor("#000000"))
            icon = self._table.thumbnails.get(self._table.image(row), self._table.place(row))
            if icon is not None:
                icon.paint(painter, picture)
            image = self._table.row(row)
            out = "left out" if image.left_out else "sealed" if image.sealed else ""
            lines = (
                (shown[self._caption(row)], theme.text),
                (" · ".join(filter(None, (image.patient, image.view_position, out))), theme.muted),
            )
            for number, (text, colour) in enumerate(lines):
                place = QRect(box.left(), picture.bottom() + 2 + number * 16, self._side, 16)
                painter.setPen(QColor(colour))
                text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, self._side)
                painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
            if row == current:
                painter.setPen(QPen(QColor(theme.accent), 2))
                painter.drawRect(picture.adjusted(0, 0, -1, -1))
        painter.end()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        row = self.row_at(QPoint(GAP + 1, GAP + 1))
        self._measure()
        if row is not None:
            self.verticalScrollBar().setValue(row // self.columns * self._step)

    def wheelEvent(self, event: QWheelEvent) -> None:
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() - event.angleDelta().y() * self._step // 240)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if row is None:
            self._selection.clearSelection()
            return
        self._choose(row, event.modifiers())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position().toPoint())
        if row is not None:
            self.activated.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        rows = self._table.rowCount()
        key, current = Qt.Key(event.key()), max(self._selection.currentIndex().row(), 0)
        page = max(1, self.viewport().height() // self._step) * self.columns
        jumps = {
            Qt.Key.Key_PageUp: current - page,
            Qt.Key.Key_PageDown: current + page,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: rows - 1,
        }
        if key == Qt.Key.Key_A and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._select(0, rows - 1, FLAGS.ClearAndSelect)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and rows:
            self.activated.emit(current)
        elif (key in MOVES or key in jumps) and rows:
            right, down = MOVES.get(key, (0, 0))
            target = jumps.get(key, current + right + down * self.columns)
            self._choose(min(max(target, 0), rows - 1), event.modifiers())
        else:
            super().keyPressEvent(event)

    def _caption(self, row: int) -> str:
        """The label of a row on show, and what another reader calls it where that differs."""
        image = self._table.row(row)
        label = image.label or "no label"
        return label if not image.other or image.other == image.label else f"{label} | {image.other}"

    @property
    def _step(self) -> int:
        return self._side + CAPTION + GAP

    def _choose(self, row: int, modifiers: Qt.KeyboardModifier) -> None:
        self._selection.setCurrentIndex(self._table.index(row, 0), FLAGS.NoUpdate)
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._select(min(self._anchor, row), max(self._anchor, row), FLAGS.ClearAndSelect)
            return
        self._anchor = row
        control = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        self._select(row, row, FLAGS.Toggle if control else FLAGS.ClearAndSelect)

    def _select(self, first: int, last: int, flags: FLAGS) -> None:
        if last >= first:
            columns = self._table.columnCount() - 1
            self._selection.select(QItemSelection(self._table.index(first, 0), self._table.index(last, columns)), flags)

    def _current_changed(self) -> None:
        row = self._selection.currentIndex().row()
        if row >= 0 and self.isVisible():
            self.show_row(row)
        self.viewport().update()

    def _measure(self) -> None:
        lines = -(-self._table.rowCount() // self.columns)
        height = GAP + lines * self._step
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, height - self.viewport().height()))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self._step // 2)
        self.viewport().update()
