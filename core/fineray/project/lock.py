"""One writer a project: a lock that the operating system frees when its holder dies."""

from __future__ import annotations

import getpass
import json
import multiprocessing
import os
import socket
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from fineray.errors import FinerayError, storage_error

# Whoever asks whether the project is free holds the lock for an instant; a writer waits that long for it.
PATIENCE_S = 0.2


class ProjectInUse(FinerayError):
    """Another window or command has the project open."""

    def __init__(self, root: Path, holder: str) -> None:
        super().__init__(
            f"The project is open in another Fineray{f', {holder}' if holder else ''}",
            where=str(root),
            todo="Close it there first, or open another project here.",
        )
        self.holder = holder


class ProjectLock:
    """Held from construction until release(). Raises ProjectInUse, which says who holds it, or a storage error."""

    def __init__(self, root: Path) -> None:
        self._lock = FileLock(root / "project.lock", timeout=PATIENCE_S)
        self._holder = _holder_file(root)
        try:
            self._lock.acquire()
            facts = {
                "user": _user(),
                "computer": socket.gethostname(),
                "process": os.getpid(),
                "since": datetime.now().astimezone().isoformat(timespec="minutes"),
            }
            self._holder.write_text(json.dumps(facts), "utf-8")
        except Timeout as error:
            raise ProjectInUse(root, _in_words(_read(root))) from error
        except OSError as error:
            self._lock.release()
            raise storage_error(error) or error from error

    def release(self) -> None:
        """Let others in."""
        self._holder.unlink(missing_ok=True)
        self._lock.release()


def held_by_another(root: Path) -> str | None:
    """Who has the project open, in words, unless it is this program: this process, or the window that started it.

    None where nobody else has it.
    """
    who, parent = _read(root), multiprocessing.parent_process()
    ours = (os.getpid(), parent.pid if parent is not None else None)
    if who is not None and who["computer"] == socket.gethostname() and who["process"] in ours:
        return None
    lock = FileLock(root / "project.lock", timeout=0)
    try:
        with lock:
            return None
    except Timeout:
        return _in_words(who)


def _holder_file(root: Path) -> Path:
    return root / "project.lock.json"


def _read(root: Path) -> dict[str, str | int] | None:
    try:
        who = json.loads(_holder_file(root).read_text("utf-8"))
        return {name: who[name] for name in ("user", "computer", "process", "since")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _in_words(who: dict[str, str | int] | None) -> str:
    if who is None:
        return ""
    try:
        moment = datetime.fromisoformat(str(who["since"]))
    except ValueError:
        return ""
    day = "" if moment.date() == datetime.now().astimezone().date() else f" on {moment:%d %b %Y}"
    return f"by {who['user']} on {who['computer']} since {moment:%H:%M}{day}, process {who['process']}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such entry on this computer
        return "somebody"
