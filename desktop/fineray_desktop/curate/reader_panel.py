"""Two readers' labels side by side: kappa, the cross table, and the images on which they disagree."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QFrame, QGridLayout, QVBoxLayout, QWidget

from fineray.engine.requests.labels import CompareReaders
from fineray.review.agreement import Agreement
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, row
from fineray_desktop.widgets.eliding import ChoiceBox, cut_apart
from fineray_desktop.widgets.scrolling import sideways

KAPPA = "Cohen's kappa: agreement beyond what chance alone would give; 1 is complete, 0 is chance"

LONGEST = 84  # points of a class above its column


class ReaderPanel(QFrame):
    """A card that compares two label sets."""

    show_images = Signal(object)  # tuple of image ids
    compared = Signal(str)  # name of the second set, empty when the comparison is put away

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._session = session
        self._found: Agreement | None = None
        self.first, self.second = ChoiceBox(), ChoiceBox()
        self.first.setAccessibleName("First reader")
        self.second.setAccessibleName("Second reader")
        self.compare_button = button("Compare", "primary")
        self.put_away = button("Put away", tip="Show one label set in the table again")
        self.figure = label(role="figure", tip=KAPPA)
        self.text = label(wrap=True)
        self.show_button = button("", "link")
        self.state = label(role="muted", wrap=True)
        self._table = QWidget()
        self._sides = label(role="muted", wrap=True)
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 4, 0, 0)
        self._grid.setHorizontalSpacing(14)
        form = QFormLayout()
        form.addRow("First", self.first)
        form.addRow("Second", self.second)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 14)
        layout.setSpacing(8)
        layout.addWidget(label("Two readers", "heading"))
        layout.addWidget(self.state)
        layout.addLayout(form)
        layout.addLayout(row(self.compare_button, self.put_away, None))
        self._frame = sideways(self._table)
        for part in (self.figure, self.text, self._sides, self._frame):
            layout.addWidget(part)
        layout.addLayout(row(self.show_button, None))
        self.compare_button.clicked.connect(self.compare)
        self.put_away.clicked.connect(lambda: self._show(None))
        self.show_button.clicked.connect(lambda: self._found and self.show_images.emit(self._found.disagreements))
        session.state_changed.connect(self.refresh)
        session.busy_changed.connect(self.refresh)
        session.project_closed.connect(lambda: self._show(None))
        self._show(None)

    def refresh(self) -> None:
        """Offer the project's label sets."""
        state = self._session.state
        if state is None:
            return
        names = [each.name for each in state.label_sets]
        for number, box in enumerate((self.first, self.second)):
            if [box.itemText(each) for each in range(box.count())] != names:
                chosen = box.currentText()
                box.clear()
                box.addItems(names)
                box.setCurrentIndex(names.index(chosen) if chosen in names else min(number, len(names) - 1))
        enough = len(names) > 1
        if enough and self.first.currentText() == self.second.currentText():
            self.second.setCurrentIndex(1 if self.first.currentIndex() == 0 else 0)
        self.state.setText(
            "How far do two label sets agree, and on which images not?"
            if enough
            else "Each reader's labels are a label set of their own. Make a second one first (tab Labels)."
        )
        self.compare_button.setEnabled(enough and not self._session.busy)

    def compare(self) -> None:
        """Compare the two sets."""
        project = self._session.project
        if project is not None:
            request = CompareReaders(project.root, self.first.currentText(), self.second.currentText())
            self._session.run(request, "Comparing readers", self._show)

    def _show(self, found: Agreement | None) -> None:
        self._found = found
        self.refresh()
        for part in (self.figure, self.text, self._sides, self._frame, self.put_away):
            part.setVisible(found is not None)
        self.show_button.setVisible(found is not None and bool(found.disagreements))
        state = self._session.state
        if found is None:
            self.compared.emit("")
            return
        in_use = state.label_set.name if state is not None else ""
        self.compared.emit(found.first if found.second == in_use else found.second)
        kappa = found.kappa
        shown = "undefined" if kappa.value is None else f"{kappa.value:.2f}"
        interval = "" if kappa.low is None else f" (95 % {kappa.low:.2f} to {kappa.high:.2f})"
        self.figure.setText(f"κ {shown}")
        alone = found.only_first + found.only_second
        self.text.setText(
            f"Cohen's kappa{interval}, {kappa.method}. {found.agreed:.0%} of {kappa.n:,} images are labelled alike."
            + (f" {alone:,} images carry a label in one set only." if alone else "")
        )
        number = len(found.disagreements)
        self.show_button.setText(f"Show the {number:,} image{'s' * (number != 1)} on which they differ")
        self._fill(found)

    def _fill(self, found: Agreement) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        self._sides.setText(f"Rows: {found.first}. Columns: {found.second}.")
        short = cut_apart(found.classes, self.fontMetrics(), LONGEST)
        for column, name in enumerate(found.classes, start=1):
            heading = label(short[name], "muted", tip=name)
            self._grid.addWidget(heading, 0, column, Qt.AlignmentFlag.AlignRight)
        for line, (name, counts) in enumerate(zip(found.classes, found.table, strict=True), start=1):
            self._grid.addWidget(label(name, wrap=True), line, 0)
            for column, count in enumerate(counts, start=1):
                self._grid.addWidget(label(f"{count:,}"), line, column, Qt.AlignmentFlag.AlignRight)
