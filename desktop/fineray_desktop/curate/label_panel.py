"""Labels: choose a set and a source, look at what would happen, apply; write them out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QFrame, QInputDialog, QLineEdit, QMenu, QVBoxLayout

from fineray.engine.requests.labels import ApplyLabels, PreviewLabels
from fineray.errors import FinerayError
from fineray.project.attributes import DATE
from fineray.project.label_sets import use_label_set
from fineray.project.labels.label_file import write_labels
from fineray.project.labels.preview import (
    FromAttribute,
    FromFinding,
    FromFolders,
    FromTable,
    LabelPreview,
    LabelSource,
)
from fineray.project.labels.table_file import SUFFIXES
from fineray_desktop.curate.label_set_dialog import LabelSetDialog
from fineray_desktop.curate.table_dialog import TableDialog
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    label,
    plain,
    row,
)
from fineray_desktop.widgets.eliding import ChoiceBox

TABLES = " ".join(f"*{suffix}" for suffix in SUFFIXES)
EXAMPLES = 3
LONGEST = 36  # characters of an entry; a UID has up to 64


class LabelPanel(QFrame):
    """A card with the label sets; new labels are previewed before anything is applied."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._session = session
        self._preview: LabelPreview | None = None
        self._source: LabelSource | None = None
        self.sets = ChoiceBox()
        self.sets.setAccessibleName("Label set in use")
        self.sets.setToolTip("The label set that splits, training and review go by")
        self.new_button = button("New…", tip="Make another label set, for another question or another reader")
        tip = "CSV, Excel or another table: one column names the images, another holds their labels"
        self.csv_button = button("From a table…", tip=tip)
        self.folders_button = button("From folder names", tip="The first folder below the imported one is the label")
        self.more_button = button(
            " By attribute", "menu", tip="Labels by an attribute of the images, or one finding of several"
        )
        self.more = QMenu(self.more_button)
        self.more_button.setMenu(self.more)
        self.save_button = button("Save labels…", tip="All label sets as CSV or Excel, by pseudonym")
        self.into = QLineEdit(placeholderText="Label set")
        self.into.setAccessibleName("Label set that they go to")
        self.into.setToolTip("A set of another name is made if it is not there")
        self.apply_button = button("Apply labels", "primary")
        self.discard_button = button("Discard")
        self._now = label(role="muted", wrap=True)
        self._into_text = label("Into", "muted")
        self.text = label(wrap=True)
        self.warning = label(role="warning", wrap=True)
        self._lay_out()
        self.sets.activated.connect(self._use)
        self.new_button.clicked.connect(self._new)
        self.csv_button.clicked.connect(self._choose)
        self.folders_button.clicked.connect(lambda: self.preview(FromFolders()))
        self.more.aboutToShow.connect(self._fill_menu)
        self.save_button.clicked.connect(self._save)
        self.into.editingFinished.connect(self._other_target)
        self.apply_button.clicked.connect(self.apply)
        self.discard_button.clicked.connect(lambda: self._show(None))
        session.busy_changed.connect(self.refresh)
        session.state_changed.connect(self.refresh)
        self._show(None)

    def refresh(self) -> None:
        """Say which labels the project has."""
        state, may = self._session.state, self._session.may_change
        if state is None:
            return
        self.sets.clear()
        for each in state.label_sets:
            self.sets.addItem(each.name + (" (several findings)" if each.kind == "multi" else ""), each.name)
        self.sets.setCurrentIndex(self.sets.findData(state.label_set.name))
        size = state.counts
        if size.labelled:
            classes = [f"{name} {number:,}" for name, number in size.classes.items()]
            classes += [f"uncertain {size.uncertain:,}"] if size.uncertain else []
            self._now.setText(f"{size.labelled:,} of {size.images:,} images are labelled: {', '.join(classes)}.")
        else:
            self._now.setText("No image is labelled yet.")
        for each in (self.csv_button, self.folders_button, self.more_button):
            each.setEnabled(size.images > 0 and may)
        self.save_button.setEnabled(size.images > 0 and not self._session.busy)
        for each in (self.sets, self.new_button):
            each.setEnabled(may)
        self.apply_button.setEnabled(self._preview is not None and bool(self._preview.matched) and may)

    def preview(self, source: LabelSource) -> None:
        """Work out what labels from this source would do."""
        project = self._session.project
        if project is not None:
            self._source = source
            self._session.run(PreviewLabels(project.root, source), "Labels", self._show)

    def apply(self) -> None:
        """Write the previewed labels."""
        project = self._session.project
        if project is not None and self._preview is not None:
            self._session.run(ApplyLabels(project.root, self._preview), "Labels", self._applied)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(label("Labels", "heading"))
        chooser = row(self.sets, self.new_button)
        chooser.setStretch(0, 1)
        layout.addLayout(chooser)
        layout.addWidget(self._now)
        layout.addLayout(row(self.csv_button, self.folders_button, None))
        layout.addLayout(row(self.more_button, self.save_button, None))
        layout.addWidget(self.text)
        line = row(self._into_text, self.into)
        line.setStretch(1, 1)
        self._into_text.setMinimumWidth(52)
        layout.addLayout(line)
        layout.addWidget(self.warning)
        layout.addLayout(row(self.apply_button, self.discard_button, None))

    def _use(self, number: int) -> None:
        project = self._session.project
        if project is not None:
            use_label_set(project, self.sets.itemData(number))
            self._session.data_changed.emit()

    def _new(self) -> None:
        project = self._session.project
        if project is None:
            return
        dialog = LabelSetDialog(project, self)
        dialog.made.connect(lambda name: self._session.data_changed.emit())
        dialog.open()

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Labels: choose a table", str(Path.home()), f"Tables ({TABLES});;All files (*)"
        )
        if chosen:
            self.look_at(Path(chosen))

    def look_at(self, path: Path) -> TableDialog:
        """Open the preview of a table."""
        dialog = TableDialog(self._session, FromTable(path), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.applied.connect(self._session.data_changed)
        dialog.open()
        return dialog

    def _fill_menu(self) -> None:
        state = self._session.state
        self.more.clear()
        if state is None:
            return
        for name, title in state.attributes.items():
            if name != DATE and not name.startswith("labels: "):
                entry = self.more.addAction(plain(title))
                entry.triggered.connect(lambda checked=False, name=name: self._by_attribute(name))
        multilabel = [each for each in state.label_sets if each.kind == "multi" and each.classes]
        if multilabel:
            self.more.addSeparator()
        for each in multilabel:
            findings = self.more.addMenu(f"One finding of {plain(each.name)}")
            for finding in each.classes:
                source = FromFinding(each.name, finding)
                entry = findings.addAction(plain(finding))
                entry.triggered.connect(lambda checked=False, source=source: self.preview(source))

    def _by_attribute(self, name: str) -> None:
        cut: float | None = None
        if name == "age_years":
            cut, given = QInputDialog.getDouble(
                self, "Labels by age", "Two classes: under and from this age", 60, 0, 120
            )
            if not given:
                return
        self.preview(FromAttribute(name, cut=cut))

    def _other_target(self) -> None:
        """The set was chosen anew."""
        source, preview = self._source, self._preview
        if preview is None or source is None or self._session.busy:
            return
        into = self.into.text().strip()
        changed_set = into != preview.label_set
        match source:
            case FromTable() if changed_set:
                self.preview(replace(source, into=into))
            case FromFolders() if changed_set:
                self.preview(FromFolders(into))
            case FromAttribute(name, _, cut) if changed_set:
                self.preview(FromAttribute(name, into, cut))
            case FromFinding(name, finding, _) if changed_set:
                self.preview(FromFinding(name, finding, into))

    def _save(self) -> None:
        project = self._session.project
        chosen, _ = QFileDialog.getSaveFileName(self, "Save labels", "labels.csv", "CSV (*.csv);;Excel (*.xlsx)")
        if chosen and project is not None:
            try:
                write_labels(project, Path(chosen))
            except OSError as error:
                self._session.fail("The labels could not be saved", f"{chosen}: {error}", "Choose another place.")
            except FinerayError as error:
                self._session.fail(error.what, error.where, error.todo)

    def _applied(self, _number: int) -> None:
        self._show(None)
        self._session.data_changed.emit()

    def _show(self, preview: LabelPreview | None) -> None:
        self._preview = preview
        self.refresh()
        shown = preview is not None
        for part in (self.text, self.apply_button, self.discard_button, self.into, self._into_text):
            part.setVisible(shown)
        self.warning.setVisible(shown and bool(preview.warnings if preview else ()))
        if preview is None:
            return
        self.into.setText(preview.label_set)
        self.text.setText(describe(preview))
        self.warning.setText(" ".join(preview.warnings))


def describe(preview: LabelPreview) -> str:
    """A preview in words, one line a fact."""
    lines = [f"Preview of {preview.source}; nothing is applied yet.", f"Matched images: {len(preview.matched):,}"]
    for name, (images, patients) in preview.classes.items():
        lines.append(f"   {name}: {images:,} images of {patients:,} patients")
    lines.append(f"Images without a label: {preview.unmatched_images:,}")
    lines.append(f"Entries without an image: {len(preview.unmatched_entries):,}{_some(preview.unmatched_entries)}")
    conflicts = tuple(f"{conflict.entry} {conflict.problem}" for conflict in preview.conflicts)
    lines.append(f"Conflicting entries, left out: {len(conflicts):,}{_some(conflicts)}")
    if preview.blank:
        lines.append(f"Entries with an empty label: {preview.blank:,}")
    return "\n".join(lines)


def _some(entries: tuple[str, ...]) -> str:
    if not entries:
        return ""
    more = f" and {len(entries) - EXAMPLES:,} more" if len(entries) > EXAMPLES else ""
    return f" ({'; '.join(_short(entry) for entry in entries[:EXAMPLES])}{more})"


def _short(entry: str) -> str:
    return entry if len(entry) <= LONGEST else f"{entry[: LONGEST // 2]}…{entry[-LONGEST // 2 :]}"
