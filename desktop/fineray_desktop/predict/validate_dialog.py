"""Judging a run on images with labels: which table, and where the new project goes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QVBoxLayout, QWidget

from fineray.engine.requests.models import ValidateFolder, ValidateModel
from fineray.project.catalogue import counts
from fineray.project.runs import run
from fineray.training.results import RunDone
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    keep_whole,
    label,
    row,
)


class ValidateDialog(QDialog):
    """On new images with a table of labels; or, for a model from a package, on the open project's own."""

    def __init__(self, session: Session, name: str, images: Path | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert session.project is not None
        self._session, self._name, self._images = session, name, images
        self.labels: Path | None = None
        self.target: Path | None = None
        self.setWindowTitle("Judge on labelled images")
        self.setMinimumWidth(560)
        keep_whole(self)
        self.images_text = label(
            str(images) if images else "Choose the folder of images on the page first.", "muted", wrap=True
        )
        self.labels_text = label("No table chosen", "muted", wrap=True)
        self.target_text = label("No place chosen", "muted", wrap=True)
        self.labels_button, self.target_button = button("Table of labels…"), button("New project…")
        self.start_button = button("Judge on these images", "primary")
        self.own_button = button("Judge on this project's images")
        foreign = run(session.project, name).package() is not None
        labelled = counts(session.project).labelled
        self.own_button.setEnabled(foreign and labelled > 0)
        self.own_button.setToolTip(
            f"{labelled:,} labelled images of {session.project.name}"
            if foreign
            else "Only for a model that was trained elsewhere: this one learned from the project's images"
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(10)
        layout.addWidget(label(f"Judge {name} on images that it has not seen", "heading"))
        layout.addWidget(
            label(
                "The images go into a new project with their labels, the model with them, and the whole review opens on"
                " what it says of them: figures with intervals, curves, subgroups, images, report. Images that the"
                " model learned from are left out. Nothing is chosen on the new images: the operating point is the"
                " model's.",
                "muted",
                wrap=True,
            )
        )
        for title, text, chooser in (
            ("Images", self.images_text, None),
            (
                "Labels: a table with the column label, and one that names the images",
                self.labels_text,
                self.labels_button,
            ),
            ("New project", self.target_text, self.target_button),
        ):
            layout.addWidget(label(title, wrap=True))
            line = row(text, chooser) if chooser is not None else row(text)
            line.setStretch(0, 1)
            layout.addLayout(line)
        bottom = row(self.own_button, None, buttons, self.start_button)
        layout.addLayout(bottom)
        self.labels_button.clicked.connect(self._choose_labels)
        self.target_button.clicked.connect(self._choose_target)
        self.start_button.clicked.connect(self.start)
        self.own_button.clicked.connect(self.start_own)
        self._allow()

    def take(self, labels: Path | None, target: Path | None) -> None:
        """Use this table and this place."""
        self.labels, self.target = labels or self.labels, target or self.target
        self.labels_text.setText(str(self.labels or "No table chosen"))
        self.target_text.setText(str(self.target or "No place chosen"))
        self._allow()

    def start(self) -> None:
        """Begin; the new project opens when it is done."""
        project = self._session.project
        if project is None or self._images is None or self.labels is None or self.target is None:
            return
        request = ValidateFolder(project.root, self._name, self._images, self.labels, self.target)
        self._session.run(request, "Judging the model", self._done)
        self.accept()

    def start_own(self) -> None:
        """Begin on the open project's images."""
        project = self._session.project
        if project is not None:
            self._session.run(ValidateModel(project.root, self._name), "Judging the model", self._done)
            self.accept()

    def _done(self, done: RunDone) -> None:
        session = self._session
        if session.project is None or session.project.root != done.project:
            session.open(done.project)
        session.runs_changed.emit(done.run)
        session.show_page.emit("Review")

    def _choose_labels(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Table of labels", str(self._images or Path.home()), "Tables (*.csv *.xlsx)"
        )
        if chosen:
            self.take(Path(chosen), None)

    def _choose_target(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "New project: choose a place and a name", str(Path.home()))
        if chosen:
            self.take(None, Path(chosen))

    def _allow(self) -> None:
        self.start_button.setEnabled(bool(self._images and self.labels and self.target))
