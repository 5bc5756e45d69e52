"""Giving a model to others: as a package, a study capsule, ONNX or a MONAI Bundle."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QInputDialog,
    QLineEdit,
    QMessageBox,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from fineray.engine.requests.models import ExportModel, Format
from fineray.errors import FinerayError
from fineray.export.results import ExportedModel
from fineray.project.kept_point import point_of
from fineray.project.runs import run
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    ask_output,
    button,
    keep_whole,
    label,
    row,
)

FORMATS: tuple[tuple[Format, str, str, str], ...] = (
    (
        "frpkg",
        "Fineray package (.frpkg)",
        "Opens in another Fineray and says the same there. No code, no images.",
        ".frpkg",
    ),
    (
        "capsule",
        "Study capsule (.frpkg)",
        "A package of a frozen run with the predictions behind its figures, by number: others can derive the figures"
        " again, judge the model on their own images, and return only statistics.",
        ".frpkg",
    ),
    (
        "onnx",
        "ONNX (.onnx)",
        "For other programs; how images are prepared stands in the file. Checked before it is kept.",
        ".onnx",
    ),
    ("monai-bundle", "MONAI Bundle (a folder)", "MONAI's own command line verifies and runs it.", ""),
)


class GiveDialog(QDialog):
    """Which form, with which signature, where to."""

    def __init__(
        self, session: Session, name: str, abstain: tuple[float, float] | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        assert session.project is not None
        self._session, self._name, self._abstain = session, name, abstain
        self.key: Path | None = None
        self.passphrase = ""
        self.setWindowTitle("Give the model to others")
        self.setMinimumWidth(540)
        keep_whole(self)
        folder = run(session.project, name)
        frozen, multilabel = folder.frozen() is not None, folder.metrics().multilabel
        self.point = label(
            f"Operating point that goes along: {point_of(folder).in_words(multilabel)}", "muted", wrap=True
        )
        self.choices = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(6)
        layout.addWidget(label(f"Give {name} to others", "heading"))
        for number, (form, title, text, _) in enumerate(FORMATS):
            choice = QRadioButton(title)
            self.choices.addButton(choice, number)
            layout.addSpacing(4)
            layout.addWidget(choice)
            if form == "capsule" and not frozen:
                choice.setEnabled(False)
                text = "Needs a run that is frozen for a sealed test set (page Review)."
            about = label(text, "muted", wrap=True)
            about.setContentsMargins(24, 0, 0, 0)
            layout.addWidget(about)
        self.choices.button(0).setChecked(True)
        layout.addSpacing(4)
        layout.addWidget(self.point)
        self.sign = QCheckBox("Sign it, so that others know it is from you")
        self.key_text = label("", "muted", wrap=True)
        self.key_button, self.new_key_button = button("Choose a key…"), button("Make a key…")
        layout.addSpacing(8)
        layout.addWidget(self.sign)
        layout.addLayout(row(self.key_button, self.new_key_button, None))
        layout.addWidget(self.key_text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.save_button = button("Save as…", "primary")
        buttons.addButton(self.save_button, QDialogButtonBox.ButtonRole.AcceptRole)
        layout.addWidget(buttons)
        buttons.rejected.connect(self.reject)
        self.save_button.clicked.connect(self.choose)
        self.sign.toggled.connect(self._allow)
        self.key_button.clicked.connect(self._choose_key)
        self.new_key_button.clicked.connect(self._make_key)
        self.choices.idToggled.connect(self._allow)
        self._allow()

    @property
    def format(self) -> Format:
        """The form chosen."""
        return FORMATS[self.choices.checkedId()][0]

    def choose(self) -> None:
        """Ask where it goes."""
        _, title, _, ending = FORMATS[self.choices.checkedId()]
        if ending:
            path = ask_output(self, "Save the model", f"{self._name}{ending}", {ending: title.split(" (")[0]})
        else:
            chosen, _ = QFileDialog.getSaveFileName(self, "New folder for the bundle", str(Path.home() / self._name))
            path = Path(chosen) if chosen else None
        if path is not None:
            self.write(path)

    def write(self, path: Path) -> None:
        """Write it there."""
        project = self._session.project
        if project is None:
            return
        signs = self.sign.isChecked() and self.sign.isEnabled()
        request = ExportModel(
            project.root,
            self._name,
            self.format,
            path,
            abstain=self._abstain,
            key=self.key if signs else None,
            passphrase=self.passphrase if signs else "",
        )
        parent = self.parentWidget()
        self._session.run(request, "Writing the model", lambda done: written(done, parent))
        self.accept()

    def use_key(self, path: Path, passphrase: str) -> None:
        """Sign with this key."""
        self.key, self.passphrase = path, passphrase
        self.key_text.setText(str(path))
        self.sign.setChecked(True)
        self._allow()

    def _choose_key(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Signing key", str(Path.home()), "Keys (*.pem)")
        if chosen:
            self.use_key(Path(chosen), self._ask_passphrase("Its passphrase, empty if it has none"))

    def _make_key(self) -> None:
        path = ask_output(self, "New signing key", "fineray-signing-key.pem", {".pem": "Key"})
        if path is None:
            return
        from fineray.package.signature import make_key

        secret = self._ask_passphrase("A passphrase for the new key, empty for none")
        try:
            key = make_key(path, secret)
        except FinerayError as error:
            self.key_text.setText(str(error))
            return
        self.use_key(path, secret)
        self.key_text.setText(f"{path}\nFingerprint {key.fingerprint}: give it to those who receive packages from you.")

    def _ask_passphrase(self, text: str) -> str:
        given, fine = QInputDialog.getText(self, "Signing key", text, QLineEdit.EchoMode.Password)
        return given if fine else ""

    def _allow(self) -> None:
        package = self.format in ("frpkg", "capsule")
        for part in (self.sign, self.key_button, self.new_key_button):
            part.setEnabled(package)
        self.save_button.setEnabled(not (package and self.sign.isChecked() and self.key is None))


def written(done: ExportedModel, parent: QWidget | None) -> None:
    """Say what was written, and by what the receiver knows it."""
    lines = [done.path]
    if done.sha256:
        lines.append(
            f"SHA-256: {done.sha256}\nTell the receiver the first and last digits in another way than the file."
        )
    if done.fingerprint:
        lines.append(f"Signed with the key {done.fingerprint}")
    if done.difference is not None:
        lines.append(f"Checked: it says what the run says, to {done.difference:.0e}.")
    box = QMessageBox(
        QMessageBox.Icon.Information, "Model written", "The model is written.\n\n" + "\n\n".join(lines), parent=parent
    )
    box.setTextInteractionFlags(box.textInteractionFlags() | box.textInteractionFlags().TextSelectableByMouse)
    box.open()
