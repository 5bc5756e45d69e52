"""Says that the project is open for reading only, and why; offers to try again."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from fineray.errors import FinerayError
from fineray.project.lock import ProjectInUse
from fineray_desktop.widgets.basics import button, label


class ReadOnlyStrip(QFrame):
    """Hidden while the project may be changed."""

    again = Signal()  # open it once more, for writing if it can be had

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "notice")
        self.text = label(wrap=True)
        self.again_button = button("Try again", tip="Reads the project anew; for writing too, if it can be had now")
        self.again_button.clicked.connect(self.again)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 10, 6)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.again_button)
        self.hide()

    def show_reason(self, reason: FinerayError | None) -> None:
        """Why the open project may only be read, or None where it may be changed."""
        self.setVisible(reason is not None)
        if isinstance(reason, ProjectInUse):
            who = f", {reason.holder}" if reason.holder else ""
            self.text.setText(f"For reading only: the project is open in another Fineray{who}.")
        elif reason is not None:
            self.text.setText(f"For reading only: {reason.what[0].lower()}{reason.what[1:]}. {reason.todo}")
