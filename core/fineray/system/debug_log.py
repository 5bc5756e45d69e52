"""A log for whoever looks for the cause of something odd: `fineray --debug`. Off unless asked for.

It names what was asked of the engine, how long that took and where in the code it ended. No values of requests, no
messages of exceptions, no paths: those may hold names of patients and people.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from fineray.system.crash_report import report_of, system_of
from fineray.system.user_folder import user_folder

VARIABLE = "FINERAY_DEBUG"  # inherited by the processes that are started
MOST_KEPT = 20


def begin_debug_log() -> Path:
    """Log from now on, in this process and in those that it starts; tells and returns the folder of the files."""
    folder = debug_folder()
    os.environ[VARIABLE] = "1"
    for old in sorted(folder.glob("*.log"))[: 1 - MOST_KEPT]:
        old.unlink(missing_ok=True)
    note(f"process {os.getpid()} begins\n{system_of()}")
    if sys.stderr is not None:  # a program with a window alone has none on Windows
        sys.stderr.write(f"fineray: a log without names goes to {folder}\n")
    return folder


def debug_folder() -> Path:
    """Where the files lie, one a process."""
    folder = user_folder() / "debug"
    folder.mkdir(exist_ok=True)
    return folder


def note(text: str) -> None:
    """Write a line, if a log is wanted. text: words of the code's own, never a value. A disk that refuses is no reason
    for another error."""
    if not os.environ.get(VARIABLE):
        return
    now = datetime.now(UTC)
    try:
        with (debug_folder() / f"{now:%Y%m%d}-{os.getpid()}.log").open("a", encoding="utf-8") as file:
            file.write(f"{now.isoformat(timespec='milliseconds')} {text}\n")
    except OSError:
        pass


@contextmanager
def noted(what: str) -> Iterator[None]:
    """Note when something begins and how it ends. what: the name of a thing of the code."""
    started = time.monotonic()
    note(f"{what} begins")
    try:
        yield
    except BaseException as error:
        note(f"{what} ends after {time.monotonic() - started:.3f} s by {type(error).__name__}\n{report_of(error)}")
        raise
    note(f"{what} ends after {time.monotonic() - started:.3f} s")
