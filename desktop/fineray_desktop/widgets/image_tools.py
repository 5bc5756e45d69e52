"""What can be laid over an image: a ruler, a lens, and evidence in colour."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QLabel, QWidget

LENS, ENLARGED = 190, 3
APART = 18  # points between the pointer and the lens
ORANGE, BLUE = (230, 159, 0), (86, 180, 233)  # Okabe and Ito (2008)
SCALES = (("Orange", "orange"), ("For and against", "signed"), ("Heat", "heat"))


FINER = 8  # points that a cell of the evidence becomes on the screen


def enlarged(evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linearly between the middles of cells, so that no edge is seen that is not there."""
    rows, columns = evidence.shape
    y = (np.arange(rows * FINER) + 0.5) / FINER - 0.5
    x = (np.arange(columns * FINER) + 0.5) / FINER - 0.5
    across = np.stack([np.interp(x, np.arange(columns), line) for line in evidence])
    return np.stack([np.interp(y, np.arange(rows), line) for line in across.T], axis=1).astype(np.float32)


def colours(evidence: NDArray[np.float32], scale: str) -> NDArray[np.uint8]:
    """RGBA [8 rows, 8 columns, 4]: no evidence is clear, the strongest opaque, so that the image stays readable.

    `orange`: evidence for the class; `signed`: for it orange, against it blue; `heat`: for it, dark red to white.
    """
    evidence = enlarged(evidence)
    strongest = float(np.abs(evidence).max()) or 1.0
    share = evidence / strongest
    painted = np.zeros((*evidence.shape, 4), dtype=np.uint8)
    strength = np.abs(share) if scale == "signed" else np.maximum(share, 0)
    if scale == "heat":
        for channel, start in enumerate((0.0, 0.4, 0.75)):
            painted[..., channel] = np.clip((strength - start) / 0.4, 0, 1) * 255
    else:
        painted[..., :3] = ORANGE
        if scale == "signed":
            painted[share < 0, :3] = BLUE
    painted[..., 3] = np.clip(strength * 1.25, 0, 1) * 255
    return painted


class Ruler:
    """Two ends to drag and the distance between them, in millimetres where the file states its spacing."""

    def __init__(self, box: pg.ViewBox) -> None:
        self._box = box
        self._line: pg.LineSegmentROI | None = None
        self._text: pg.TextItem | None = None
        self._mm: float | None = None

    @property
    def shown(self) -> bool:
        """Whether it lies on the image."""
        return self._line is not None

    @property
    def text(self) -> str:
        """The distance as it is written."""
        return self._text.toPlainText() if self._text is not None else ""

    def put_on(self, size: tuple[float, float], mm: float | None) -> None:
        """Lay it across the middle of an image of that size; mm: of one unit, None where the file does not say."""
        width, height = size
        self._mm = mm
        ends = [[width * 0.35, height / 2], [width * 0.65, height / 2]]
        self._line = pg.LineSegmentROI(ends, pen=pg.mkPen("#e69f00", width=2))
        self._text = pg.TextItem(color="#e69f00", anchor=(0.5, 1.2), fill="#000000a0")
        for each in (self._line, self._text):
            each.setZValue(10)
            self._box.addItem(each)
        self._line.sigRegionChanged.connect(self._measure)
        self._measure()

    def put_away(self) -> None:
        """Take it off the image."""
        for each in (self._line, self._text):
            if each is not None:
                self._box.removeItem(each)
        self._line = self._text = None

    def _measure(self) -> None:
        assert self._line is not None and self._text is not None
        first, second = (self._line.mapToParent(handle["pos"]) for handle in self._line.handles)
        length = math.hypot(second.x() - first.x(), second.y() - first.y())
        known = f"{length * self._mm:.1f} mm" if self._mm else f"{length:.0f} pixels (no spacing in the file)"
        self._text.setText(known)
        self._text.setPos((first.x() + second.x()) / 2, (first.y() + second.y()) / 2)


class Lens(QLabel):
    """A square that follows the mouse and shows what is under it three times as large."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.wanted = False
        self.setFixedSize(LENS, LENS)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setStyleSheet("border: 2px solid #e69f00; background: #000000;")
        self.hide()

    def look(self, shades: NDArray[np.uint8], row: int, column: int, place: QPoint) -> None:
        """Show the pixels around (row, column) of an image beside `place`, whole; outside the image nothing."""
        rows, columns = shades.shape
        if not (0 <= row < rows and 0 <= column < columns):
            self.hide()
            return
        room = self.parentWidget().size()
        side = min(LENS, room.width(), room.height())
        half = side // ENLARGED // 2
        padded = np.zeros((2 * half, 2 * half), np.uint8)
        top, left = max(row - half, 0), max(column - half, 0)
        part = shades[top : row + half, left : column + half]
        y, x = top - (row - half), left - (column - half)
        padded[y : y + part.shape[0], x : x + part.shape[1]] = part
        picture = QImage(padded.tobytes(), 2 * half, 2 * half, 2 * half, QImage.Format.Format_Grayscale8)
        whole, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        self.setFixedSize(side, side)
        self.setPixmap(QPixmap.fromImage(picture).scaled(side, side, whole, smooth))
        self.move(_beside(place.x(), side, room.width()), _beside(place.y(), side, room.height()))
        self.show()
        self.raise_()


def _beside(place: int, side: int, room: int) -> int:
    """Where a square begins that lies after `place`, or before it where it would be cut off; never outside."""
    after = place + APART
    start = after if after + side <= room else place - APART - side
    return min(max(start, 0), room - side)
