"""What may be chosen of a label table: sheet, columns, what counts as the same, what stays as it is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from fineray.project.labels.beside import TITLES
from fineray.project.labels.cell_values import Keep
from fineray.project.labels.guessing import Guess
from fineray.project.labels.keys import KINDS, RULES, Rule
from fineray.project.labels.origins import FromTable
from fineray.project.labels.outcome import LabelPreview, TableReading
from fineray_desktop.widgets.basics import label, plain
from fineray_desktop.widgets.eliding import ChoiceBox, cut_apart

SAME: dict[Rule, str] = {
    "zeros": "Leading zeros",
    "decimal": "“.0” at the end",
    "case": "Capital and small letters",
    "extension": "The file's extension",
    "path": "All but the end of the path",
}
MENDED: dict[Keep, tuple[str, str]] = {
    "missing": (
        "Marks for no value are no label",
        "#N/A, nan, null, unknown, -, ? and their like; else they are classes",
    ),
    "spelling": ("One spelling for each class", "Case and blanks do not count; 1 is 1.0, and TRUE is yes"),
    "lists": ("Lists in a cell are findings", "Between bars or semicolons, or as Python and JSON write them"),
}
ENCODINGS = ("utf-8", "utf-16", "cp1252", "cp1250", "cp1251", "cp949", "cp932", "gb18030", "big5")
ROWS = 5  # columns that the list shows at once
LONGEST = 240  # points of a column's name
GAP = 8  # points between groups


class TableChoices(QWidget):
    """The choices for a table, as a column; changed carries the table with the new ones."""

    changed = Signal(object)  # FromTable

    def __init__(self, source: FromTable) -> None:
        super().__init__()
        self._source = source
        self.sheet, self.key, self.kind, self.encoding = ChoiceBox(), ChoiceBox(), ChoiceBox(), ChoiceBox()
        self.into = QLineEdit(placeholderText="Label set")
        self.labels = QListWidget()
        self.beside: dict[str, QCheckBox] = {}
        self.rules = {rule: QCheckBox() for rule in RULES}
        self.mended = {keep: QCheckBox() for keep in MENDED}
        self.join = QCheckBox()
        self.hidden = QCheckBox()
        for field, name in (
            (self.sheet, "Sheet"),
            (self.key, "Column that names the images"),
            (self.kind, "What that column holds"),
            (self.labels, "Columns with labels"),
            (self.into, "Label set that they go to"),
            (self.encoding, "Encoding"),
        ):
            field.setAccessibleName(name)
        self.labels.setToolTip("One column holds a class or a list of findings; several hold a finding each")
        self.join.setToolTip("Else rows that label one image differently are a conflict, and left out")
        for keep, box in self.mended.items():
            box.setToolTip(MENDED[keep][1])
        for rule, box in self.rules.items():
            box.setToolTip(f"{RULES[rule].capitalize()}; in brackets, how many rows this matches more")
        self._lay_out()
        self._connect()

    def show_preview(self, source: FromTable, preview: LabelPreview) -> None:
        """Show what was chosen, or guessed, and what else there is."""
        reading = preview.reading
        assert reading is not None
        self._source = source
        blocked = [QSignalBlocker(each) for each in (self.sheet, self.key, self.kind, self.labels, self.encoding)]
        self._fill(self.sheet, ((name, name) for name in reading.sheets), reading.sheet)
        for part in (self._sheet_text, self.sheet):
            part.setVisible(len(reading.sheets) > 1)
        self._fill(self.key, ((name, name) for name in reading.columns), reading.key)
        shares = {each.kind: _share(each) for each in reading.guesses if each.column == reading.key}
        kinds = ((title + (f" ({shares[kind]})" if kind in shares else ""), kind) for kind, title in KINDS.items())
        self._fill(self.kind, kinds, reading.kind)
        self._show_columns(reading)
        self._show_beside(reading)
        self.into.setText(preview.label_set)
        self._show_boxes(source, reading)
        encodings = dict.fromkeys((*((reading.encoding,) if reading.encoding else ()), *ENCODINGS))
        self._fill(self.encoding, ((name, name) for name in encodings), reading.encoding)
        for part in (self._encoding_text, self.encoding):
            part.setVisible((bool(reading.encoding) and reading.encoding != "utf-8-sig") or bool(source.encoding))
        del blocked

    def offer_sheets(self, names: tuple[str, ...], chosen: str) -> None:
        """The sheets of a file whose sheet on show cannot be read."""
        self._fill(self.sheet, ((name, name) for name in names), chosen)
        for part in (self._sheet_text, self.sheet):
            part.setVisible(len(names) > 1)

    def _lay_out(self) -> None:
        self._sheet_text, self._encoding_text = label("Sheet", "muted"), label("Encoding", "muted")
        self._same_text = label("Does not count in the key", "muted")
        self._beside_text = label("Beside it, to tell a patient's images apart", "muted", wrap=True)
        self._beside_place = QVBoxLayout()
        self._beside_place.setSpacing(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.setSpacing(6)
        key = (label("Images are named by", "muted"), self.key, label("which holds", "muted"), self.kind)
        labels = (label("Labels are in", "muted"), self.labels, label("and go into", "muted"), self.into)
        groups: tuple[tuple[QWidget, ...], ...] = (
            (self._sheet_text, self.sheet, self._encoding_text, self.encoding),
            (*key, self._beside_text),
            (self._same_text, *self.rules.values()),
            labels,
            (*self.mended.values(), self.join, self.hidden),
        )
        for group in groups:
            for part in group:
                layout.addWidget(part)
            if self._beside_text in group:
                layout.addLayout(self._beside_place)
            if group is not groups[0]:  # of which nothing may be on show
                layout.addSpacing(GAP)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.sheet.activated.connect(
            lambda: self._change(sheet=self.sheet.currentData(), columns=(), key="", key_kind="", beside=None)
        )
        self.encoding.activated.connect(lambda: self._change(encoding=self.encoding.currentData()))
        self.key.activated.connect(lambda: self._change(key=self.key.currentData(), key_kind="", beside=None))
        self.kind.activated.connect(
            lambda: self._change(key=self.key.currentData(), key_kind=self.kind.currentData(), beside=None)
        )
        self.labels.itemChanged.connect(lambda: self._change(columns=self._checked(), into=""))
        self.into.editingFinished.connect(self._other_set)
        for box in (*self.rules.values(), *self.mended.values(), self.join, self.hidden):
            box.clicked.connect(self._boxes_changed)

    def _boxes_changed(self) -> None:
        self._change(
            rules=tuple(rule for rule, box in self.rules.items() if box.isChecked()),
            keep=tuple(keep for keep, box in self.mended.items() if not box.isChecked()),
            several_rows="join" if self.join.isChecked() else "conflict",
            hidden=not self.hidden.isChecked(),
        )

    def _change(self, **choices: object) -> None:
        self._source = replace(self._source, **choices)  # type: ignore[arg-type]
        self.changed.emit(self._source)

    def _other_set(self) -> None:
        if self.into.isModified() and self.into.text().strip():
            self.into.setModified(False)
            self._change(into=self.into.text().strip())

    def _checked(self) -> tuple[str, ...]:
        items = (self.labels.item(line) for line in range(self.labels.count()))
        return tuple(
            item.data(Qt.ItemDataRole.UserRole) for item in items if item.checkState() == Qt.CheckState.Checked
        )

    def _fill(self, box: ChoiceBox, entries: Iterable[tuple[str, str]], chosen: str) -> None:
        box.clear()
        for text, value in entries:
            box.addItem(text, value)
        box.setCurrentIndex(max(box.findData(chosen), 0))

    def _show_columns(self, reading: TableReading) -> None:
        offered = [name for name in reading.columns if name != reading.key]
        shown = [self.labels.item(line).data(Qt.ItemDataRole.UserRole) for line in range(self.labels.count())]
        if shown != offered:
            self.labels.clear()
            for name in offered:
                item = QListWidgetItem(name, self.labels)
                item.setData(Qt.ItemDataRole.UserRole, name)
                item.setToolTip(name)
        for line, name in enumerate(offered):
            on = Qt.CheckState.Checked if name in reading.labels else Qt.CheckState.Unchecked
            self.labels.item(line).setCheckState(on)
        high = self.labels.sizeHintForRow(0) if offered else 20
        self.labels.setFixedHeight(high * max(1, min(len(offered), ROWS)) + 18)

    def _show_beside(self, reading: TableReading) -> None:
        besides = dict(reading.besides)
        if list(self.beside) != list(besides):
            while (item := self._beside_place.takeAt(0)) is not None:
                if item.widget() is not None:
                    item.widget().deleteLater()
            short = cut_apart(besides, self.fontMetrics(), LONGEST)
            self.beside = {name: QCheckBox(plain(short[name])) for name in besides}
            for box in self.beside.values():
                self._beside_place.addWidget(box)
                box.clicked.connect(
                    lambda: self._change(beside=tuple(name for name, each in self.beside.items() if each.isChecked()))
                )
        for name, box in self.beside.items():
            box.setToolTip(f"{name} states the {TITLES[besides[name]]} of an image")  # type: ignore[index]
            box.setChecked(name in reading.beside)
        self._beside_text.setVisible(bool(besides))

    def _show_boxes(self, source: FromTable, reading: TableReading) -> None:
        more = {each.rule: each for each in reading.rules}
        for rule, box in self.rules.items():
            box.setVisible(rule in more)
            if rule in more:
                box.setChecked(more[rule].on)
                box.setText(f"{SAME[rule]}{_more(more[rule].rows)}")
        self._same_text.setVisible(bool(more))
        counts = {"missing": sum(reading.missing.values()), "lists": reading.lists, "spelling": 0}
        for keep, box in self.mended.items():
            box.setChecked(keep not in source.keep)
            box.setText(MENDED[keep][0] + (f" ({counts[keep]:,})" if counts[keep] else ""))
        self.join.setText(f"Join rows of one image{f' ({reading.several:,} images)' if reading.several else ''}")
        self.join.setChecked(source.several_rows == "join")
        self.hidden.setText("Leave out hidden rows" + (f" ({reading.hidden:,})" if reading.hidden else ""))
        self.hidden.setChecked(not source.hidden)
        self.hidden.setVisible(bool(reading.hidden) or not source.hidden)


def _share(guess: Guess) -> str:
    return f"{guess.matched:.0%} found" if guess.matched else f"{guess.by_rules:.0%} found by rules"


def _more(rows: int) -> str:
    return f" ({rows:,} more)" if rows else ""
