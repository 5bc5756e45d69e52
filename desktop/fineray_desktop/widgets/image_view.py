"""An X-ray on the screen: window and level by dragging, zoom, pan, turn, invert, measure, magnify, an overlay."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QVBoxLayout, QWidget

from fineray.dicom.radiograph import GrayImage, Window
from fineray.dicom.shades import shades_8bit
from fineray_desktop.keys import (
    IMAGE,
    PRESETS_BY_NUMBER,
    STEPS,
    in_a_line,
)
from fineray_desktop.widgets.basics import button, label
from fineray_desktop.widgets.eliding import CutLabel
from fineray_desktop.widgets.image_tools import Lens, Ruler, colours

MOUSE = "Drag: window and level · Right or middle drag: pan · Wheel: zoom"
PRESETS = ("As in the file", "Full range", "More contrast", "Less contrast")
ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
OTHERS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class _View(pg.ViewBox):
    """A view box in which the left button is for window and level."""

    def __init__(self, owner: ImageView) -> None:
        super().__init__(lockAspect=True, invertY=True, enableMenu=False)
        self._owner = owner
        self.setMouseMode(pg.ViewBox.PanMode)

    def mouseDragEvent(self, ev: object, _axis: int | None = None) -> None:
        if ev.button() == Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            ev.accept()  # type: ignore[attr-defined]
            self._owner.drag(ev.screenPos() - ev.lastScreenPos())  # type: ignore[attr-defined]
            return
        # Right drag would zoom in pyqtgraph; on a viewer it pans, like the middle button.
        ev.accept()  # type: ignore[attr-defined]
        moved = self.mapToView(ev.pos()) - self.mapToView(ev.lastPos())  # type: ignore[attr-defined]
        self.translateBy(x=-moved.x(), y=-moved.y())


class Note(QLabel):
    """A line below an image that takes no room while it says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "muted")
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.hide()

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setVisible(bool(text))

    def clear(self) -> None:
        self.setText("")


