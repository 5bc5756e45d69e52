"""What a command gives back, and how it has the engine do its work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import Any

from fineray.cli.console import ConsoleMonitor
from fineray.cli.interrupting import interruptible
from fineray.engine.jobs import table as jobs
from fineray.engine.protocol import EndEvent, Failed, Finished, Stopped
from fineray.engine.requests import Request
from fineray.engine.requests.training import Pausable
from fineray.errors import FinerayError
from fineray.progress import Monitor
from fineray.project.project import CATALOGUE, open_project
from fineray.system.loading import loading_told
from fineray.training.standing import left_off

Answer = dict[str, Any]
PASSPHRASE = "FINERAY_PASSPHRASE"
PASSPHRASE_FROM = f"its passphrase is asked for, or taken from the variable {PASSPHRASE}"


@dataclass(frozen=True)
class Reply:
    """answer: the one object that --json prints; words: the same for a person."""

    answer: Answer
    words: str


def listed(answer: Answer, *more: str) -> Reply:
    """A reply whose words name each part of the answer that says something, a line each, and then `more`."""
    lines = [f"{name}: {value}" for name, value in answer.items() if value not in (None, "")]
    return Reply(answer, "\n".join([*lines, *more]))


def carry_out(request: Request, monitor: Monitor | None = None) -> Any:
    """Do a request here, with progress on standard error unless another monitor listens; its result, or its error."""
    heard = monitor or ConsoleMonitor()
    match _paused_by_signals(request, heard) if isinstance(request, Pausable) else _carried_out(request, heard):
        case Finished(_, result):
            return result
        case Failed(_, what, where, todo, details):
            if details:
                print(details, file=sys.stderr)
            raise FinerayError(what, where=where, todo=todo)
        case Stopped():
            raise KeyboardInterrupt


def _paused_by_signals(request: Pausable, monitor: Monitor) -> EndEvent:
    """The same, of what a signal pauses; says then what is kept."""
    with interruptible(monitor) as stopping:
        ended = _carried_out(request, stopping)
    if isinstance(ended, Stopped):
        with open_project(request.project) as project:
            kept = left_off(project)
        told = kept[0].standing.in_words() if kept else "Stopped."
        print(f"fineray: {told} The same command goes on from there (or: train --continue).", file=sys.stderr)
    return ended


def _carried_out(request: Request, monitor: Monitor) -> EndEvent:
    with loading_told(monitor):
        return jobs.carry_out(0, request, monitor)


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Hold the lock of a project, if one is there."""
    if not (root / CATALOGUE).is_file():
        yield
        return
    with open_project(root, lock=True):
        yield


def passphrase(twice: bool = False) -> str:
    """From the environment, or asked for."""
    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given
    typed = getpass("Passphrase of the key file: ")
    if twice and typed != getpass("Once more: "):
        raise FinerayError("The two passphrases differ", todo="Start the command again.")
    return typed
