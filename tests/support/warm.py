"""Workers for tests of the window that fork from one server, which has imported the libraries: seconds saved a window.

Each is a process of its own with the environment of its test, as a spawned one; tests of starting, dying and loading
use spawned ones.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

LIBRARIES = (
    *("fineray.engine.worker", "fineray.engine.jobs.table", "fineray.training.train", "fineray.checks.run"),
    *("fineray.explaining.explain", "fineray.prediction.predict", "fineray.report.writing", "fineray.review.judging"),
)


class WarmProcesses:
    """What the window needs of a multiprocessing context."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        forkserver._forkserver._stop()  # type: ignore[attr-defined]  # an import may have started one without them
        self._context.set_forkserver_preload(list(LIBRARIES))
        forkserver.ensure_running()  # before an import asks for a server with its own libraries alone

    def Pipe(self) -> tuple[Connection, Connection]:
        """Both ends of a pipe."""
        return self._context.Pipe()

    def Process(self, *, target: Callable[..., None], args: tuple[Any, ...], **words: Any) -> BaseProcess:
        """A process that is not started yet."""
        return self._context.Process(target=_begin, args=(dict(os.environ), target, args), **words)


def _begin(environment: dict[str, str], target: Callable[..., None], args: tuple[Any, ...]) -> None:
    gc.freeze()  # what came with the server
    os.environ.clear()
    os.environ.update(environment)  # the server has that of the test that came first
    target(*args)
