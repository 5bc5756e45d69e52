"""A new image on the screen, read again from its file, with where the run saw its evidence."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from fineray.dicom.location import shown
from fineray.dicom.radiograph import GrayImage
from fineray.engine.protocol import Failed
from fineray.engine.requests.models import LookAtImage
from fineray.prediction.results import LookedAt, Scored
from fineray_desktop.engine_client import Job
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import label, row
from fineray_desktop.widgets.image_view import ImageView

CAUTION = "Where the evidence lies is not where disease is, and this map was not checked."


class NewImagePanel(QWidget):
    """Shows the image of a row of predictions."""

    step = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._job: Job | None = None
        self._found: LookedAt | None = None
        self.view = ImageView()
        self.heat = QCheckBox("Show the evidence")
        self.heat.setToolTip("Grad-CAM for the class that the image counts as")
        self.caution = label(CAUTION, "muted", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.view, 1)
        layout.addLayout(row(self.heat, None))
        layout.addWidget(self.caution)
        self.caution.hide()
        self.heat.toggled.connect(self._paint)
        self.view.step.connect(self.step)
        self.clear()

    def clear(self, text: str = "Choose a row to see its image.") -> None:
        """Show none."""
        self._forget()
        self._found = None
        self.view.clear(text)

    def show_scored(self, run: str, images: Path, scored: Scored, classes: tuple[str, ...]) -> None:
        """Read the image of a row and show it."""
        project = self._session.project
        if project is None or not scored.probabilities:
            self.clear(scored.flag or "This file gave no image.")
            return
        self._forget()
        told = (
            scored.predicted
            if scored.predicted in classes
            else classes[scored.probabilities.index(max(scored.probabilities))]
        )
        chance = scored.probabilities[classes.index(told)]
        self.view.title.setText(f"{shown(scored.file)}\n{scored.predicted or 'No answer'} ({told} {chance:.3f})")
        job = self._session.analyst.start(LookAtImage(project.root, run, images, scored.file, told))
        self._job = job
        job.finished.connect(lambda found: self._show(job, found, scored.flag))
        job.failed.connect(lambda failed: self._not_read(job, failed))

    @property
    def busy(self) -> bool:
        """Whether an image is being read."""
        return self._job is not None

    def _forget(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _show(self, job: Job, found: LookedAt, flag: str) -> None:
        if job is not self._job:
            return
        self._job, self._found = None, found
        self.view.show_image(GrayImage.of_shades(found.pixels))
        self.view.note.setText(flag)
        self._paint()

    def _not_read(self, job: Job, failed: Failed) -> None:
        if job is self._job:
            self._job, self._found = None, None
            self.view.clear(f"{failed.what}. {failed.todo}")

    def _paint(self) -> None:
        wanted = self.heat.isChecked() and self._found is not None
        self.view.show_overlay(self._found.evidence if wanted and self._found is not None else None)
        self.caution.setVisible(self.heat.isChecked())
