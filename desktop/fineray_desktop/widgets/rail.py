"""The rail at the window's left: the pages in the order of the work."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QPushButton, QVBoxLayout

from fineray_desktop.widgets.basics import button, label

WIDE, NARROW = 176, 58


class Rail(QFrame):
    """A button for each page; narrow, it shows their numbers only and leaves the room to the page."""

    chosen = Signal(str)
    close_asked = Signal()

    def __init__(self, pages: tuple[str, ...]) -> None:
        super().__init__()
        self.setProperty("role", "rail")
        self._narrow = False
        self._project = label("Fineray", "heading", wrap=True)
        self._close = button("Close project", "link")
        self._close.clicked.connect(self.close_asked)
        self.buttons: dict[str, QPushButton] = {}
        side = QVBoxLayout(self)
        side.setContentsMargins(12, 16, 12, 12)
        side.setSpacing(4)
        side.addWidget(self._project)
        side.addSpacing(12)
        group = QButtonGroup(self)
        for number, name in enumerate(pages, start=1):
            entry = button("", "page", f"{name} (Ctrl+{number})")
            entry.setCheckable(True)
            entry.setAccessibleName(f"Page {name}")
            entry.clicked.connect(lambda checked=False, name=name: self.chosen.emit(name))
            group.addButton(entry)
            side.addWidget(entry)
            self.buttons[name] = entry
        side.addStretch(1)
        side.addWidget(self._close)
        self.set_narrow(False)
        self.set_project(None)

    def set_project(self, name: str | None) -> None:
        """Name the open project; None disables the pages."""
        self._project.setText(name or "Fineray")
        for entry in self.buttons.values():
            entry.setEnabled(name is not None)
        self._close.setEnabled(name is not None)
        self._fit()

    def set_narrow(self, narrow: bool) -> None:
        """Numbers only, or numbers and names."""
        self._narrow = narrow
        self.setFixedWidth(NARROW if narrow else WIDE)
        for number, (name, entry) in enumerate(self.buttons.items(), start=1):
            entry.setText(str(number) if narrow else f"{number}   {name}")
        self._fit()

    def _fit(self) -> None:
        self._project.setVisible(not self._narrow)
        self._close.setVisible(not self._narrow and self._close.isEnabled())
