"""What left this computer since the window opened: nothing, unless somebody ordered it."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, row

NOTHING = "Nothing left this computer."
WHY = (
    "Fineray speaks to other computers only when it is told to: to an archive that you listed, to receive images, or to"
    " fetch published weights. It watches what it connects to and which names it looks up, in the window and in the"
    " processes that it starts; parts that such a watch cannot see are tested to be silent."
)


class NetworkDialog(QDialog):
    """One line a connection or a name that was looked up, with the time."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("What left this computer")
        used = session.network
        self.resize(560, 320 if used else 170)
        number = len(used)
        told = f"{number:,} use{'s' * (number > 1)} of the network since this window opened." if used else NOTHING
        self.title = label(told, "heading", wrap=True)
        self.text = QPlainTextEdit("\n".join(used), readOnly=True)
        self.text.setAccessibleName("Connections to other computers")
        self.text.setVisible(bool(used))
        close = button("Close", "primary")
        close.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(self.title)
        layout.addWidget(label(WHY, "muted", wrap=True))
        layout.addWidget(self.text, 1)
        if not used:
            layout.addStretch(1)
        layout.addLayout(row(None, close))
