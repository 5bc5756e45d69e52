"""How long the GUI thread stands still."""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import Qt, QTimer

ONCE = 0.3  # seconds that a virtual machine may take a core away, once in a while; seen with and without work of ours


class Lateness:
    """How late, in seconds, a 10 ms timer of the GUI thread was at worst; one tick of up to 0.3 s is let pass, since a
    window that stands still does so again."""

    def __init__(self) -> None:
        self._late = [0.0, 0.0]  # the two latest ticks
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

    @property
    def worst(self) -> float:
        """What counts."""
        return self._late[1] if self._late[1] > ONCE else self._late[0]

    def _tick(self) -> None:
        now = time.perf_counter()
        self._late = sorted([*self._late, now - self._last - 0.010])[1:]
        self._last = now
