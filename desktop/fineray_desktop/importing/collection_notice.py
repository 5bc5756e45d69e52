"""Says that a chosen folder looks like a published collection, and offers what its tables say, shown first."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QVBoxLayout, QWidget

from fineray.engine.requests.project import TakeLayout
from fineray.project.layouts.published import LayoutUnusable
from fineray.project.layouts.taking import LayoutPreview, Taken, preview_layout
from fineray_desktop.loading import Loading
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, open_at, row, scrolling_column

MOST_CLASSES = 20  # of a label set, in the dialog


class CollectionNotice(QFrame):
    """A line below the drop zone, only where there is something to say."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "notice")
        self._session = session
        self._loading = Loading(session.fail, self)
        self._told: LayoutPreview | None = None
        self.text = label(wrap=True)
        self.take_button = button("Take them over…", "primary")
        close = button("Dismiss")
        layout = row(self.text, self.take_button, close)
        layout.setContentsMargins(14, 8, 10, 8)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.take_button.clicked.connect(lambda: self.ask())
        close.clicked.connect(self.hide)
        session.project_closed.connect(self._forget)
        session.busy_changed.connect(self._allow)
        self.hide()

    def look(self, folders: list[Path]) -> None:
        """Look whether the one folder of an import is a collection, while it is read."""
        project = self._session.project
        self.hide()
        if project is not None and len(folders) == 1 and folders[0].is_dir():
            self._loading.ask(project.root, lambda _: _preview(folders[0]), self._found)

    def ask(self) -> CollectionDialog | None:
        """Show what would come over."""
        if self._told is None:
            return None
        dialog = CollectionDialog(self._told, self)
        dialog.accepted.connect(self._take)
        dialog.open()
        return dialog

    def _found(self, told: LayoutPreview | None) -> None:
        self._told = told
        if told is not None:
            self.text.setText(
                f"The folder looks like {told.title}. Its tables name patients, labels or a split for its images."
            )
            self.take_button.show()
            self._allow()
            self.show()

    def _allow(self) -> None:
        self.take_button.setEnabled(self._session.may_change)

    def _forget(self) -> None:
        self._loading.forget()
        self._told = None
        self.hide()

    def _take(self) -> None:
        project, told = self._session.project, self._told
        if project is not None and told is not None:
            request = TakeLayout(project.root, told.folder, told.name)
            self._session.run(request, "Tables of the collection", self._taken)

    def _taken(self, taken: Taken) -> None:
        labels = ", ".join(f"{into}: {images:,} images" for into, images in taken.labelled.items())
        self.text.setText(f"Taken over. {labels}; {taken.patients:,} patients.")
        self.take_button.hide()
        self._session.data_changed.emit()


class CollectionDialog(QDialog):
    """What the tables say, by label set and class; nothing happens before it is accepted."""

    def __init__(self, told: LayoutPreview, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(told.title)
        open_at(self, 600, 420)
        self.lines = told.in_words(MOST_CLASSES)
        shown = [label(text, wrap=True) for text in self.lines]
        shown += [label(note, "muted", wrap=True) for note in told.notes]
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton("Take over", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addWidget(scrolling_column(*shown), 1)
        layout.addWidget(buttons)


def _preview(folder: Path) -> LayoutPreview | None:
    try:
        return preview_layout(folder)
    except LayoutUnusable:  # most folders are no collection
        return None
