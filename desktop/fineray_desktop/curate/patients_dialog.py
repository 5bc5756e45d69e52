"""What tells patients apart: chosen on an example path, tried on the project's own files, then applied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from fineray.engine.requests.splits import IdentifyPatients
from fineray.errors import FinerayError
from fineray.project.labels.origins import FromTable
from fineray.project.patients.from_table import columns_in_table, patients_in_table
from fineray.project.patients.identify import RulePreview, SharedNumbers, kept_rule, preview_patients, shared_numbers
from fineray.project.patients.levels import FolderLevel, folder_levels
from fineray.project.patients.rule import APART_BY, PatientRule, RuleUnusable
from fineray.project.project import Project
from fineray_desktop.loading import Loading
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, flowing, label, open_at, plain, row
from fineray_desktop.widgets.eliding import ChoiceBox

WAYS = (
    ("id", "The patient ID that the files state"),
    ("folder", "A folder of the file's path"),
    ("name", "A part of the path, by a pattern"),
    ("table", "A column of a table"),
    ("study", "The study: each one is a patient"),
    ("image", "Nothing: each image is a patient"),
)
PATTERNS = (
    ("Digits before the first _", "([0-9]+)_[^/]*$"),
    ("All before the first _", "([^/_]+)_[^/]*$"),
    ("All before the first -", "([^/-]+)-[^/]*$"),
    ("The word patient and its number", "(patient[-_ ]?[0-9]+)"),
)
ABOUT = (
    "Images of one patient stay on one side of every split. Where files name no patient, or a wrong one, say here what "
    "does; images imported before are grouped anew."
)
TYPING_MS = 250


class PatientsDialog(QDialog):
    """Chooses a rule, shows what it would do, and applies it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._loading = Loading(session.fail, self)
        session.project_closed.connect(self._loading.forget)
        self._levels: Sequence[FolderLevel] = ()
        self.setWindowTitle("What tells patients apart")
        open_at(self, 760, 620)
        self.way = ChoiceBox()
        for by, text in WAYS:
            self.way.addItem(text, by)
        self.way.setAccessibleName("What tells patients apart")
        self.levels = QButtonGroup(self)
        self.path = QWidget()
        self.pattern = QLineEdit(placeholderText="patient([0-9]+)")
        self.pattern.setToolTip("A regular expression on the path below the imported folder; its bracket is the name")
        self.pattern.setAccessibleName("Pattern of the patient's name")
        self.presets = ChoiceBox()
        self.presets.addItem("Examples…", "")
        for text, pattern in PATTERNS:
            self.presets.addItem(text, pattern)
        self.table: Path | None = None
        self.choose_button = button("Choose a table…")
        self.column = ChoiceBox()
        self.column.setAccessibleName("The table's column of patients")
        self.one_place = QCheckBox("The same name in another place is another patient")
        self.everywhere = QCheckBox("Also for images that state a patient ID")
        self.same = ChoiceBox()
        self.same.addItem("Not decided", "")
        for name, text in APART_BY.items():
            self.same.addItem(text[0].upper() + text[1:], name)
        self.same.setAccessibleName("Patient IDs that stand at several origins")
        self.question = label(role="warning", wrap=True)
        self.said = label(wrap=True)
        self.torn = label(role="warning", wrap=True)
        self.examples = QTableWidget(0, 2)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.apply_button = button("Apply", "primary")
        self.apply_button.setEnabled(False)
        self.buttons.addButton(self.apply_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self._form = QFormLayout()
        self._timer = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._lay_out()
        self._connect()
        project = session.project
        if project is not None:
            self._loading.ask(project.root, _found, self._begin)

    def rule(self) -> PatientRule:
        """The rule as it is chosen. Raises RuleUnusable."""
        by = self.way.currentData()
        return PatientRule(
            by,
            level=max(self.levels.checkedId(), 1) if by == "folder" else -1,
            pattern=self.pattern.text().strip() if by == "name" else "",
            one_place=self.one_place.isChecked() and by == "folder",
            everywhere=self.everywhere.isChecked() and by != "id",
            apart_by=self.same.currentData(),
        )

    def source(self) -> FromTable | None:
        """The table that names patients, where the rule is by one."""
        if self.way.currentData() != "table" or self.table is None:
            return None
        return FromTable(self.table, (self.column.currentText(),))

    def show_table(self, path: Path) -> None:
        """Take this table, and offer its columns; one that is called after patients is chosen."""
        try:
            columns = columns_in_table(FromTable(path))
        except FinerayError as error:
            self._problem(error)
            return
        self.table = path
        self.choose_button.setText(plain(path.name))
        self.column.clear()
        self.column.addItems(columns)
        likely = next((name for name in columns if "patient" in name.lower() or "subject" in name.lower()), columns[0])
        self.column.setCurrentIndex(self.column.findText(likely))
        self._changed()

    def accept(self) -> None:
        project = self._session.project
        try:
            rule = self.rule()
        except RuleUnusable as error:
            self._problem(error)
            return
        if project is not None:
            request = IdentifyPatients(project.root, rule, self.source())
            self._session.run(request, "Patients", lambda done: self._session.data_changed.emit())
        super().accept()

    def _lay_out(self) -> None:
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.addRow("Told by", self.way)
        self._form.addRow("Folder", self.path)
        pattern = QWidget()
        pattern.setLayout(row(self.pattern, self.presets))
        self._pattern = pattern
        self._form.addRow("Pattern", pattern)
        self._table = QWidget()
        self._table.setLayout(row(self.choose_button, self.column, None))
        self._form.addRow("Table", self._table)
        self._form.addRow("", self.one_place)
        self._form.addRow("", self.everywhere)
        self._form.addRow("Same ID", self.same)
        table = self.examples
        table.setHorizontalHeaderLabels(["Path below the imported folder", "Patient's name in it"])
        table.setAccessibleName("Examples")
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.verticalHeader().setDefaultSectionSize(26)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.setColumnWidth(1, 210)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(label(ABOUT, "muted", wrap=True))
        layout.addWidget(self.question)
        layout.addLayout(self._form)
        layout.addWidget(self.said)
        layout.addWidget(self.torn)
        layout.addWidget(table, 1)
        layout.addStretch(0)
        layout.addWidget(self.buttons)
        self.question.hide()
        self.torn.hide()

    def _connect(self) -> None:
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.presets.activated.connect(lambda: self.pattern.setText(self.presets.currentData()))
        self.choose_button.clicked.connect(self._choose_table)
        for changed in (
            self.way.currentIndexChanged,
            self.column.activated,
            self.same.currentIndexChanged,
            self.levels.idClicked,
        ):
            changed.connect(self._changed)
        for box in (self.one_place, self.everywhere):
            box.toggled.connect(self._changed)
        self.pattern.textChanged.connect(lambda: self._timer.start())
        self._timer.timeout.connect(self._changed)

    def _begin(self, found: tuple[PatientRule, SharedNumbers | None, list[FolderLevel]]) -> None:
        rule, shared, self._levels = found
        self._show_path(rule)
        self.way.setCurrentIndex(max(self.way.findData(rule.by), 0))
        self.pattern.setText(rule.pattern)
        self.one_place.setChecked(rule.one_place)
        self.everywhere.setChecked(rule.everywhere)
        self.same.setCurrentIndex(self.same.findData(rule.apart_by))
        if shared is not None:
            self.question.setText(shared.in_words())
            self.question.show()
        self._form.setRowVisible(self.same, shared is not None or bool(rule.apart_by))
        self._changed()

    def _show_path(self, rule: PatientRule) -> None:
        """The longest path that there is, a button a folder."""
        deepest = self._levels[-1] if self._levels else None
        chips = []
        for each, name in zip(self._levels, deepest.path.split("/") if deepest else (), strict=False):
            chip = button(f"{plain(name)}  ·  {each.names:,}", "choice")
            chip.setCheckable(True)
            chip.setToolTip(f"Folder {each.level}: {each.names:,} different names, such as {each.example}")
            self.levels.addButton(chip, each.level)
            chips.append(chip)
        wanted = rule.level if rule.level > 0 else len(chips) + 1 + rule.level
        chosen = self.levels.button(wanted) or (chips[0] if chips else None)
        if chosen is not None:
            chosen.setChecked(True)
        none = label("Where the files lie is not known on this computer, or they lie in no folder.", "muted", wrap=True)
        shown = flowing(*chips, spacing=4) if chips else none
        self._form.removeWidget(self.path)
        self._form.setWidget(1, QFormLayout.ItemRole.FieldRole, shown)
        self.path.deleteLater()
        self.path = shown

    def _changed(self) -> None:
        by = self.way.currentData()
        self._form.setRowVisible(self.path, by == "folder")
        self._form.setRowVisible(self._pattern, by == "name")
        self._form.setRowVisible(self._table, by == "table")
        self._form.setRowVisible(self.one_place, by == "folder")
        self._form.setRowVisible(self.everywhere, by != "id")
        self.examples.setVisible(by in ("folder", "name"))
        project = self._session.project
        if project is None:
            return
        try:
            rule = self.rule()
        except RuleUnusable as error:
            self._problem(error)
            return
        self.apply_button.setEnabled(False)
        source = self.source()
        if by == "table" and source is None:
            self.said.setText("Choose the table whose rows name images and their patients.")
            return
        self.said.setText("Trying …")
        self._loading.ask(project.root, lambda asked: _tried(asked, rule, source), self._tell)

    def _choose_table(self) -> None:
        kinds = "Tables (*.csv *.tsv *.txt *.jsonl *.xlsx *.xls *.ods)"
        chosen, _ = QFileDialog.getOpenFileName(self, "A table of patients", str(Path.home()), kinds)
        if chosen:
            self.show_table(Path(chosen))

    def _tell(self, told: RulePreview | FinerayError) -> None:
        if isinstance(told, FinerayError):
            self._problem(told)
        else:
            self._show(told)

    def _problem(self, error: FinerayError) -> None:
        self._loading.forget()
        self.said.setText(f"{error.what}. {error.todo}")
        self.apply_button.setEnabled(False)
        self.examples.setRowCount(0)
        self.torn.hide()

    def _show(self, told: RulePreview) -> None:
        parts = [f"{told.patients_after:,} patients would be told apart; now it is {told.patients_before:,}."]
        if told.alone:
            parts.append(f"{told.alone:,} images have no name by this rule: each would be a patient by itself.")
        if told.unplaced:
            parts.append(f"{told.unplaced:,} images stay as they are: where their files lie is not known here.")
        if told.elsewhere and not told.rule.one_place:
            parts.append(f"{told.elsewhere:,} names occur in several places and would count as one patient each.")
        self.said.setText(" ".join(parts))
        self.torn.setText(f"{told.torn:,} patients would stand on two sides of the latest split: make it anew then.")
        self.torn.setVisible(told.torn > 0)
        self.examples.setRowCount(len(told.examples))
        for line, (path, name) in enumerate(told.examples):
            for column, text in enumerate((path, name or "—")):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.examples.setItem(line, column, item)
        self.apply_button.setEnabled(self._session.may_change)


def _tried(project: Project, rule: PatientRule, source: FromTable | None) -> RulePreview | FinerayError:
    """What the rule would do; a table that cannot be used is told in the dialog."""
    try:
        return preview_patients(project, rule, patients_in_table(project, source) if source else None)
    except FinerayError as error:
        return error


def _found(project: Project) -> tuple[PatientRule, SharedNumbers | None, list[FolderLevel]]:
    return kept_rule(project), shared_numbers(project), folder_levels(project)
