"""Exporting the images without identity: what is kept, where to, and whether a way back is made."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from fineray.engine.requests.project import ExportDeidentified
from fineray.export.options import ExportOptions, ExportSummary
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    keep_whole,
    label,
    row,
)

ABOUT = (
    "Writes every image as a DICOM file by the basic confidentiality profile of the DICOM standard: names, numbers, "
    "free texts, private attributes and times go, patients get their pseudonym, and UIDs are new. Look through the "
    "images before you pass them on: letters in the pixels are found only as far as a computer can."
)
KEY = "Encrypted with the passphrase. Whoever has both can name the patients; without it nobody can, Fineray included."


class ExportDialog(QDialog):
    """Starts the export and says what came of it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("Export images without identity")
        self.setMinimumWidth(560)
        keep_whole(self)
        self.folder, self.key = QLineEdit(placeholderText="A new or empty folder"), QLineEdit()
        self.folder.setAccessibleName("Folder to write to")
        self.key.setAccessibleName("Key file")
        self.dates = QComboBox()
        self.dates.addItem("Shifted, intervals kept", "shifted")
        self.dates.addItem("Removed", "removed")
        self.device = QCheckBox("Keep what identifies the device (station, serial numbers)")
        self.text = QCheckBox("Blank letters found in the pixels")
        self.text.setChecked(True)
        self.with_key = QCheckBox("Make a key file that leads back to the patients")
        self.with_key.setToolTip(KEY)
        self.passphrase, self.again = QLineEdit(), QLineEdit()
        for field in (self.passphrase, self.again):
            field.setEchoMode(QLineEdit.EchoMode.Password)
        self.problem = label(role="warning", wrap=True)
        self._lay_out()
        self._refresh()

    def accept(self) -> None:
        project = self._session.project
        problem = self._problem()
        if project is None or problem:
            self.problem.setText(problem)
            self.problem.show()
            return
        key = Path(self.key.text()) if self.with_key.isChecked() else None
        options = ExportOptions(
            self.dates.currentData(), self.device.isChecked(), self.text.isChecked(), key, self.passphrase.text()
        )
        request = ExportDeidentified(project.root, Path(self.folder.text()), options)
        self._session.run(request, "Export without identity", self._session.exported.emit)
        super().accept()

    def _lay_out(self) -> None:
        choose, choose_key = button("Choose…"), button("Choose…")
        choose.clicked.connect(self._choose)
        choose_key.clicked.connect(self._choose_key)
        self._form = QFormLayout()
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.addRow("Folder", row(self.folder, choose))
        self._form.addRow("Dates", self.dates)
        for box in (self.device, self.text, self.with_key):
            self._form.addRow("", box)
        self._key_row = QWidget()
        self._key_row.setLayout(row(self.key, choose_key))
        self._form.addRow("Key file", self._key_row)
        self._form.addRow("Passphrase", self.passphrase)
        self._form.addRow("Once more", self.again)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.with_key.toggled.connect(self._refresh)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addWidget(label(ABOUT, "muted", wrap=True))
        layout.addLayout(self._form)
        layout.addWidget(self.problem)
        layout.addWidget(buttons)
        self.problem.hide()

    def _refresh(self) -> None:
        for field in (self._key_row, self.passphrase, self.again):
            self._form.setRowVisible(field, self.with_key.isChecked())

    def _problem(self) -> str:
        if not self.folder.text().strip():
            return "Choose the folder to write to."
        if not self.with_key.isChecked():
            return ""
        if not self.key.text().strip():
            return "Choose where the key file goes; keep it apart from the images."
        if Path(self.folder.text()) in Path(self.key.text()).parents:
            return "The key file must not lie among the images that it names."
        if len(self.passphrase.text()) < 8:
            return "The passphrase needs at least 8 characters. It cannot be reset."
        return "" if self.passphrase.text() == self.again.text() else "The two passphrases differ."

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Export: choose a new or empty folder", str(Path.home()))
        if chosen:
            self.folder.setText(chosen)

    def _choose_key(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Key file", str(Path.home() / "fineray-key.json"), "Key (*.json)")
        if chosen:
            self.key.setText(chosen)


def in_words(summary: ExportSummary) -> str:
    """What came of an export."""
    text = f"{summary.images:,} images exported without identity, {summary.blanked:,} of them with letters blanked."
    for reason, number in summary.held_back.items():
        text += f" {number:,} held back: {reason}."
    return text
