"""Taking a model in from a package: into the open project, or into a new one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QTextBrowser, QVBoxLayout, QWidget

from fineray.engine.requests.models import OpenPackage
from fineray.export.results import OpenedModel
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    label,
    open_at,
    row,
)

KINDS = "Models (*.frpkg)"


def ask_package(session: Session, parent: QWidget) -> None:
    """Ask for a package and take it in."""
    chosen, _ = QFileDialog.getOpenFileName(parent, "Open a model", str(Path.home()), KINDS)
    if chosen:
        take_package(session, Path(chosen), parent)


def take_package(session: Session, package: Path, parent: QWidget) -> None:
    """Check a package in the background; into the open project, or, if none is, a new one beside the package."""
    project = session.project
    target = project.root if project is not None else _free(package.resolve().with_suffix(""))
    # The engine locks the project itself while it adds the model; the window's own lock is of the same user.
    session.run(OpenPackage(package, target), "Opening the model", lambda done: _opened(session, done, parent))


def _free(folder: Path) -> Path:
    numbered = (folder.with_name(f"{folder.name} {number}") for number in range(2, 1000))
    return next(each for each in (folder, *numbered) if not each.exists())


def _opened(session: Session, done: OpenedModel, parent: QWidget) -> None:
    if session.project is None:
        session.open(done.project)
    session.runs_changed.emit(done.run)
    session.show_page.emit("Predict")
    OpenedDialog(done, parent).open()


class OpenedDialog(QDialog):
    """The model card of a model that was taken in, and who signed it."""

    def __init__(self, done: OpenedModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Model opened")
        open_at(self, 620, 560)
        signed = (
            f"Signed with the key {done.fingerprint}. Compare it with the one that the sender told you."
            if done.fingerprint
            else "Not signed: compare its SHA-256 with the one that the sender was shown."
        )
        card = QTextBrowser()
        card.setMarkdown(done.card)
        card.setOpenLinks(False)
        close = button("Close", "primary")
        close.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(label(f"The model is in the project as {done.run}", "heading"))
        layout.addWidget(label(f"It says here what it said at its sender's. {signed}", "muted", wrap=True))
        layout.addWidget(card, 1)
        layout.addLayout(row(None, close))
