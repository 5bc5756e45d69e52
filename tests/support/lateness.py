"""How long the GUI thread stands still."""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import Qt, QTimer


class Lateness:
    """How late, in seconds, a 10 ms timer of the GUI thread was at worst."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer(interval=10)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Lateness:
        # Other tests have loaded torch into this process; the window's own process does not hold its million objects,
        # and should not be charged for the garbage collector's walk over them.
        gc.collect()
        gc.freeze()
        self._last = time.perf_counter()
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        gc.unfreeze()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.worst = max(self.worst, now - self._last - 0.010)
        self._last = now
