"""Labels: choose a source, look at what would happen, apply."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QFrame, QVBoxLayout

from core.engine.messages import ApplyLabels, PreviewLabels
from core.project.catalogue import counts
from core.project.labels import LabelPreview
from desktop.session import Session
from desktop.widgets.basics import button, label, row

EXAMPLES = 3
LONGEST = 36  # characters of an entry; a UID has up to 64


class LabelPanel(QFrame):
    """A card that previews labels before anything is applied."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._session = session
        self._preview: LabelPreview | None = None
        tip = "CSV or Excel with the columns label, and one of file, sop_instance_uid, patient_id"
        self.csv_button = button("From a table…", tip=tip)
        self.folders_button = button("From folder names", tip="The first folder below the imported one is the label")
        self.apply_button = button("Apply labels", "primary")
        self.discard_button = button("Discard")
        self._now = label(role="muted", wrap=True)
        self.text = label(wrap=True)
        self.warning = label(role="warning", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(8)
        for part in (label("Labels", "heading"), self._now):
            layout.addWidget(part)
        layout.addLayout(row(self.csv_button, self.folders_button, None))
        for part in (self.text, self.warning):
            layout.addWidget(part)
        layout.addLayout(row(self.apply_button, self.discard_button, None))
        self.csv_button.clicked.connect(self._choose)
        self.folders_button.clicked.connect(lambda: self.preview(None))
        self.apply_button.clicked.connect(self.apply)
        self.discard_button.clicked.connect(lambda: self._show(None))
        session.busy_changed.connect(self.refresh)
        self._show(None)

    def refresh(self) -> None:
        """Say which labels the project has."""
        project = self._session.project
        if project is None:
            return
        size = counts(project)
        if size.labelled:
            classes = ", ".join(f"{name} {number:,}" for name, number in size.classes.items())
            self._now.setText(f"{size.labelled:,} of {size.images:,} images are labelled: {classes}.")
        else:
            self._now.setText("No image is labelled yet.")
        for each in (self.csv_button, self.folders_button):
            each.setEnabled(size.images > 0 and not self._session.busy)
        self.apply_button.setEnabled(
            self._preview is not None and bool(self._preview.matched) and not self._session.busy
        )

    def preview(self, table: Path | None) -> None:
        """Work out what labels from this table (or from folder names) would do."""
        project = self._session.project
        if project is not None:
            self._session.run(PreviewLabels(project.root, table), "Labels", self._show)

    def apply(self) -> None:
        """Write the previewed labels."""
        project = self._session.project
        if project is not None and self._preview is not None:
            self._session.run(ApplyLabels(project.root, self._preview), "Labels", self._applied)

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self,
            "Labels: choose a CSV or Excel file",
            str(Path.home()),
            "Tables (*.csv *.tsv *.txt *.xlsx);;All files (*)",
        )
        if chosen:
            self.preview(Path(chosen))

    def _applied(self, number: int) -> None:
        self._show(None)
        self._session.data_changed.emit()

    def _show(self, preview: LabelPreview | None) -> None:
        self._preview = preview
        self.refresh()
        shown = preview is not None
        for part in (self.text, self.apply_button, self.discard_button):
            part.setVisible(shown)
        self.warning.setVisible(shown and bool(preview.warnings if preview else ()))
        if preview is None:
            return
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
