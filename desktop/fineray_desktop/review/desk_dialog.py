"""The reader desk: images in an order of chance, the model's score hidden until the reading is saved."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QPushButton, QTabWidget, QVBoxLayout, QWidget

from fineray.dicom.radiograph import GrayImage
from fineray.errors import FinerayError
from fineray.evaluation.wording import interval, number
from fineray.project.catalogue import stored_at
from fineray.project.labels.readings import (
    adjudicate,
    decisions,
    next_unread,
    readings,
    save_reading,
)
from fineray.project.shown_image import ShownImage
from fineray.review.agreement import kappa_by_patient, table_of
from fineray_desktop.review.image_cache import ImageCache
from fineray_desktop.review.state import ReviewState
from fineray_desktop.widgets.basics import (
    button,
    flowing,
    label,
    open_at,
    plain,
    row,
)
from fineray_desktop.widgets.image_view import ImageView
from fineray_desktop.widgets.scrolling import Scrolling
from fineray_desktop.widgets.small_table import SmallTable

KEYS = 9  # readings that have a digit
FEWEST = 10  # images, below which kappa says nothing
DIFFERENCES = ("Image", "Label", "Reading", "Model", "Decided")


class DeskDialog(QDialog):
    """Tab Read: one image after the other. Tab Agree: kappa, differences, decisions."""

    show_images = Signal(list)

    def __init__(self, state: ReviewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert state.run is not None and state.predictions is not None and state.session.project is not None
        self._state, self._run = state, state.run.folder.name
        self._project, self._predictions = state.session.project, state.predictions
        self._row_of = {image: number for number, image in enumerate(self._predictions.images.tolist())}
        self._image: int | None = None
        self._since = 0.0
        self.setWindowTitle("Reader desk")
        open_at(self, 860, 760)
        self.cache = ImageCache(state.session)
        self.reader = QLineEdit(placeholderText="Your initials")
        self.reader.setAccessibleName("Reader")
        self.reader.setMaximumWidth(160)
        self.start_button = button("Start reading", "primary")
        self.progress = label(role="muted")
        self.view = ImageView(digits=False)  # here digits are readings
        self.view.stand_alone()
        self.view.title.hide()  # what stands there elsewhere would unblind the reader
        self.answer_buttons = []
        for place, name in enumerate(self._predictions.classes, start=1):
            key = f"  ({place})" if place <= KEYS else ""
            tip = f"Save the reading “{name}”" + (f" (key {place})" if key else "")
            made = button(plain(name) + key, tip=tip)
            made.clicked.connect(lambda checked=False, name=name: self.save(name))
            self.answer_buttons.append(made)
        self.revealed = label(wrap=True)
        self.next_button = button("Next image", "primary", "Enter")
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._reading_tab(), "Read")
        self.tabs.addTab(self._agreement_tab(), "Agree and decide")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.addWidget(self.tabs)
        self.start_button.clicked.connect(self.next)
        self.reader.returnPressed.connect(self.next)
        self.next_button.clicked.connect(self.next)
        self.cache.ready.connect(self._image_read)
        self.tabs.currentChanged.connect(self._show_agreement)
        self._waiting("Enter your initials. Images come in an order of chance; what the model says is hidden until you"
                      " save, and a saved reading cannot be changed.")  # fmt: skip

    @property
    def image(self) -> int | None:
        """The image being read, None while there is none."""
        return self._image

    def next(self) -> None:
        """Show the next image that this reader has not read."""
        name = self.reader.text().strip()
        if not name:
            self._waiting("A reading is signed: enter your initials or another short name, not a patient's.")
            return
        images = self._predictions.images.tolist()
        image = next_unread(self._project, images, self._run, name)
        done = len(readings(self._project, self._run, name))
        self.progress.setText(f"{done:,} of {len(images):,} read")
        self.reader.setEnabled(False)
        self.start_button.hide()
        if image is None:
            self._waiting("All images are read.")
            return
        self._image = image
        known = self.cache.get(image)
        gray = known.gray if known else GrayImage.of_shades(self._project.pixels.read(stored_at(self._project, image)))
        self.view.show_image(gray, spacing=known.spacing_mm if known else None)
        self.view.note.setText("")
        self.revealed.setText("")
        self.next_button.hide()
        for each in self.answer_buttons:
            each.show()
            each.setEnabled(True)
        self.view.setFocus()
        self._since = time.monotonic()

    def save(self, value: str) -> None:
        """Keep the reading for good, and only then show what the model and the label say."""
        if self._image is None or self.next_button.isVisible():
            return
        name, seconds = self.reader.text().strip(), time.monotonic() - self._since
        try:
            save_reading(self._project, self._run, name, self._image, value, round(seconds, 1))
        except FinerayError as error:
            self.revealed.setText(f"{error.what}. {error.todo}")
            return
        place = self._row_of[self._image]
        known = self._predictions
        predicted = known.classes[int(self._state.predicted[place])]
        score = known.probabilities[place, int(self._state.predicted[place])]
        self.revealed.setText(
            f"You: {value}. Model: {predicted} ({score:.3f}). Label: {known.classes[known.true[place]]}."
        )
        for each in self.answer_buttons:
            each.setEnabled(False)
        self.next_button.show()
        self.next_button.setFocus()
        done = len(readings(self._project, self._run, name))
        self.progress.setText(f"{done:,} of {len(known.images):,} read")

    def decide(self, image: int, value: str) -> None:
        """Decide on a difference, signed and with a reason."""
        try:
            reader = next(each.reader for each in readings(self._project, self._run) if each.image == image)
            adjudicate(self._project, self._run, reader, image, value, self.decider.text(), self.reason.text())
        except FinerayError as error:
            self.decided.setText(f"{error.what}. {error.todo}")
            return
        self.reason.clear()
        self._state.session.images_changed.emit((image,))
        self._state.fresh_labels()
        self._show_agreement()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        place, held = event.key() - Qt.Key.Key_1, event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        answers = min(len(self.answer_buttons), KEYS)
        if self.tabs.currentIndex() == 0 and 0 <= place < answers and not held and not self.reader.hasFocus():
            self.save(self._predictions.classes[place])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.next_button.isVisible():
            self.next()
        else:
            super().keyPressEvent(event)

    def _reading_tab(self) -> QWidget:
        tab = QWidget()
        layout = QVBoxLayout(tab)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addLayout(row(self.reader, self.start_button, None, self.progress))
        layout.addWidget(self.view, 1)
        layout.addWidget(self.revealed)
        answers = row(Answers(self.answer_buttons), self.next_button)
        answers.setStretch(0, 1)
        answers.setAlignment(self.next_button, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(answers)
        return tab

    def _agreement_tab(self) -> QWidget:
        self.kappa = label(wrap=True)
        self.differences = SmallTable("Readings that differ from the label", DIFFERENCES, stretched=4)
        self.look_button = button("Look at it", tip="Lists the image on page Review")
        self.decider = QLineEdit(placeholderText="Initials of who decides")
        self.reason = QLineEdit(placeholderText="Reason")
        for part, name in ((self.decider, "Who decides"), (self.reason, "Reason of the decision")):
            part.setAccessibleName(name)
        self.decided = label(role="muted", wrap=True)
        tab = QWidget()
        layout = QVBoxLayout(tab)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addWidget(self.kappa)
        layout.addWidget(self.differences, 1)
        layout.addLayout(row(self.decider, self.reason, self.look_button))
        buttons = []
        for name in self._predictions.classes:
            made = button(f"It is {plain(name)}")
            made.clicked.connect(lambda checked=False, name=name: self._decide_selected(name))
            buttons.append(made)
        layout.addWidget(Answers(buttons))
        layout.addWidget(self.decided)
        # Of several findings that stand side by side, a label is more than the answer to one question.
        for part in (self.decider, self.reason, *buttons):
            part.setEnabled(not self._state.multilabel)
            if self._state.multilabel:
                part.setToolTip("Findings that stand side by side are corrected on page Curate")
        self.look_button.clicked.connect(self._look)
        return tab

    def _decide_selected(self, value: str) -> None:
        key = self.differences.selected_key()
        if key:
            self.decide(int(key), value)
        else:
            self.decided.setText("Choose a line first.")

    def _look(self) -> None:
        key = self.differences.selected_key()
        if key:
            self.show_images.emit([int(key)])
            self.accept()

    def _show_agreement(self) -> None:
        if self.tabs.currentIndex() != 1:
            return
        known = self._predictions
        read = [each for each in readings(self._project, self._run) if each.image in self._row_of]
        lines, texts = [], []
        for name in dict.fromkeys(each.reader for each in read):
            mine = [each for each in read if each.reader == name]
            rows = [self._row_of[each.image] for each in mine]
            values = [known.classes.index(each.value) for each in mine]
            patients = [known.patients[place] for place in rows]
            for other, numbers in (("labels", known.true[rows]), ("model", self._state.predicted[rows])):
                table = table_of(values, numbers.tolist(), len(known.classes))
                kappa = kappa_by_patient(table, values, numbers.tolist(), patients)
                said = (
                    f"kappa {number(kappa.value)} ({interval(kappa)})" if kappa.n >= FEWEST else "too few images to say"
                )
                texts.append(f"{name} and the {other}: {said}, {kappa.n:,} read")
        settled = {each.image: each.decided for each in decisions(self._project)}
        for each in read:
            place = self._row_of[each.image]
            true, predicted = known.classes[known.true[place]], known.classes[int(self._state.predicted[place])]
            if each.value != true:
                lines.append(
                    (str(each.image), true, f"{each.value} ({each.reader})", predicted, settled.get(each.image, ""))
                )
        self.kappa.setText("\n".join(texts) or "Nothing is read yet.")
        self.differences.show_rows(lines, [line[0] for line in lines])
        trail = len(decisions(self._project))
        self.decided.setText(
            f"{len(lines):,} readings differ from the label; {trail:,} decisions so far, each kept with its reason."
        )

    def _image_read(self, shown: ShownImage) -> None:
        if shown.image == self._image:
            self.view.show_image(shown.gray, keep_view=True, spacing=shown.spacing_mm)

    def _waiting(self, text: str) -> None:
        self._image = None
        self.view.clear(text)
        self.next_button.hide()
        for each in self.answer_buttons:
            each.hide()


class Answers(Scrolling):
    """A button a class, in lines; of many classes they scroll, so that the image keeps its room."""

    MOST = 116  # points of height: three lines

    def __init__(self, buttons: list[QPushButton]) -> None:
        super().__init__(flowing(*buttons), Qt.Orientation.Vertical)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        self.setFixedHeight(min(self.widget().heightForWidth(self.viewport().width()), self.MOST))
