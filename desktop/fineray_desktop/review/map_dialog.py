"""All images as points, coloured by true class; wrong ones ringed. A click looks at the image."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from fineray.engine.protocol import Failed
from fineray.engine.requests.review import MapFeatures
from fineray.explaining.results import FeatureMap
from fineray_desktop.review.curves_tab import CurveChart
from fineray_desktop.review.state import ReviewState
from fineray_desktop.theme import current_theme
from fineray_desktop.widgets.basics import (
    button,
    label,
    open_at,
    row,
)
from fineray_desktop.widgets.charts import SERIES


class MapDialog(QDialog):
    """A click on a point lists its image; a drag over an area zooms."""

    show_images = Signal(list)

    def __init__(self, state: ReviewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.setWindowTitle("Map of the features")
        open_at(self, 780, 640)
        self.text = label("Drawing the map; some seconds for some hundred images…", "muted", wrap=True)
        self.chart = CurveChart("Images by their features", "", "")
        self.chart.setMinimumHeight(300)
        self.chart.setMaximumHeight(16_777_215)
        self.chart.setMouseEnabled(x=True, y=True)
        for side in ("left", "bottom"):
            self.chart.hideAxis(side)
        self.chart.setAspectLocked(True)
        close = button("Close")
        close.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.addWidget(self.text)
        layout.addWidget(self.chart, 1)
        layout.addLayout(row(None, close))
        project, opened = state.session.project, state.run
        if project is not None and opened is not None:
            job = state.session.analyst.start(MapFeatures(project.root, opened.folder.name))
            job.finished.connect(self._show)
            job.failed.connect(self._failed)
            self.finished.connect(job.cancel)

    def _show(self, found: FeatureMap) -> None:
        predictions = self._state.predictions
        if predictions is None:
            return
        row_of = {image: number for number, image in enumerate(predictions.images.tolist())}
        rows = np.array([row_of.get(image, -1) for image in found.images])
        theme = current_theme()
        for number, name in enumerate(predictions.classes):
            those = (rows >= 0) & (predictions.true[rows] == number)
            wrong = predictions.true[rows] != self._state.predicted[rows]
            pens = [pg.mkPen(theme.text, width=1.6) if each else pg.mkPen(None) for each in wrong[those]]
            item = pg.ScatterPlotItem(
                pos=found.points[those], data=[found.images[row] for row in np.flatnonzero(those)], size=9, pen=pens,
                brush=pg.mkBrush(SERIES[number % len(SERIES)]), name=name, hoverable=True, hoverSize=13,
                tip=None,
            )  # fmt: skip
            item.sigClicked.connect(self._clicked)
            self.chart.addItem(item)
        self.text.setText(f"{found.method}. Ringed: predicted wrong. Click a point to see its image; wheel to zoom.")

    def _clicked(self, _item: object, points: object, _event: object) -> None:
        images = [int(point.data()) for point in points]  # type: ignore[attr-defined]
        if images:
            self.show_images.emit(images)
            self.accept()

    def _failed(self, failed: Failed) -> None:
        self.text.setText(f"{failed.what}. {failed.todo}")