class ImageView(QWidget):
    """Shows one GrayImage. Values keep their full depth until each shade is worked out."""

    step = Signal(int)  # +1 next, -1 previous

    def __init__(self, *, digits: bool = True) -> None:
        """digits: keys 1 to 4 choose windows; else they are left to what the image stands in."""
        super().__init__()
        self._digits, self._alone = digits, False
        self._keys = self._actions()
        self._preset = 1
        self._pointer: QPointF | None = None  # on the canvas; None where it is elsewhere
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Image view")
        self._gray: GrayImage | None = None
        self._spacing: tuple[float, float] | None = None
        self._evidence: NDArray[np.float32] | None = None
        self._painted = ("orange", 0.5)  # colours and opacity of what lies over the image
        self._shades: NDArray[np.uint8] = np.zeros((1, 1), np.uint8)
        self._size = (1.0, 1.0)
        self.window_level: Window | None = None
        self.inverted = False
        self.turns, self.mirrored = 0, False
        self._canvas = pg.GraphicsView(background="#000000")
        self._canvas.setMinimumSize(220, 96)
        self._canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view = _View(self)
        self._canvas.setCentralItem(self._view)
        self._item = pg.ImageItem(axisOrder="row-major")
        self._overlay = pg.ImageItem(axisOrder="row-major")
        self._overlay.setZValue(5)
        self._overlay.hide()
        for each in (self._item, self._overlay):
            self._view.addItem(each)
        self.ruler = Ruler(self._view)
        self.lens = Lens(self._canvas)
        self._canvas.scene().sigMouseMoved.connect(self._pointed)
        self.title = CutLabel("", "heading", Qt.TextElideMode.ElideMiddle)
        self.note = Note()
        self._values = label(role="muted")
        self._lay_out()
        self.clear("Choose a prediction to see its image.")

    def _lay_out(self) -> None:
        self.previous_button = button("←", "small", tip="Previous image (left arrow)")
        self.next_button = button("→", "small", tip="Next image (right arrow)")
        self.previous_button.setAccessibleName("Previous image")
        self.next_button.setAccessibleName("Next image")
        self.window_button = button(" Window", "menu", "")
        by_digit = "keys 1 to 4, W the next" if self._digits else "W the next"
        self.window_button.setToolTip(f"Windows ({by_digit}), or drag over the image")
        self.tools_button = button(" Tools", "menu", "Turn, mirror, measure, magnify, reset")
        for each, width in (
            (self.previous_button, 34),
            (self.next_button, 34),
            (self.window_button, 102),
            (self.tools_button, 84),
        ):
            each.setMinimumWidth(width)
        windows = QMenu(self)
        for number, name in enumerate(PRESETS, start=1):
            key = f"\t{number}" if self._digits else ""
            windows.addAction(f"{name}{key}", lambda number=number: self.preset(number))
        self.window_button.setMenu(windows)
        tools = QMenu(self)
        for text, act in (
            ("Invert\tI", self.invert),
            ("Turn by 90°\tT", self.turn),
            ("Mirror\tH", self.mirror),
            ("Fit\tF", self.fit),
            ("One to one\tZ", self.one_to_one),
            ("Ruler\tL", self.toggle_ruler),
            ("Magnifier\tM", self.toggle_lens),
            ("Reset\tR", self.reset),
        ):
            tools.addAction(text, act)
        self.tools_button.setMenu(tools)
        self.previous_button.clicked.connect(lambda: self.step.emit(-1))
        self.next_button.clicked.connect(lambda: self.step.emit(1))
        top = QHBoxLayout()
        for each in (self.previous_button, self.next_button, self.window_button, self.tools_button):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            top.addWidget(each)
        top.insertStretch(2, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(self.title)
        layout.addWidget(self._canvas, 1)
        layout.addWidget(self._values, alignment=Qt.AlignmentFlag.AlignRight)
        layout.addWidget(self.note)
        self._canvas.installEventFilter(self)
        self._say_keys()

    def stand_alone(self) -> None:
        """Show no buttons for images before and after: there are none."""
        self._alone = True
        self.previous_button.hide()
        self.next_button.hide()
        self._say_keys()

    def listen_to(self, listing: QWidget) -> None:
        """The image's keys work in this list of images too; the arrows move in it."""
        listing.installEventFilter(self)

    def _say_keys(self) -> None:
        more = (*((PRESETS_BY_NUMBER,) if self._digits else ()), *(() if self._alone else (STEPS,)))
        self._canvas.setToolTip(f"{MOUSE}\n{in_a_line(IMAGE)}" + (f"\n{in_a_line(more)}" if more else ""))

    @property
    def canvas_box(self) -> pg.ViewBox:
        """Where marks on the image are drawn, in its own coordinates."""
        return self._view

    @property
    def shown_size(self) -> tuple[float, float]:
        """(width, height) of the image in those coordinates."""
        return self._size

    @property
    def gray(self) -> GrayImage | None:
        """The image on show."""
        return self._gray

    @property
    def evidence(self) -> NDArray[np.float32] | None:
        """What lies over the image."""
        return self._evidence

    def show_image(
        self, gray: GrayImage, *, keep_view: bool = False, spacing: tuple[float, float] | None = None
    ) -> None:
        """Show an image with its own window; `keep_view` keeps window, turn, zoom and overlay (the same image, better
        pixels)."""
        stated = self._gray.window if self._gray is not None else None
        self._gray, self._spacing = gray, spacing
        if not keep_view:
            self.window_level, self.inverted, self.turns, self.mirrored = gray.window, False, 0, False
            self._preset = 1
            self.show_overlay(None)
            self.ruler.put_away()
        elif stated != gray.window:
            self.window_level = gray.window  # the full depth counts in other units than the stored shades
        self._draw()
        if not keep_view:
            self.fit()

    def show_overlay(self, evidence: NDArray[np.float32] | None, scale: str = "orange", opacity: float = 0.5) -> None:
        """Lay evidence [rows, columns] over the whole image, or take it away."""
        self._evidence, self._painted = evidence, (scale, opacity)
        self._overlay.setVisible(evidence is not None)
        if evidence is not None:
            self._overlay.setImage(self._turned(colours(evidence, scale)), autoLevels=False, levels=(0, 255))
            self._overlay.setOpacity(opacity)
            self._overlay.setRect(0, 0, *self._size)

    def clear(self, text: str) -> None:
        """Show no image but a text."""
        self._gray = None
        self._item.clear()
        self.show_overlay(None)
        self.ruler.put_away()
        self.lens.hide()
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

    def preset(self, number: int) -> None:
        """One of PRESETS, from 1."""
        if self._gray is None or self.window_level is None:
            return
        self._preset = number
        stated = self._gray.window
        low, high = float(self._gray.table.min()), float(self._gray.table.max())
        self.window_level = {
            1: stated,
            2: Window((low + high) / 2, max(high - low, 1.0), "LINEAR_EXACT"),
            3: replace(stated, width=max(stated.width * 0.6, 1.0)),
            4: replace(stated, width=stated.width * 1.6),
        }[number]
        self._draw()

    def invert(self) -> None:
        """Swap black and white."""
        if self._gray is not None:
            self.inverted = not self.inverted
            self._draw()

    def turn(self) -> None:
        """By 90 degrees clockwise."""
        self.turns = (self.turns + 1) % 4
        self._redraw()

    def mirror(self) -> None:
        """Left and right change places; the note says so, since laterality is then another."""
        self.mirrored = not self.mirrored
        self._redraw()

    def reset(self) -> None:
        """Window, polarity, turn, zoom and place as the file states them; the magnifier goes away."""
        self.lens.wanted = False
        if self._gray is not None:
            self._preset = 1
            self.window_level, self.inverted, self.turns, self.mirrored = self._gray.window, False, 0, False
            self._redraw()

    def one_to_one(self) -> None:
        """One pixel of the image is one of the screen, around the middle of what is shown."""
        if self._gray is not None:
            center, box = self._view.viewRect().center(), self._view.rect()
            ratio = self._canvas.devicePixelRatioF()
            half = box.width() * ratio / 2, box.height() * ratio / 2
            x, y = (center.x() - half[0], center.x() + half[0]), (center.y() - half[1], center.y() + half[1])
            self._view.setRange(xRange=x, yRange=y, padding=0)

    def toggle_ruler(self) -> None:
        """Put the ruler on the image, or away."""
        if self.ruler.shown:
            self.ruler.put_away()
        elif self._gray is not None:
            self.ruler.put_on(self._size, self._spacing[1] if self._spacing else None)

    def toggle_lens(self) -> None:
        """Show what is under the mouse three times as large, or no more."""
        self.lens.wanted = not self.lens.wanted
        self._look()

    def fit(self) -> None:
        """Show the whole image."""
        self._view.setRange(xRange=(0, self._size[0]), yRange=(0, self._size[1]), padding=0.01)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._take(event):
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the lists that it listens to; the pointer that leaves the canvas."""
        if watched is self._canvas:
            if event.type() == QEvent.Type.Leave:
                self._pointer = None
                self.lens.hide()
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() not in ARROWS:
            return self._take(event)
        return super().eventFilter(watched, event)

    def _take(self, event: QKeyEvent) -> bool:
        """Do what a key says; whether it says anything here. With Ctrl, Alt or Meta it is another's."""
        if event.modifiers() & OTHERS:
            return False
        key = event.key()  # a number, also of keys that Qt has no name for
        if self._digits and Qt.Key.Key_1 <= key <= Qt.Key.Key_4:
            self.preset(key - Qt.Key.Key_0)
        elif key in self._keys:
            self._keys[key]()
        else:
            return False
        return True

    def _actions(self) -> dict[int, Callable[[], object]]:
        """What each key does."""
        key = Qt.Key
        return {
            **dict.fromkeys((key.Key_Right, key.Key_Down, key.Key_N), lambda: self.step.emit(1)),
            **dict.fromkeys((key.Key_Left, key.Key_Up, key.Key_P), lambda: self.step.emit(-1)),
            key.Key_I: self.invert,
            key.Key_R: self.reset,
            key.Key_F: self.fit,
            key.Key_Z: self.one_to_one,
            key.Key_T: self.turn,
            key.Key_H: self.mirror,
            key.Key_M: self.toggle_lens,
            key.Key_L: self.toggle_ruler,
            key.Key_W: lambda: self.preset(self._preset % len(PRESETS) + 1),
            **dict.fromkeys((key.Key_Plus, key.Key_Equal), lambda: self._view.scaleBy((0.8, 0.8))),
            key.Key_Minus: lambda: self._view.scaleBy((1.25, 1.25)),
        }

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._gray is not None:
            self.fit()

    @property
    def _shown_inverted(self) -> bool:
        return self._gray is not None and self._gray.inverted != self.inverted

    def _redraw(self) -> None:
        if self._gray is not None:
            self._draw()
            self.show_overlay(self._evidence, *self._painted)
            self.fit()

    def _turned(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        turned = np.rot90(pixels, -self.turns)
        return np.ascontiguousarray(turned[:, ::-1] if self.mirrored else turned)

    def _draw(self) -> None:
        assert self._gray is not None and self.window_level is not None
        shown = replace(self._gray, inverted=self._shown_inverted)
        self._shades = self._turned(shades_8bit(shown, self.window_level))
        rows, columns = self._shades.shape
        tall = self._spacing[0] / self._spacing[1] if self._spacing else 1.0
        self._size = (columns, rows * tall) if self.turns % 2 == 0 else (columns * tall, rows)
        self._item.setImage(self._shades, autoLevels=False, levels=(0, 255))
        self._item.setRect(0, 0, *self._size)
        if self._evidence is not None:
            self._overlay.setRect(0, 0, *self._size)
        mirrored = "mirrored  " if self.mirrored else ""
        self._values.setText(f"{mirrored}L {self.window_level.center:,.0f}  W {self.window_level.width:,.0f}")
        self._look()

    def _pointed(self, place: QPointF) -> None:
        self._pointer = place
        self._look()

    def _look(self) -> None:
        """Let the magnifier show what is under the pointer now."""
        if not self.lens.wanted or self._gray is None or self._pointer is None:
            self.lens.hide()
            return
        at = self._view.mapSceneToView(self._pointer)
        rows, columns = self._shades.shape
        row, column = at.y() / self._size[1] * rows, at.x() / self._size[0] * columns
        self.lens.look(self._shades, math.floor(row), math.floor(column), self._pointer.toPoint())
