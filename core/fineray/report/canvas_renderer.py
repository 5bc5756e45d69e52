"""matplotlib drawing straight onto a reportlab canvas: figures in the PDF are vectors and their text is text."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.figure import Figure
from matplotlib.path import Path
from reportlab.lib.colors import Color
from reportlab.pdfbase.pdfmetrics import getAscentDescent, stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

POINTS = 72.0  # an inch


class FigureFlowable(Flowable):  # type: ignore[misc]
    """A figure as a part of a reportlab story, shrunk to fit within these points. font: a registered one."""

    def __init__(self, figure: Figure, font: str, widest: float, tallest: float) -> None:
        super().__init__()
        self._figure, self._font = figure, font
        width, height = (POINTS * float(each) for each in figure.get_size_inches())
        self._scale = min(1.0, widest / width, tallest / height)
        self.width, self.height = width * self._scale, height * self._scale

    def draw(self) -> None:
        """Called by reportlab with the origin at the lower left corner."""
        self._figure.set_dpi(POINTS)
        self.canv.saveState()
        self.canv.scale(self._scale, self._scale)
        size = self._figure.get_size_inches() * POINTS
        self._figure.draw(_CanvasRenderer(self.canv, self._font, float(size[0]), float(size[1])))
        self.canv.restoreState()


class _CanvasRenderer(RendererBase):
    """What matplotlib needs to draw lines, areas and text; lengths are points. Images are not drawn."""

    def __init__(self, canvas: Canvas, font: str, width: float, height: float) -> None:
        super().__init__()
        self._canvas, self._font, self._size = canvas, font, (width, height)

    def flipy(self) -> bool:
        return False

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self._size

    def points_to_pixels(self, points: Any) -> Any:
        return points

    def draw_path(self, gc: GraphicsContextBase, path: Path, transform: Any, rgbFace: Any = None) -> None:
        self._canvas.saveState()
        bounds = gc.get_clip_rectangle()
        if bounds is not None:
            clip = self._canvas.beginPath()
            clip.rect(*bounds.bounds)
            self._canvas.clipPath(clip, stroke=0, fill=0)
        drawn, last = self._canvas.beginPath(), (0.0, 0.0)
        for vertices, code in path.iter_segments(transform, simplify=False, curves=True):
            match code:
                case Path.MOVETO:
                    drawn.moveTo(*vertices)
                case Path.LINETO:
                    drawn.lineTo(*vertices)
                case Path.CURVE3:  # a quadratic curve as a cubic one
                    x0, y0 = last
                    x1, y1, x2, y2 = vertices
                    drawn.curveTo((x0 + 2 * x1) / 3, (y0 + 2 * y1) / 3, (x2 + 2 * x1) / 3, (y2 + 2 * y1) / 3, x2, y2)
                case Path.CURVE4:
                    drawn.curveTo(*vertices)
                case Path.CLOSEPOLY:
                    drawn.close()
            last = float(vertices[-2]), float(vertices[-1])
        alpha = gc.get_alpha() if gc.get_forced_alpha() else None
        width = gc.get_linewidth()
        stroke = width > 0 and gc.get_rgb()[3] > 0
        if rgbFace is not None:
            self._canvas.setFillColor(_colour(rgbFace, alpha))
        if stroke:
            self._canvas.setStrokeColor(_colour(gc.get_rgb(), alpha))
            self._canvas.setLineWidth(width)
            offset, dashes = gc.get_dashes()
            self._canvas.setDash(np.atleast_1d(dashes).tolist() if dashes is not None else [], offset)
        self._canvas.drawPath(drawn, stroke=int(stroke), fill=int(rgbFace is not None))
        self._canvas.restoreState()

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,  # noqa: ARG002 (matplotlib's own names)
        mtext: Any = None,  # noqa: ARG002
    ) -> None:
        self._canvas.saveState()
        self._canvas.translate(x, y)
        self._canvas.rotate(angle)
        self._canvas.setFillColor(_colour(gc.get_rgb(), None))
        self._canvas.setFont(self._font, prop.get_size_in_points())
        self._canvas.drawString(0, 0, s)
        self._canvas.restoreState()

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:  # noqa: ARG002
        size = prop.get_size_in_points()
        ascent, descent = getAscentDescent(self._font, size)
        return stringWidth(s, self._font, size), ascent - descent, -descent


def _colour(rgb: Any, alpha: float | None) -> Color:
    own = rgb[3] if len(rgb) > 3 else 1.0
    return Color(rgb[0], rgb[1], rgb[2], alpha=own if alpha is None else alpha)
