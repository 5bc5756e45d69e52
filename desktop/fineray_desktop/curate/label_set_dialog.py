"""A new label set: its name, its kind, its classes."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from fineray.errors import FinerayError
from fineray.project.label_sets import add_label_set, use_label_set
from fineray.project.project import Project
from fineray_desktop.widgets.basics import keep_whole, label

KEYS_OF_ONE = "Key U labels an image uncertain; it then takes no part in training."
KEYS_OF_SEVERAL = "The key of a finding takes it a step on: absent, present, doubtful, absent."


class LabelSetDialog(QDialog):
    """Makes the set and takes it into use."""

    made = Signal(str)

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self.setWindowTitle("New label set")
        self.setMinimumWidth(440)
        keep_whole(self)
        self.name = QLineEdit(placeholderText="Second reader")
        self.kind = QComboBox()
        self.kind.addItem("One class an image", "single")
        self.kind.addItem("Several findings an image", "multi")
        self.classes = QLineEdit(placeholderText="normal, effusion, nodule")
        self.classes.setToolTip("Separated by commas, in the order of the keys 1 to 9; more may come with a table")
        self.problem = label(role="warning", wrap=True)
        self.problem.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.addRow("Name", self.name)
        form.addRow("Kind", self.kind)
        form.addRow("Classes", self.classes)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addLayout(form)
        self.keys = label(role="muted", wrap=True)
        self.kind.currentIndexChanged.connect(self._say_keys)
        self._say_keys()
        layout.addWidget(self.keys)
        layout.addWidget(self.problem)
        layout.addWidget(buttons)

    def _say_keys(self) -> None:
        self.keys.setText(KEYS_OF_ONE if self.kind.currentData() == "single" else KEYS_OF_SEVERAL)

    def accept(self) -> None:
        try:
            made = add_label_set(
                self._project, self.name.text(), self.kind.currentData(), self.classes.text().split(",")
            )
            use_label_set(self._project, made.name)
        except FinerayError as error:
            self.problem.setText(f"{error.what}. {error.todo}")
            self.problem.show()
            return
        super().accept()
        self.made.emit(made.name)
