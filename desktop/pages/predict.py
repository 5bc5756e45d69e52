"""Page Predict: a run applied to films that are in no project."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.applying.results import PredictionTable
from core.engine.model_requests import PredictFolder, WritePredictions
from core.project.runs import run, runs
from desktop.models.scored_table import ScoredTable
from desktop.session import Session
from desktop.widgets.basics import ask_output, button, card, label, number_box, row
from desktop.widgets.tables import table_view

KINDS = {".csv": "CSV", ".xlsx": "Excel"}


class PredictPage(QWidget):
    """Left what is applied to what, right what comes out."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.found: PredictionTable | None = None
        self.films: Path | None = None
        self.run = QComboBox()
        self.run.setAccessibleName("Run")
        self.point = label(role="muted", wrap=True)
        self.folder = label("No folder chosen", "muted", wrap=True)
        self.choose_button = button("Choose a folder…")
        self.abstain = QCheckBox("Say nothing between")
        self.abstain.setToolTip("Films whose probability for the class in question lies in this band get no answer")
        self.low = number_box(0.0, 1.0, 0.4, step=0.05)
        self.high = number_box(0.0, 1.0, 0.6, step=0.05)
        self.low.setAccessibleName("Lower end of the band without an answer")
        self.high.setAccessibleName("Upper end of the band without an answer")
        self.start_button = button("Apply the run", "primary")
        self.summary = label(role="muted", wrap=True)
        self.only_flagged = QCheckBox("Flagged ones only")
        self.save_button = button("Save the table…")
        self.table = ScoredTable(self)
        self.view = table_view(self.table, "What the run says of the films")
        self._results = QStackedLayout()
        self._body = QStackedLayout()
        self._lay_out()
        self.choose_button.clicked.connect(self.choose)
        self.start_button.clicked.connect(self.start)
        self.save_button.clicked.connect(self.save)
        self.only_flagged.toggled.connect(self.table.show_only)
        self.run.currentTextChanged.connect(self._show_run)
        for box in (self.low, self.high):
            self.abstain.toggled.connect(box.setEnabled)
            box.setEnabled(False)
        session.project_opened.connect(self.refresh)
        session.project_closed.connect(lambda: self._show(None))
        session.runs_changed.connect(self.refresh)
        session.busy_changed.connect(self._allow)
        self.refresh()

    def refresh(self) -> None:
        """Offer the project's runs."""
        project = self._session.project
        if project is None:
            return
        names, chosen = [folder.name for folder in runs(project)], self.run.currentText()
        self.run.blockSignals(True)
        self.run.clear()
        self.run.addItems(names)
        self.run.setCurrentText(chosen if chosen in names else names[0] if names else "")
        self.run.blockSignals(False)
        self._body.setCurrentIndex(1 if names else 0)
        self._show_run()
        self._allow()

    def choose(self) -> None:
        """Ask for the folder of films."""
        chosen = QFileDialog.getExistingDirectory(self, "Films to apply the run to")
        if chosen:
            self.take(Path(chosen))

    def take(self, films: Path) -> None:
        """Apply the run to this folder next."""
        self.films = films
        self.folder.setText(str(films))
        self._allow()

    def start(self) -> None:
        """Apply the run."""
        project = self._session.project
        if project is None or self.films is None:
            return
        band = (self.low.value(), self.high.value()) if self.abstain.isChecked() else None
        self._show(None)
        request = PredictFolder(project.root, self.run.currentText(), self.films, band)
        self._session.run(request, "Applying the run", self._show)

    def save(self) -> None:
        """Ask where the table goes."""
        name = f"{self.run.currentText()} predictions.csv"
        path = ask_output(self, "Save the table", name, KINDS)
        if path is not None:
            self.write(path)

    def write(self, path: Path) -> None:
        """Write the table there."""
        if self.found is not None:
            written = WritePredictions(self.found, path)
            self._session.run(written, "Writing the table", lambda text: self.summary.setText(f"Saved as {text}."))

    def _lay_out(self) -> None:
        form = card(
            label("What to apply", "heading"),
            row(label("Run", "muted"), self.run, None),
            self.point,
            label("To which films", "heading"),
            self.folder,
            row(self.choose_button, None),
            self.abstain,
            row(self.low, label("and", "muted"), self.high, None),
            row(self.start_button, None),
            label(
                "The films are read, scored and forgotten: the project keeps nothing of them. Films unlike those"
                " that the run learned from are flagged, those of the sealed test set are refused.",
                "muted",
                wrap=True,
            ),
        )
        form.setFixedWidth(360)
        left = QVBoxLayout()
        left.addWidget(form)
        left.addStretch(1)
        nothing = label("Choose a run and a folder; the answers appear here, film by film.", "muted")
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        answers = QWidget()
        lines = QVBoxLayout(answers)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(8)
        top = row(self.summary, self.only_flagged, self.save_button)
        top.setStretch(0, 1)
        lines.addLayout(top)
        lines.addWidget(self.view, 1)
        for column, width in enumerate((170, 110, 60)):
            self.view.setColumnWidth(column, width)
        self.view.horizontalHeader().setStretchLastSection(True)
        self._results.addWidget(nothing)
        self._results.addWidget(answers)
        work = QWidget()
        both = QHBoxLayout(work)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(14)
        both.addLayout(left)
        both.addLayout(self._results, 1)
        empty = label("No run yet. Train first; then a run can be applied to new films here.", "muted")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._body.addWidget(empty)
        self._body.addWidget(work)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(label("Predict", "title"))
        layout.addLayout(self._body, 1)

    def _show_run(self) -> None:
        project, name = self._session.project, self.run.currentText()
        if project is None or not name:
            return
        folder = run(project, name)
        frozen, metrics = folder.frozen(), folder.metrics()
        point = frozen["point"] if frozen else None
        how = (
            f"A film counts as “{point['positive']}” from {point['threshold']:.3f} on, as it was frozen."
            if point and point["positive"]
            else "A film counts as its most probable class."
        )
        self.point.setText(f"{metrics['backbone']['title']}, trained on {metrics['images']:,} films. {how}")
        self.abstain.setEnabled(len(metrics["classes"]) == 2)

    def _show(self, found: PredictionTable | None) -> None:
        self.found = found
        self.table.show_table(found)
        self._results.setCurrentIndex(0 if found is None else 1)
        if found is not None:
            nothing = "" if found.rows else " The folder holds no files."
            self.summary.setText(
                f"{found.scored:,} films scored, {found.flagged:,} of {len(found.rows):,} rows flagged.{nothing}"
            )
        self.save_button.setEnabled(found is not None and bool(found.rows))

    def _allow(self) -> None:
        self.start_button.setEnabled(self.films is not None and self.run.count() > 0 and not self._session.busy)
