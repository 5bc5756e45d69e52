"""A question that the review asks beside the figures, and gives up when nobody looks at its answer any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject

from fineray.engine.protocol import Failed
from fineray.engine.requests.review import ReviewRequest
from fineray_desktop.engine_client import Job
from fineray_desktop.review.state import ReviewState


class SideQuestion(QObject):
    """One question at a time. The worker does one job after another, so a question steps back while figures are worked
    out, also in the middle of its answer, and is asked anew after them; so it does while its panel is not seen."""

    def __init__(self, state: ReviewState, answered: Callable[[Any], None], failed: Callable[[Failed], None]) -> None:
        super().__init__()
        self._state, self._answered, self._failed = state, answered, failed
        self._request: ReviewRequest | None = None
        self._job: Job | None = None
        self._seen = True
        state.judging.connect(self._go_on)

    @property
    def waiting(self) -> bool:
        """Whether an answer is awaited."""
        return self._request is not None

    def ask(self, request: ReviewRequest) -> None:
        """Put it in place of the one before."""
        self.drop()
        self._request = request
        self._go_on()

    def drop(self) -> None:
        """Want no answer any more."""
        self._request = None
        self._stop()

    def see(self, seen: bool) -> None:
        """Whether its panel is on show."""
        self._seen = seen
        self._go_on()

    def _go_on(self) -> None:
        if self._request is None:
            return
        if self._state.figuring or not self._seen:
            self._stop()
        elif self._job is None:
            job = self._state.session.analyst.start(self._request)
            self._job = job
            job.finished.connect(lambda found: self._end(job, self._answered, found))
            job.failed.connect(lambda failed: self._end(job, self._failed, failed))

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _end(self, job: Job, tell: Callable[[Any], None], what: Any) -> None:
        if job is self._job:
            self._job = self._request = None
            tell(what)
