"""The command line's ear: progress on standard error."""

from __future__ import annotations

import sys
import time

from fineray.progress import (
    FileResult,
    FoldDone,
    Loading,
    Monitor,
    Pace,
    Progress,
    ProgressEvent,
    Resumed,
    Tried,
)


class ConsoleMonitor(Monitor):
    """Progress as lines on standard error."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._last = ("", 0.0)

    def report(self, what: ProgressEvent) -> None:
        """Print what a person waiting wants to know, at most a line a second for each stage."""
        if isinstance(what, FileResult) and what.status == "failed":
            print(f"failed: {what.path}: {what.reason}", file=sys.stderr)
        elif isinstance(what, FoldDone) and what.auc is not None:
            print(f"fold {what.fold} of {what.folds}: AUC {what.auc:.3f} on {what.images} images", file=sys.stderr)
        elif isinstance(what, Tried):
            print(
                f"search in fold {what.fold}: {what.trials} trials, least log loss {what.log_loss:.3f}", file=sys.stderr
            )
        elif isinstance(what, Resumed):
            print(f"goes on from where it was kept; folds done before: {what.folds_done}", file=sys.stderr)
        elif isinstance(what, Loading):
            if what.library:
                print(f"Loading {what.library}", file=sys.stderr)
        elif isinstance(what, Progress):
            rate, left = self._pace.update(what)
            stage, printed = self._last
            finished = what.total > 0 and what.done == what.total
            if what.stage != stage or finished or time.monotonic() - printed > 1:
                self._last = (what.stage, time.monotonic())
                print(_progress_line(what, rate, left), file=sys.stderr)


def _progress_line(progress: Progress, rate: float | None, left: float | None) -> str:
    text = progress.stage
    if progress.unit:
        text += f": {progress.done}" + (f" of {progress.total}" if progress.total else "") + f" {progress.unit}"
    if rate is not None:
        text += f", {rate:.0f} a second"
    if left:
        text += f", {left:.0f} s left"
    return text
