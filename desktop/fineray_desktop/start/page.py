"""Before a project is open: create one, open one, or try the demo."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QVBoxLayout, QWidget

from fineray.errors import FinerayError
from fineray.project.project import create_project
from fineray_desktop.session import Session
from fineray_desktop.start.welcome import projects_folder
from fineray_desktop.widgets.basics import (
    button,
    card,
    label,
    plain,
    row,
)


class StartPage(QWidget):
    """Shown while no project is open."""

    demo_asked = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.new_button = button("New project…", "primary")
        self.open_button = button("Open project…")
        self.model_button = button("Open a model…", tip="A model package (.frpkg) from elsewhere")
        self.demo_button = button("Try the demo study", tip="Synthetic images; ready in under a minute")
        self.new_button.clicked.connect(self.choose_new)
        self.open_button.clicked.connect(self.choose_existing)
        self.model_button.clicked.connect(self.choose_model)
        self.demo_button.clicked.connect(self.demo_asked)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        self._demo_note = label(
            "The demo study is being made from synthetic images, imported and trained. Review opens when it is ready.",
            "muted",
            wrap=True,
        )
        self._demo_note.hide()
        welcome = card(
            label("Fineray", "title"),
            label(
                "Learn to tell X-rays apart from a few hundred labelled images, on this computer, "
                "and see honestly how well it works.",
                "muted",
                wrap=True,
            ),
            row(self.new_button, self.open_button, self.model_button, self.demo_button, None),
            self._demo_note,
            margin=24,
            spacing=14,
        )
        self._recent_card: QFrame = card(label("Recent projects", "heading"), self._recent, margin=24)
        column = QVBoxLayout()
        column.setSpacing(14)
        column.addStretch(2)
        column.addWidget(welcome)
        column.addWidget(self._recent_card)
        column.addStretch(3)
        inner = QWidget()
        inner.setLayout(column)
        inner.setMaximumWidth(720)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(inner)
        outer.setAlignment(inner, Qt.AlignmentFlag.AlignHCenter)
        inner.setMinimumWidth(560)
        self.refresh()

    def refresh(self) -> None:
        """List the recent projects anew."""
        while (item := self._recent.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        recent = self._session.recent()
        for root in recent:
            entry = button(plain(root.name), "link", str(root))
            entry.clicked.connect(lambda checked=False, root=root: self._open(root))
            line = QWidget()
            line.setLayout(row(entry, label(str(root.parent), "muted"), None, spacing=12))
            self._recent.addWidget(line)
        self._recent_card.setVisible(bool(recent))

    def demo_running(self, running: bool) -> None:
        """Say that the demo is being made, and offer nothing that would disturb it."""
        self._demo_note.setVisible(running)
        for each in (self.new_button, self.open_button, self.model_button, self.demo_button):
            each.setEnabled(not running)

    def choose_new(self) -> None:
        """Ask where the new project goes, create and open it."""
        chosen, _ = QFileDialog.getSaveFileName(
            self, "New project: choose a place and a name", str(projects_folder(self._session))
        )
        if chosen:
            self.create(Path(chosen))

    def create(self, root: Path) -> None:
        """Create a project and open it, or say why not."""
        try:
            create_project(root)
        except FinerayError as error:
            self._session.fail(error.what, error.where, error.todo)
        else:
            self._open(root)

    def choose_model(self) -> None:
        """Ask for a model package and take it in."""
        from fineray_desktop.predict.taking import ask_package

        ask_package(self._session, self)

    def choose_existing(self) -> None:
        """Ask for a project's folder and open it."""
        chosen = QFileDialog.getExistingDirectory(
            self, "Open project: choose its folder", str(projects_folder(self._session))
        )
        if chosen:
            self._open(Path(chosen))

    def _open(self, root: Path) -> None:
        try:
            self._session.open(root)
        except FinerayError as error:
            self._session.fail(error.what, error.where, error.todo)
