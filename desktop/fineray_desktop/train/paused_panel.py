"""What was paused or interrupted: where it stands, with which settings; go on, or give it up."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from fineray.training.standing import LeftOff
from fineray_desktop.train.recipe_words import settings
from fineray_desktop.widgets.basics import button, flowing, label


class PausedPanel(QWidget):
    """Hidden where nothing was left off."""

    continued = Signal()
    discarded = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = label("", wrap=True)
        self.settings = label("", "muted", wrap=True)
        self.continue_button = button("Continue", "primary", tip="Go on from there, with these settings")
        self.discard_button = button("Discard…", tip="Give up what is kept; asks first")
        self.continue_button.clicked.connect(self.continued)
        self.discard_button.clicked.connect(self.discarded)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.text)
        layout.addWidget(self.settings)
        layout.addWidget(flowing(self.continue_button, self.discard_button))
        self.hide()

    def show_left_off(self, found: list[LeftOff], free: bool) -> None:
        """The latest of what was left off. free: whether anything may be started now."""
        self.setVisible(bool(found))
        if not found:
            return
        others = len(found) - 1
        more = f" {others} more {'is' if others == 1 else 'are'} kept beside it." if others else ""
        self.text.setText(found[0].standing.in_words() + more)
        self.settings.setText(f"Its settings: {settings(found[0].standing.recipe)}")
        for each in (self.continue_button, self.discard_button):
            each.setEnabled(free)
