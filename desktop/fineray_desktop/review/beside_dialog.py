"""Two images side by side: the one on show, and another of the same patient."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from fineray.dicom.radiograph import GrayImage
from fineray.engine.requests.project import ReadImage
from fineray.project.catalogue import images_of_patient, stored_at
from fineray.project.shown_image import ShownImage
from fineray_desktop.review.state import ReviewState
from fineray_desktop.widgets.basics import (
    button,
    label,
    open_at,
    row,
)
from fineray_desktop.widgets.eliding import ChoiceBox
from fineray_desktop.widgets.image_view import ImageView


class BesideDialog(QDialog):
    """Each image keeps its own window and zoom."""

    def __init__(self, state: ReviewState, image: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert state.session.project is not None
        self._state, self._project = state, state.session.project
        self.setWindowTitle("Side by side")
        open_at(self, 1100, 720)
        images = images_of_patient(self._project, image)
        self.left, self.right = ImageView(), ImageView()
        for each in (self.left, self.right):
            each.stand_alone()
            each.title.hide()
        self.other = ChoiceBox()
        self.other.setAccessibleName("Other image of the patient")
        for patient_image in images:
            when = f"{patient_image.study_date}, " if patient_image.study_date else ""
            if patient_image.image != image:
                self.other.addItem(
                    f"{when}{patient_image.view_position or 'view not stated'}, image {patient_image.image}",
                    patient_image.image,
                )
        own = next(patient_image for patient_image in images if patient_image.image == image)
        when = f", {own.study_date}" if own.study_date else ""
        close = button("Close")
        close.clicked.connect(self.reject)
        both = QHBoxLayout()
        both.addWidget(self.left, 1)
        both.addWidget(self.right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        note = (
            "Dates are shifted by a span of the patient's own."
            if any(patient_image.study_date for patient_image in images)
            else ""
        )
        layout.addLayout(row(label(f"{own.patient}{when}", "heading"), None, self.other))
        layout.addLayout(both, 1)
        layout.addLayout(row(label(note, "muted"), None, close))
        self._show(self.left, image)
        if self.other.count():
            self.other.currentIndexChanged.connect(self._show_other)
            self._show_other()
        else:
            self.other.hide()
            self.right.clear("The project holds no other image of this patient.")

    def _show_other(self) -> None:
        self._show(self.right, int(self.other.currentData()))

    def _show(self, view: ImageView, image: int) -> None:
        view.show_image(GrayImage.of_shades(self._project.pixels.read(stored_at(self._project, image))))
        view.note.clear()
        job = self._state.session.reader.start(ReadImage(self._project.root, image))

        def read(shown: ShownImage) -> None:
            if view is self.left or shown.image == self.other.currentData():
                view.show_image(shown.gray, spacing=shown.spacing_mm)

        job.finished.connect(read)
