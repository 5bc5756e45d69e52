"""Faults of the layout, looked for in every situation of the window."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QSize
from PySide6.QtWidgets import QApplication, QWidget

from fineray_desktop.loading import Loading
from fineray_desktop.main_window import MainWindow
from tests.support.layout import faults
from tests.support.situations import every_situation, start_situations


def settled(window: MainWindow) -> None:
    """Wait until nothing is being read, and the review has drawn its run."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        QApplication.processEvents()
        review = window._pages.get("Review")
        state = review.state if review is not None else None
        waits = any(each.busy for each in window.findChildren(Loading)) or (
            state is not None and (state.run is None or state._drawn.isActive() or state._settled.isActive())
        )
        if not waits:
            return
    raise AssertionError("the window did not settle")


def faults_when_settled(shown: QWidget, size: QSize) -> list[str]:
    """What is wrong once layouts, which settle step by step, have had their time; a busy computer gives them less."""
    found: list[str] = []
    for _ in range(6):
        for _ in range(8):
            QApplication.processEvents()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        found = list(faults(shown, size))
        if not found:
            break
    return found


def found_faults(window: MainWindow, root: Path, sizes: tuple[QSize, ...]) -> dict[str, list[str]]:
    """Fault -> the situations in which it was seen."""
    seen: dict[str, list[str]] = {}
    window.setUpdatesEnabled(False)  # laid out, but not painted, which takes most of the time

    def look(name: str, shown: QWidget) -> None:
        for size in sizes:
            window.resize(size)
            if shown is not window:
                shown.setUpdatesEnabled(False)
                shown.resize(shown.size().boundedTo(size))
            for fault in faults_when_settled(shown, size):
                seen.setdefault(fault, []).append(f"{size.width()} × {size.height()}: {name}")

    for situation in (start_situations(window), every_situation(window, root, settled)):
        for name, shown in situation:
            look(name, shown)
    return seen
