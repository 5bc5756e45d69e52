"""An X-ray on the screen: window/level by dragging, zoom, pan, invert, reset, next and previous."""

from __future__ import annotations

from dataclasses import replace

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.dicom.radiograph import GrayImage, Window
from core.dicom.shades import shades_8bit
from desktop.widgets.basics import button, label

HINT = "Drag: window and level · Right or middle drag: pan · Wheel: zoom · I invert · R reset · ← → previous and next"


class _View(pg.ViewBox):
    """A view box in which the left button is for window and level."""

    def __init__(self, owner: ImageView) -> None:
        super().__init__(lockAspect=True, invertY=True, enableMenu=False)
        self._owner = owner
        self.setMouseMode(pg.ViewBox.PanMode)

    def mouseDragEvent(self, ev: object, axis: int | None = None) -> None:
        if ev.button() == Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            ev.accept()  # type: ignore[attr-defined]
            self._owner.drag(ev.screenPos() - ev.lastScreenPos())  # type: ignore[attr-defined]
            return
        # Right drag would zoom in pyqtgraph; on a viewer it pans, like the middle button.
        ev.accept()  # type: ignore[attr-defined]
        moved = self.mapToView(ev.pos()) - self.mapToView(ev.lastPos())  # type: ignore[attr-defined]
        self.translateBy(x=-moved.x(), y=-moved.y())


class ImageView(QWidget):
    """Shows one GrayImage. Values keep their full depth until each shade is worked out."""

    step = Signal(int)  # +1 next, -1 previous

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Image view")
        self._gray: GrayImage | None = None
        self.window_level: Window | None = None
        self.inverted = False
        self._canvas = pg.GraphicsView(background="#000000")
        self._canvas.setMinimumSize(240, 200)
        self._canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view = _View(self)
        self._canvas.setCentralItem(self._view)
        self._item = pg.ImageItem(axisOrder="row-major")
        self._view.addItem(self._item)
        self.title = label(role="heading")
        self.note = label(role="muted", wrap=True)
        self._values = label(role="muted")
        self.invert_button = button("Invert", tip="Black and white change places (I)")
        self.reset_button = button("Reset", tip="Window, level and zoom as at first (R)")
        self.previous_button = button("←", tip="Previous image (left arrow)")
        self.next_button = button("→", tip="Next image (right arrow)")
        self.previous_button.setAccessibleName("Previous image")
        self.next_button.setAccessibleName("Next image")
        self.invert_button.clicked.connect(self.invert)
        self.reset_button.clicked.connect(self.reset)
        self.previous_button.clicked.connect(lambda: self.step.emit(-1))
        self.next_button.clicked.connect(lambda: self.step.emit(1))
        for each in (self.invert_button, self.reset_button, self.previous_button, self.next_button):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.title.setWordWrap(True)
        top = QHBoxLayout()
        top.addWidget(self.previous_button)
        top.addWidget(self.next_button)
        top.addStretch(1)
        top.addWidget(self.invert_button)
        top.addWidget(self.reset_button)
        foot = QHBoxLayout()
        foot.addWidget(self.note, 1)
        foot.addWidget(self._values)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(self.title)
        layout.addWidget(self._canvas, 1)
        layout.addLayout(foot)
        self._canvas.setToolTip(HINT)
        self.clear("Choose a prediction to see its image.")

    @property
    def canvas_box(self) -> pg.ViewBox:
        """Where marks on the film are drawn, in its own coordinates."""
        return self._view

    @property
    def shown_size(self) -> tuple[float, float]:
        """(width, height) of the film in those coordinates."""
        return self._size

    @property
    def gray(self) -> GrayImage | None:
        """The image on show."""
        return self._gray

    def show_image(
        self, gray: GrayImage, *, keep_view: bool = False, spacing: tuple[float, float] | None = None
    ) -> None:
        """Show an image with its own window; `keep_view` keeps zoom and place (the same image, better pixels)."""
        self._gray, self.window_level, self.inverted = gray, gray.window, False
        rows, columns = gray.index.shape
        tall = rows * (spacing[0] / spacing[1]) if spacing else rows
        scale = tall / rows
        self._draw()
        self._item.setRect(0, 0, columns, rows * scale)
        self._size = (columns, rows * scale)
        if not keep_view:
            self._fit()

    def clear(self, text: str) -> None:
        """Show no image but a text."""
        self._gray = None
        self._item.clear()
        self.title.setText("")
        self.note.setText(text)
        self._values.setText("")

    def drag(self, moved: QPointF) -> None:
        """Window and level after a drag: right widens the window, down darkens, as in most viewers."""
        if self._gray is None or self.window_level is None:
            return
        step = max(self._gray.window.width, 1.0) / 400
        width = max(self.window_level.width + moved.x() * step, step)
        darker = 1 if not self._shown_inverted else -1
        center = self.window_level.center + moved.y() * step * darker
        self.window_level = replace(self.window_level, center=center, width=width)
        self._draw()

    def invert(self) -> None:
        """Swap black and white."""
        if self._gray is not None:
            self.inverted = not self.inverted
            self._draw()

    def reset(self) -> None:
        """Window, polarity, zoom and place as the file states them."""
        if self._gray is not None:
            self.window_level, self.inverted = self._gray.window, False
            self._draw()
            self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Right | Qt.Key.Key_Down | Qt.Key.Key_N:
                self.step.emit(1)
            case Qt.Key.Key_Left | Qt.Key.Key_Up | Qt.Key.Key_P:
                self.step.emit(-1)
            case Qt.Key.Key_I:
                self.invert()
            case Qt.Key.Key_R:
                self.reset()
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self._view.scaleBy((0.8, 0.8))
            case Qt.Key.Key_Minus:
                self._view.scaleBy((1.25, 1.25))
            case _:
                super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._gray is not None:
            self._fit()

    @property
    def _shown_inverted(self) -> bool:
        return self._gray is not None and self._gray.inverted != self.inverted

    def _fit(self) -> None:
        self._view.setRange(xRange=(0, self._size[0]), yRange=(0, self._size[1]), padding=0.01)

    def _draw(self) -> None:
        assert self._gray is not None and self.window_level is not None
        shown = replace(self._gray, inverted=self._shown_inverted)
        self._item.setImage(shades_8bit(shown, self.window_level), autoLevels=False, levels=(0, 255))
        self._values.setText(f"L {self.window_level.center:,.0f}  W {self.window_level.width:,.0f}")
