"""The weights on this computer: which are here, adding a file, and fetching one when the user orders it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from fineray.backbones.catalogue import (
    backbones,
    manifest,
    unreadable_records,
    weights_file,
)
from fineray.engine.protocol import Failed
from fineray.engine.requests.training import AddWeights, DownloadWeights
from fineray.training.results import WeightsAdded
from fineray_desktop.session import WAITS, Session
from fineray_desktop.widgets.basics import (
    button,
    label,
    open_at,
    row,
    set_role,
    sure,
)
from fineray_desktop.widgets.small_table import SmallTable

ABOUT = (
    "A weight pack is one file (.pth or .safetensors) that you bring along. It is checked, it can run no code, and it "
    "is kept in Fineray's own folder under its hash."
)


class WeightsDialog(QDialog):
    """Lists, adds, fetches; `changed` after each addition."""

    changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("Weights on this computer")
        open_at(self, 820, 660)
        self.table = SmallTable("Backbones and their weights", ("Backbone", "Weights", "File", "Licence"), stretched=2)
        self.file, self.backbone = QLineEdit(placeholderText="A .pth or .safetensors file"), QLineEdit()
        self.backbone.setPlaceholderText("Known by the file’s name, or timm:NAME, or a name of the list")
        self.unknown = QCheckBox("Other weights than the published ones")
        self.title, self.task, self.data, self.licence = (QLineEdit() for _ in range(4))
        self.task.setPlaceholderText("Such as: bone age from hand images")
        for field, name in (
            (self.file, "Weight file"),
            (self.backbone, "Backbone"),
            (self.title, "Title"),
            (self.task, "Trained for"),
            (self.data, "Trained on"),
            (self.licence, "Licence"),
        ):
            field.setAccessibleName(name)
        self.note = label("", "muted", wrap=True)
        self.add = button("Add", "primary")
        self.download = button("Download…", tip="Goes online, to the makers’ address, for this one file")
        self._lay_out()
        self.refresh()

    def refresh(self) -> None:
        """What is here now."""
        rows = []
        for each in backbones():
            here = weights_file(each) is not None
            rows.append(
                (each.title, "here" if here else "not here", each.weights.file.rsplit("/", 1)[-1], each.licence)
            )
        self.table.show_rows(rows, [each.name for each in backbones()])
        broken = unreadable_records()
        if broken:
            self._say(f"{broken[0].name} cannot be read; add those weights again.", "warning")

    def add_file(self) -> None:
        """Take the chosen file in."""
        path = self.file.text().strip()
        if not path:
            self._say("Choose a weight file first.", "warning")
            return
        written = [field.text().strip() for field in (self.title, self.task, self.data, self.licence)]
        source = written if self.unknown.isChecked() else []
        if self.unknown.isChecked() and not (written[0] and written[1]):
            self._say("Write down a title, and what the weights were trained for.", "warning")
            return
        self._start(AddWeights(Path(path), self.backbone.text().strip(), *source), "Adding weights")

    def fetch(self) -> None:
        """Fetch the selected backbone's weights, if the user is sure."""
        name = self.table.selected_key()
        chosen = next((each for each in manifest() if each.name == name), None)
        if chosen is None or not chosen.weights.url:
            package = chosen.weights.package if chosen else ""
            self._say(
                f"They come as the Python package {package}." if package else "Select a backbone of the list first.",
                "warning",
            )
            return
        text = f"This computer goes online to {chosen.weights.url} and to nowhere else. No data leave it."
        if sure(self, f"Download the weights of {chosen.title}?", text, "Download"):
            self._start(DownloadWeights(name), "Fetching weights")

    def _start(self, request: AddWeights | DownloadWeights, title: str) -> None:
        if self._session.busy:
            self._say(WAITS, "warning")
            return
        self.add.setEnabled(False)
        self._say(f"{title}…", "muted")
        job = self._session.run(request, title, self._added)
        job.failed.connect(self._failed)
        job.ended.connect(lambda: self.add.setEnabled(True))

    def _added(self, added: WeightsAdded) -> None:
        self._say(f"Added: {added.backbone}, SHA-256 {added.sha256[:16]}…", "good")
        self.refresh()
        self.changed.emit()

    def _failed(self, failed: Failed) -> None:
        self._say(f"{failed.what}. {failed.todo}", "warning")

    def _say(self, text: str, role: str) -> None:
        self.note.setText(text)
        set_role(self.note, role)

    def _lay_out(self) -> None:
        choose = button("Choose…")
        choose.clicked.connect(self._choose)
        self._form = QFormLayout()
        self._form.addRow("File", row(self.file, choose))
        self._form.addRow("Backbone", self.backbone)
        self._form.addRow("", self.unknown)
        for title, field in (
            ("Title", self.title),
            ("Trained for", self.task),
            ("Trained on", self.data),
            ("Licence", self.licence),
        ):
            self._form.addRow(title, field)
        self.unknown.toggled.connect(self._show_unknown)
        self._show_unknown(False)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.download, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.add, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        self.add.clicked.connect(self.add_file)
        self.download.clicked.connect(self.fetch)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(label(ABOUT, "muted", wrap=True))
        self.table.setMinimumHeight(96)
        layout.addWidget(self.table, 1)
        layout.addWidget(label("Add a file", "heading"))
        layout.addLayout(self._form)
        layout.addWidget(self.note)
        layout.addWidget(buttons)

    def _show_unknown(self, shown: bool) -> None:
        for field in (self.title, self.task, self.data, self.licence):
            self._form.setRowVisible(field, shown)

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Weights: choose a file", str(Path.home()), "Weights (*.pth *.safetensors)"
        )
        if chosen:
            self.file.setText(chosen)
