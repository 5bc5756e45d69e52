"""Labels from a table: what each column is, which rows find their images, and what is read in the cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QHeaderView, QVBoxLayout, QWidget

from fineray.engine.protocol import Failed
from fineray.engine.requests.labels import ApplyLabels, PreviewLabels
from fineray.project.labels.origins import FromTable
from fineray.project.labels.outcome import LabelPreview, RowShown
from fineray.project.labels.table_file import SPREADSHEETS
from fineray.project.labels.workbook import sheet_names
from fineray_desktop.curate.table_choices import TableChoices
from fineray_desktop.engine_client import Job
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, open_at, scrolling_column
from fineray_desktop.widgets.eliding import CELL, draw_names
from fineray_desktop.widgets.scrolling import Scrolling, Tabs
from fineray_desktop.widgets.small_table import SmallTable

MOST_CONFLICTS = 200  # rows that are listed
MOST_CLASSES = 8
CHOICES = 316  # points
NOTES = 0.34  # of the height
LONGEST = 180  # points of a column that holds a path or a UID
TABS = ("Matched", "No image", "Conflicts")
NAMES = (1, 3)  # columns of keys and hints
TEXTS = (1, 2, 4)  # columns of keys, labels and hints
AS_FOUND = 4  # the column that says how a key stands in the project


class TableDialog(QDialog):
    """Previews a table anew after each choice, and applies what is on show."""

    applied = Signal()

    def __init__(self, session: Session, source: FromTable, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._source, self._asked = session, source, source
        self._job: Job | None = None
        self._preview: LabelPreview | None = None
        self.setWindowTitle(f"Labels from {source.path.name}")
        open_at(self, 980, 600)
        self.choices = TableChoices(source)
        self.summary = label("Reading the table…", "heading", wrap=True)
        self.counts = label("", wrap=True)
        self.warning = label(role="warning", wrap=True)
        self.found = SmallTable(
            "Rows with images", ("Row", "Image", "Label", "Images", "In the project"), stretched=1, names=TEXTS
        )
        self.missed = SmallTable(
            "Rows without an image", ("Row", "Image", "Label", "Perhaps"), stretched=3, names=TEXTS
        )
        self.conflicts = SmallTable("Rows in conflict", ("Row", "Image", "Conflict"), stretched=2, names=TEXTS)
        self.tabs = Tabs()
        for table in (self.found, self.missed, self.conflicts):
            table.horizontalHeader().setMaximumSectionSize(LONGEST)
            for column in NAMES:
                draw_names(table, partial(_texts, table, column), column)
            self.tabs.addTab(table, "")
        self.apply_button = button("Apply labels", "primary")
        self._lay_out()
        self.choices.changed.connect(self.preview)
        self.apply_button.clicked.connect(self.apply)
        self._say()
        self.preview(source)

    def preview(self, source: FromTable) -> None:
        """Work out what labels with these choices would do."""
        project = self._session.project
        self._source = source
        if project is None or self._job is not None:
            return  # a job under way: _ended() asks for what was chosen meanwhile
        self._asked = source
        self._start(PreviewLabels(project.root, source), self._show)

    def apply(self) -> None:
        """Write what is on show."""
        project = self._session.project
        if project is not None and self._preview is not None and self._job is None:
            self._start(ApplyLabels(project.root, self._preview), self._applied)

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self._job is not None

    def reject(self) -> None:
        if self._job is not None:
            self._job.cancel()
        super().reject()

    def _start(self, request: PreviewLabels | ApplyLabels, finished: Callable[[Any], None]) -> None:
        job = self._session.engine.start(request)
        job.finished.connect(finished)
        job.failed.connect(self._failed)
        job.ended.connect(self._ended)
        self._job = job
        self._say()

    def _lay_out(self) -> None:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.apply_button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = Scrolling(self.choices, Qt.Orientation.Vertical)
        column.setFixedWidth(CHOICES)
        self._notes = scrolling_column(self.counts, self.warning)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self.summary)
        right.addWidget(self._notes)
        right.addWidget(self.tabs, 1)
        both = QHBoxLayout()
        both.setSpacing(18)
        both.addWidget(column)
        both.addLayout(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 16)
        layout.setSpacing(12)
        layout.addLayout(both, 1)
        layout.addWidget(buttons)

    def _show(self, preview: LabelPreview) -> None:
        self._preview = preview
        if self._asked != self._source:
            return  # something else was chosen meanwhile
        reading = preview.reading
        assert reading is not None
        self.choices.show_preview(self._asked, preview)
        rows = f"{reading.matched:,} of {reading.rows:,} rows label {len(preview.matched):,} images"
        self.summary.setText(
            f"{rows}, into “{preview.label_set}”." if reading.matched else "No row labels an image yet."
        )
        self.counts.setText("\n".join(_lines(preview)))
        self.warning.setText("\n".join(preview.warnings))
        self.warning.setVisible(bool(preview.warnings))
        self.found.show_rows([_found(each) for each in reading.matched_rows], _keys(len(reading.matched_rows)))
        self.found.setColumnHidden(AS_FOUND, not any(each.note for each in reading.matched_rows))
        missed = reading.unmatched_rows
        self.missed.show_rows([(str(each.row), each.key, each.label, each.note) for each in missed], _keys(len(missed)))
        some = preview.conflicts[:MOST_CONFLICTS]
        self.conflicts.show_rows([(str(each.row), each.entry, each.problem) for each in some], _keys(len(some)))
        for table in (self.missed, self.conflicts):
            _widen_keys(table)
        numbers = (reading.matched, reading.unmatched, len(preview.conflicts))
        shown = self.tabs.currentIndex()
        for at, (title, number) in enumerate(zip(TABS, numbers, strict=True)):
            self.tabs.setTabText(at, f"{title} ({number:,})")
            self.tabs.setTabEnabled(at, number > 0)
        fullest = 0 if numbers[0] else numbers.index(max(numbers))
        self.tabs.setCurrentIndex(shown if numbers[shown] else fullest)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The notes get the height that they need, up to a share of the dialog; the rows get the rest."""
        inside = self._notes.widget()
        needed = inside.layout().totalHeightForWidth(self._notes.viewport().width())
        self._notes.setFixedHeight(max(40, min(needed, round(self.height() * NOTES))))

    def _failed(self, failed: Failed) -> None:
        self._preview = None
        self.summary.setText(failed.what)
        self.counts.setText(failed.todo)
        self.warning.hide()
        if self._source.path.suffix.lower() in SPREADSHEETS:
            self.choices.offer_sheets(sheet_names(self._source.path), self._source.sheet)
        self._fit()

    def _applied(self, _number: int) -> None:
        self.applied.emit()
        self.accept()

    def _ended(self) -> None:
        self._job = None
        if self._asked != self._source and self.isVisible():
            self.preview(self._source)
        self._say()

    def _say(self) -> None:
        matched = self._preview is not None and bool(self._preview.matched)
        self.apply_button.setEnabled(matched and self._job is None and self._session.may_change)


