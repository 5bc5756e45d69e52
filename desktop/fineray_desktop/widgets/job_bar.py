"""The foot of the window: the job under way with its rate, remaining time and a way to stop it."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar

from fineray import RESEARCH_USE
from fineray.engine.protocol import Reported
from fineray.engine.requests.training import Pausable
from fineray.progress import Loading, Progress
from fineray_desktop.engine_client import Job
from fineray_desktop.widgets.basics import button, label
from fineray_desktop.widgets.eliding import CutLabel

PAUSE_TIP = "Stop for now; all that was done is kept, and page Train goes on from there"
CANCEL_TIP = "Stop; everything finished so far is kept"


class JobBar(QFrame):
    """Shows one job at a time; idle it says what Fineray is for."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "foot")
        self._job: Job | None = None
        self._progress: Progress | None = None
        self._said, self._library = "", ""  # how far the job is in words; what it loads just now
        self._cancelled = False
        self._title = label()
        self._text = CutLabel(role="muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setMinimumWidth(96)
        self._bar.setMaximumWidth(220)
        self._bar.setAccessibleName("Progress of the job")
        self.cancel = button("Cancel")
        self.cancel.clicked.connect(self._cancel)
        self.silence = label("The engine does not answer.", "warning")
        self.end = button("End the engine", tip="Or wait. What was finished is kept; the step can be started again")
        self._notice = CutLabel(RESEARCH_USE.removesuffix("."), "muted")
        self._notice.setMinimumWidth(118)  # its first words
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 6)
        layout.setSpacing(12)
        for part, stretch in ((self._title, 0), (self._bar, 1), (self._text, 3)):
            layout.addWidget(part, stretch)
        layout.addWidget(self.cancel)
        layout.addWidget(self.silence)
        layout.addWidget(self.end)
        layout.addStretch(1)
        layout.addWidget(self._notice, 0)
        self.setFixedHeight(46)
        self.show_silence(False)
        self._idle()

    def watch(self, job: Job, title: str) -> None:
        """Show this job until it ends."""
        self._job = job
        self._title.setText(title)
        pausable = isinstance(job.request, Pausable)
        self.cancel.setText("Pause" if pausable else "Cancel")
        self.cancel.setToolTip(PAUSE_TIP if pausable else CANCEL_TIP)
        self._progress, self._library, self._cancelled = None, "", False
        self._said = "Starting" if job.engine_runs else "Starting the engine"
        self._say()
        self.cancel.setEnabled(True)
        for part in (self._title, self._text, self._bar, self.cancel):
            part.show()
        job.reported.connect(self._reported)
        job.ended.connect(self._idle)

    def show_silence(self, silent: bool) -> None:
        """Say that the engine does not answer, and offer to end it; or stop saying so."""
        for part in (self.silence, self.end):
            part.setVisible(silent)
        for part in (self._text, self._bar, self.cancel):  # it would not hear that it is to stop
            part.setVisible(self._job is not None and not silent)

    def _reported(self, event: Reported) -> None:
        if self._job is None or event.job != self._job.number:
            return
        if self._progress is None:
            self._said = "Starting"  # the engine itself has started: it speaks
        for report in event.reports:
            if isinstance(report, Progress):
                self._progress, self._said = report, describe(report, event.rate, event.remaining)
            elif isinstance(report, Loading):
                self._library = report.library
        if not self._cancelled:
            self._say()

    def _say(self) -> None:
        """The library that is being loaded, else how far the job is."""
        progress = None if self._library else self._progress
        self._bar.setRange(0, progress.total if progress else 0)
        self._bar.setValue(progress.done if progress else 0)
        self._text.setText(f"Loading {self._library}" if self._library else self._said)

    def _cancel(self) -> None:
        if self._job is not None:
            self._cancelled = True
            self._text.setText("Stopping")
            self.cancel.setEnabled(False)
            self._job.pause()

    def _idle(self) -> None:
        self._job = None
        for part in (self._title, self._text, self._bar, self.cancel):
            part.hide()


def describe(progress: Progress, rate: float | None, remaining: float | None) -> str:
    """Progress as a person reads it."""
    text = progress.stage
    if progress.unit:
        text += f": {progress.done:,}" + (f" of {progress.total:,}" if progress.total else "") + f" {progress.unit}"
    if rate is not None and rate >= 1:
        text += f" · {rate:,.0f} a second"
    if remaining is not None and remaining >= 1:
        text += f" · {duration(remaining)} left"
    return text


def duration(seconds: float) -> str:
    """A time span in words: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
