"""The mean map over the images listed: where evidence lies that no single image would give away."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from fineray.dicom.radiograph import GrayImage
from fineray.engine.protocol import Failed
from fineray.engine.requests.review import ExplainCell
from fineray.explaining.results import Explained
from fineray_desktop.review.state import ReviewState
from fineray_desktop.widgets.basics import (
    button,
    label,
    open_at,
    row,
    set_role,
)
from fineray_desktop.widgets.image_view import ImageView

SIDE = 448


class MeanMapDialog(QDialog):
    """Mean evidence over a mean image."""

    def __init__(
        self, state: ReviewState, images: list[int], class_name: str, where: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self.setWindowTitle(f"Mean evidence for “{class_name}”")
        open_at(self, 560, 640)
        self.view = ImageView()
        self.view.stand_alone()
        self.view.title.hide()
        self.text = label(f"{where}. Explaining image after image…", "muted", wrap=True)
        close = button("Close")
        close.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.text)
        layout.addLayout(row(None, close))
        self.view.clear("")
        self._where = where
        project, opened = state.session.project, state.run
        if project is not None and opened is not None:
            job = state.session.analyst.start(ExplainCell(project.root, opened.folder.name, tuple(images), class_name))
            job.finished.connect(self._show)
            job.failed.connect(self._failed)
            self.finished.connect(job.cancel)

    def _show(self, found: Explained) -> None:
        assert found.mean_image is not None
        self.view.show_image(GrayImage.of_shades(found.mean_image))
        self.view.show_overlay(found.evidence, "orange", 0.65)
        problems = " ".join(found.problems)
        border, letters = found.on_border or 0.0, found.on_letters or 0.0
        self.text.setText(
            f"{self._where}. Mean over {found.images:,} images, each weighing alike: {border:.0%} of the evidence lies"
            f" on the border, {letters:.0%} on letters. {problems}"
        )
        set_role(self.text, "warning" if problems else "muted")

    def _failed(self, failed: Failed) -> None:
        self.text.setText(f"{failed.what}. {failed.todo}")
