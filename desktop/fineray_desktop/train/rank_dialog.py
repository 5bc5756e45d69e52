"""Which backbone suits this data? The installed ones, ranked on the project's own images."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QProgressBar, QVBoxLayout, QWidget

from fineray.engine.protocol import Reported
from fineray.engine.requests.training import RankBackbones
from fineray.progress import Progress
from fineray.training.results import Ranked
from fineray_desktop.engine_client import Job
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import button, label, open_at
from fineray_desktop.widgets.job_bar import duration
from fineray_desktop.widgets.small_table import SmallTable

ABOUT = (
    "Each installed backbone looks once at your images, and a last layer is fitted to what it sees, five times by "
    "patient. More is better, but for the time. Test parts and sealed images are not looked at; still, a backbone that "
    "was chosen here looks a little better on the same images than it is, so judge it on others."
)
COLUMNS = ("Backbone", "AUC", "95 % interval", "LogME", "H-score", "Time")
TIPS = (
    "",
    "Area under the ROC curve on patients that the last layer did not learn from",
    "Where the AUC would lie in 95 of 100 such studies",
    "How well a straight line through the features explains the labels, doubt included (You 2021)",
    "How much of what varies in the features lies between the classes (Bao 2019, Ibrahim 2022)",
    "For its features and figures on this computer",
)


class RankDialog(QDialog):
    """Starts the ranking when it opens; `chosen` carries the backbone to use."""

    chosen = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._job: Job | None = None
        self.setWindowTitle("Compare backbones")
        open_at(self, 760, 420)
        self.table = SmallTable("Backbones by rank", COLUMNS, TIPS)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.note = label("", "muted", wrap=True)
        self.start_button = button("Compare", "primary")
        self.cancel_button = button("Stop", tip="Features computed so far are kept")
        self.use = button("Use this backbone")
        self.use.setEnabled(False)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        for each in (self.start_button, self.cancel_button, self.use):
            buttons.addButton(each, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(label(ABOUT, "muted", wrap=True))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.bar)
        layout.addWidget(self.note)
        layout.addWidget(buttons)
        self.start_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(lambda: self._job and self._job.cancel())
        self.table.itemSelectionChanged.connect(lambda: self.use.setEnabled(bool(self.table.selected_key())))
        self.use.clicked.connect(self._choose)
        self._refresh("Not compared yet.")

    def start(self) -> None:
        """Rank."""
        project = self._session.project
        if project is None or not self._session.may_change:
            self._refresh(self._session.obstacle)
            return
        self._job = self._session.run(RankBackbones(project.root), "Comparing backbones", self._ranked)
        self._job.reported.connect(self._reported)
        self._job.failed.connect(lambda failed: self._refresh(f"{failed.what}. {failed.todo}"))
        self._job.stopped.connect(lambda: self._refresh("Stopped; features computed so far are kept."))
        self._job.ended.connect(self._ended)
        self._refresh("Loading…")

    def reject(self) -> None:
        if self._job is not None:
            self._job.cancel()
        super().reject()

    def _ranked(self, found: tuple[Ranked, ...]) -> None:
        rows = []
        for each in found:
            auc = "not defined" if each.auc is None else f"{each.auc:.3f}"
            low, high = each.auc_low, each.auc_high
            interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
            rows.append((each.title, auc, interval, f"{each.logme:.3f}", f"{each.h_score:.3f}", duration(each.seconds)))
        self.table.show_rows(rows, [each.backbone for each in found])
        self.table.selectRow(0)
        self._refresh(f"On {found[0].images:,} images. Where intervals overlap, the quicker one may serve as well.")

    def _reported(self, event: Reported) -> None:
        for report in event.reports:
            if isinstance(report, Progress):
                self.bar.setMaximum(report.total)
                self.bar.setValue(report.done)
                left = f", {duration(event.remaining)} left" if event.remaining else ""
                self.note.setText(f"{report.stage}: {report.done:,} of {report.total:,} {report.unit}{left}")

    def _ended(self) -> None:
        self._job = None
        self._refresh(self.note.text())

    def _choose(self) -> None:
        self.chosen.emit(self.table.selected_key())
        self.accept()

    def _refresh(self, note: str) -> None:
        self.note.setText(note)
        self.bar.setVisible(self._job is not None)
        self.start_button.setEnabled(self._job is None)
        self.cancel_button.setEnabled(self._job is not None)
