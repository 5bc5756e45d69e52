"""What long work reports while it runs, and how it is asked to stop."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass


class Cancelled(Exception):
    """The user asked for the work to stop: a Monitor raises it.

    What is finished of the work is kept, but nothing is kept to go on from. It is no FinerayError, since nothing is
    wrong.

    Examples
    --------
    >>> import fineray
    >>> class Impatient(fineray.Monitor):
    ...     def check(self):
    ...         raise fineray.Cancelled
    >>> with fineray.open_project("study", lock=True) as project:
    ...     try:
    ...         split = fineray.make_split(project, monitor=Impatient())
    ...     except fineray.Cancelled:
    ...         print("stopped")
    stopped
    """


class Paused(Cancelled):
    """The user asked for the work to stop for now: whatever can go on later keeps all that was done."""


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units of a stage are finished; a total of 0 means that it is not known yet.

    fit, fits: which fit of how many is under way, counted from 1, where the units are those of all fits alike.
    """

    stage: str
    done: int
    total: int
    unit: str
    fit: int = 0
    fits: int = 0


@dataclass(frozen=True)
class Loading:
    """A library is being loaded, which may take seconds; empty: none any more, the work goes on."""

    library: str


@dataclass(frozen=True)
class FileResult:
    """How one file ended. status: imported, skipped or failed; reason and todo in the user's words."""

    path: str
    status: str
    reason: str
    todo: str


@dataclass(frozen=True)
class StrengthTried:
    """Mean log loss on the validation parts inside one fold's training images, for one regularisation strength."""

    fold: int
    strength: float
    validation_loss: float


@dataclass(frozen=True)
class HeadStep:
    """Log loss on the training images of a fold after an optimiser step of its head."""

    fold: int
    step: int
    training_loss: float


@dataclass(frozen=True)
class Validated:
    """AUC on the validation images of a fold after an epoch of its tuning."""

    fold: int
    epoch: int
    auc: float


@dataclass(frozen=True)
class Tried:
    """A search for settings: so many trials in a fold, and the least held-out log loss until now."""

    fold: int
    trials: int
    log_loss: float


@dataclass(frozen=True)
class Resumed:
    """A training that was stopped goes on: so many folds are done."""

    folds_done: int


@dataclass(frozen=True)
class FoldDone:
    """A fold's head has predicted the images it did not learn from. auc is None where a class is absent."""

    fold: int
    folds: int
    auc: float | None
    images: int


@dataclass(frozen=True)
class Interim:
    """What a job has to say before it is done; the request tells its type."""

    result: object


ProgressEvent = (
    Progress | Loading | FileResult | StrengthTried | HeadStep | Validated | Tried | Resumed | FoldDone | Interim
)


class Monitor:
    """The ear of long work: it hears what is done, and may stop it.

    This one ignores every report and never cancels; subclasses do more.

    Examples
    --------
    >>> import fineray
    >>> class Files(fineray.Monitor):
    ...     def report(self, what):
    ...         if isinstance(what, fineray.progress.FileResult):
    ...             print(what.status)
    >>> fineray.create_project("watched")
    >>> with fineray.open_project("watched", lock=True) as project:
    ...     _ = fineray.import_folders(project, "images/SYNTHETIC-002", monitor=Files())
    imported
    """

    def report(self, what: ProgressEvent) -> None:
        """Take notice of a report; must return quickly."""

    def check(self) -> None:
        """Raise Cancelled or Paused if the work is to stop. Called often, at points where stopping loses nothing."""


SILENT = Monitor()  # for work that nobody listens to; it keeps nothing, so that all can share it


class Quiet(Monitor):
    """Passes stopping on, and no reports: those of a part would look like those of the whole."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def check(self) -> None:
        """As the monitor of the whole."""
        self._monitor.check()


class Pace:
    """Rate and remaining time of one stage, from the last ten seconds of progress."""

    WINDOW_S = 10.0

    def __init__(self) -> None:
        self._stage = ""
        self._points: deque[tuple[float, int]] = deque()

    def update(self, progress: Progress, now: float | None = None) -> tuple[float | None, float | None]:
        """(units per second, remaining seconds) after this progress; None while they cannot be known."""
        moment = time.monotonic() if now is None else now
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._points.clear()
        self._points.append((moment, progress.done))
        while len(self._points) > 2 and moment - self._points[0][0] > self.WINDOW_S:
            self._points.popleft()
        (start, before), (end, after) = self._points[0], self._points[-1]
        if end <= start or after <= before:
            return None, None
        rate = (after - before) / (end - start)
        left = (progress.total - progress.done) / rate if progress.total else None
        return rate, left
