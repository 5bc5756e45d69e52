"""The right side of the review: one image, why it was predicted so, what is like it, its label and its note."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLineEdit, QTabWidget, QVBoxLayout, QWidget

from fineray.dicom.radiograph import GrayImage
from fineray.engine.protocol import Failed
from fineray.project.changes import set_labels
from fineray.project.labels.revisions import revisions, set_note
from fineray.project.shown_image import ShownImage
from fineray_desktop.models.thumbnails import Thumbnails
from fineray_desktop.review.explain_panel import ExplainPanel
from fineray_desktop.review.image_cache import ImageCache
from fineray_desktop.review.near_panel import NearPanel
from fineray_desktop.review.state import ReviewState
from fineray_desktop.widgets.basics import (
    button,
    label,
    row,
    scrolling_column,
)
from fineray_desktop.widgets.eliding import ChoiceBox
from fineray_desktop.widgets.image_view import ImageView

CORRECTION = "Correcting a label in the review"


class ImagePanel(QWidget):
    """Shows the image of a row; the page tells which comes before and after."""

    image_wanted = Signal(int)  # a neighbour that is to be looked at
    labels_changed = Signal()
    beside_asked = Signal(int)

    def __init__(self, state: ReviewState, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._state = state
        self._row: int | None = None
        self.cache = ImageCache(state.session)
        self.view = ImageView()
        self.explain = ExplainPanel(state, self.view)
        self.near = NearPanel(state, thumbnails)
        self.label = ChoiceBox()
        self.label.setAccessibleName("Label")
        self.label.setToolTip(
            "Corrects the label; how it was before is kept, and the run is marked as made with older ones"
        )
        self.history = label(role="muted", wrap=True)
        self.note = QLineEdit(placeholderText="Note on this image (no names)")
        self.note.setAccessibleName("Note on this image")
        self.beside_button = button(
            "Beside another image…", tip="The patient's other images, or any other, side by side"
        )
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        about = QWidget()
        lines = QVBoxLayout(about)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(6)
        chooser = row(label("Label", "muted"), self.label)
        chooser.setStretch(1, 1)
        lines.addLayout(chooser)
        lines.addWidget(self.note)
        lines.addLayout(row(self.beside_button, None))
        lines.addWidget(self.history)
        lines.addStretch(1)
        for part, title in ((scrolling_column(self.explain), "Why"), (self.near, "Alike"),
                            (scrolling_column(about), "Label and note")):  # fmt: skip
            self.tabs.addTab(part, title)
        self.tabs.setMinimumHeight(120)
        self.tabs.setMaximumHeight(188)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.tabs)
        self.cache.ready.connect(self._image_read)
        self.cache.failed.connect(self._not_read)
        self.near.chosen.connect(self.image_wanted)
        self.label.activated.connect(self._relabel)
        self.note.editingFinished.connect(self._write_note)
        self.beside_button.clicked.connect(lambda: self.image is not None and self.beside_asked.emit(self.image))
        state.opened.connect(self._offer_labels)

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self.explain.question.see(True)

    def hideEvent(self, event: object) -> None:
        super().hideEvent(event)  # type: ignore[arg-type]
        # On another page nobody waits for an overlay; a window that is made small is not given up.
        self.explain.question.see(bool(event.spontaneous()))  # type: ignore[attr-defined]

    @property
    def image(self) -> int | None:
        """The id of the image on show."""
        predictions = self._state.predictions
        return None if self._row is None or predictions is None else int(predictions.images[self._row])

    def minimumSizeHint(self) -> QSize:
        least, layout = super().minimumSizeHint(), self.layout()
        if not layout.hasHeightForWidth():
            return least
        width = max(self.width(), least.width())  # of wrapped texts Qt itself does not think here
        return QSize(least.width(), layout.minimumHeightForWidth(width))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometry()

    def show_row(self, number: int, around: list[int]) -> None:
        """Show the image of a row of the predictions; around: the images that are likely to come next."""
        state = self._state
        predictions, project = state.predictions, state.session.project
        if predictions is None or project is None or state.run is None or state.evaluated is None:
            return
        image = int(predictions.images[number])
        known = self.cache.get(image)
        if number == self._row:
            pass  # what it counts as may be another; the picture is the same
        elif known is not None:
            self._show(known, keep_view=False)
        else:  # the stored pixels are there at once; the file's full depth follows from the reading process
            self.view.show_image(GrayImage.of_shades(project.pixels.read(state.evaluated.places[number])))
            self.view.note.setText("")
        self._row = number
        self.cache.ahead(around)
        predicted = predictions.classes[int(state.predicted[number])] if state.chosen is not None else ""
        true = predictions.classes[predictions.true[number]]
        chance = float(predictions.probabilities[number, int(state.predicted[number])])
        told = f"Predicted {predicted} ({chance:.3f})" if predicted else "Its prediction is being worked out"
        self.view.title.setText(f"{predictions.patients[number]} · True {true}\n{told}")
        self.explain.show_image(image, predictions.parts[number], predicted)
        self.near.show_image(image, predictions.parts[number])
        self.note.setText(state.run.notes.get(image, ""))
        self._show_label(image, true)

    def clear(self, text: str) -> None:
        """Show no image."""
        self._row = None
        self.view.clear(text)
        self.explain.show_image(None, "", "")
        self.near.show_image(None, "")
        self.note.setText("")  # clear() could be undone, into the note of another image
        self.history.clear()

    def _show(self, shown: ShownImage, keep_view: bool) -> None:
        self.view.show_image(shown.gray, keep_view=keep_view, spacing=shown.spacing_mm)
        self.view.note.setText(
            "" if shown.full_depth else "Stored 8-bit copy: the DICOM file is not at hand on this computer."
        )

    def _image_read(self, shown: ShownImage) -> None:
        if shown.image == self.image:
            self._show(shown, keep_view=True)

    def _not_read(self, image: int, failed: Failed) -> None:
        if image == self.image:
            self.view.note.setText(f"{failed.what}. {failed.todo}")

    def _offer_labels(self) -> None:
        predictions = self._state.predictions
        self._row = None  # rows are of other predictions now
        self.label.clear()
        if predictions is not None:
            self.label.addItems(predictions.classes)
        # Of several findings that stand side by side, a label is more than one of two answers.
        only_read = self._state.session.read_only
        self.label.setEnabled(not only_read and not self._state.multilabel)
        self.note.setReadOnly(only_read)

    def _show_label(self, image: int, true: str) -> None:
        project, opened = self._state.session.project, self._state.run
        assert project is not None and opened is not None
        changes = revisions(project, image)
        mine = [each for each in changes if each.label_set == opened.metrics.label_set]
        now = mine[0].after if mine and image in opened.changed else true
        self.label.setCurrentText(now or true)
        told = (f"{each.changed[:10]}: {each.before} → {each.after or 'none'}" for each in mine[:3])
        self.history.setText("Changed " + "; ".join(told) if mine else "")

    def _relabel(self) -> None:
        project, image = self._state.session.project, self.image
        if project is None or image is None or self._row is None:
            return
        set_labels(project, {image: self.label.currentText()}, CORRECTION)
        self._state.session.images_changed.emit((image,))
        self.labels_changed.emit()
        self._state.fresh_labels()

    def _write_note(self) -> None:
        project, image, opened = self._state.session.project, self.image, self._state.run
        if project is None or image is None or opened is None or self.note.text() == opened.notes.get(image, ""):
            return
        set_note(project, image, self.note.text())
        opened.notes.pop(image, None)
        if self.note.text().strip():
            opened.notes[image] = self.note.text().strip()
