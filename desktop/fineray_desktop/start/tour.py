"""A tour of the pages on the demo study: a card at the foot of the window, step by step."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineray_desktop.widgets.basics import (
    button,
    card,
    label,
    row,
)

STEPS = (
    (
        "Import",
        "Images come in here",
        "Choose or drop folders. Every file ends as imported, skipped or failed, with the reason in words.",
    ),
    (
        "Curate",
        "Labels, checks and the split",
        "Labels from a table, folders or the keyboard; checks that look for copies and"
        " give-aways; a split by patient, and a test set that can be sealed.",
    ),
    (
        "Train",
        "A new last layer learns",
        "The backbone stays frozen unless you unfreeze stages. The demo's run took seconds; its images are synthetic.",
    ),
    (
        "Review",
        "What it is worth",
        "Click a cell of the confusion matrix to see its images. Every figure has its"
        " interval, and comes from images that the model had not learned from.",
    ),
    (
        "Predict",
        "New images",
        "Apply a model to a folder, bring one in from elsewhere, give yours to others, or judge it on labelled images.",
    ),
)


class Tour(QWidget):
    """Floats over the window's lower right corner until it is ended."""

    page_wanted = Signal(str)
    ended = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._step = 0
        self.setProperty("floats", True)  # over the page, on purpose
        self._count = label(role="muted")
        self._title = label(role="heading")
        self._text = label(wrap=True)
        self.back_button, self.next_button = button("Back"), button("Next", "primary")
        self.end_button = button("End the tour", "link")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        frame = card(
            row(self._title, None, self._count),
            self._text,
            row(self.end_button, None, self.back_button, self.next_button),
        )
        frame.setProperty("role", "tour")
        layout.addWidget(frame)
        self._frame = frame
        self.setFixedWidth(400)
        self.back_button.clicked.connect(lambda: self.go(self._step - 1))
        self.next_button.clicked.connect(lambda: self.go(self._step + 1))
        self.end_button.clicked.connect(self.end)
        window.installEventFilter(self)

    def go(self, step: int) -> None:
        """Show a step and its page; past the last one the tour ends."""
        if step >= len(STEPS):
            self.end()
            return
        self._step = max(0, step)
        page, title, text = STEPS[self._step]
        self.page_wanted.emit(page)
        self._count.setText(f"{self._step + 1} of {len(STEPS)}")
        self._title.setText(title)
        self._text.setText(text)
        self.back_button.setEnabled(self._step > 0)
        self.next_button.setText("Next" if self._step + 1 < len(STEPS) else "Done")
        self.show()
        self._place()

    def end(self) -> None:
        """Go away."""
        self.hide()
        self.ended.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self._frame.layout().invalidate()  # what it knows is of the last step's text
        self._frame.updateGeometry()
        self.layout().invalidate()
        self.setFixedHeight(self.layout().heightForWidth(self.width()))
        parent = self.parentWidget()
        self.move(parent.width() - self.width() - 24, parent.height() - self.height() - 62)
        self.raise_()