def _lines(preview: LabelPreview) -> list[str]:
    reading = preview.reading
    assert reading is not None
    classes = [
        f"{name}: {images:,} images of {patients:,} patients"
        for name, (images, patients) in list(preview.classes.items())[:MOST_CLASSES]
    ]
    if len(preview.classes) > MOST_CLASSES:
        classes.append(f"and {len(preview.classes) - MOST_CLASSES:,} more")
    marks = ", ".join(f"{mark} ({rows:,})" for mark, rows in reading.missing.items())
    return [
        *classes,
        f"Images that stay without a label: {preview.unmatched_images:,}",
        f"Rows without a label: {reading.blank:,}" + (f", among them {marks}" if marks else ""),
    ]


def _found(each: RowShown) -> tuple[str, ...]:
    return str(each.row), each.key, each.label, str(each.images), each.note.removeprefix("as ")


def _texts(table: SmallTable, column: int) -> list[str]:
    """What stands in a column: paths and hints are cut so that they differ."""
    return [item.text() for line in range(table.rowCount()) if (item := table.item(line, column)) is not None]


def _widen_keys(table: SmallTable) -> None:
    """The column of keys by the keys themselves: drawn cut, they would ask for no more room than that."""
    header = table.horizontalHeader()
    header.setSectionResizeMode(NAMES[0], QHeaderView.ResizeMode.Interactive)
    needed = max((table.fontMetrics().horizontalAdvance(text) for text in _texts(table, NAMES[0])), default=0) + CELL
    table.setColumnWidth(NAMES[0], max(header.sectionSizeHint(NAMES[0]), min(needed, LONGEST)))


def _keys(number: int) -> list[str]:
    return [str(line) for line in range(number)]
