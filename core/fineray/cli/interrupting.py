"""Ctrl+C and a friendly kill on the command line: work stops where all that it did is kept; twice, it stops at once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fineray.progress import Monitor, Paused, ProgressEvent

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruptible(Monitor):
    """Passes everything on, and pauses the work once a signal came."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor, self._asked = monitor, False

    def report(self, what: ProgressEvent) -> None:
        """As the monitor."""
        self._monitor.report(what)

    def check(self) -> None:
        """Raise Paused where a signal came; else as the monitor."""
        if self._asked:
            raise Paused
        self._monitor.check()

    def signalled(self, _number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        sys.stderr.write("\nfineray: pausing; once more stops at once, and loses up to a minute of work.\n")


@contextmanager
def interruptible(monitor: Monitor) -> Iterator[Monitor]:
    """Within, signals pause the work that listens to the monitor given."""
    if threading.current_thread() is not threading.main_thread():
        yield monitor  # signals come to the main thread alone
        return
    listening = Interruptible(monitor)
    before = {each: signal.signal(each, listening.signalled) for each in SIGNALS}
    try:
        yield listening
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
