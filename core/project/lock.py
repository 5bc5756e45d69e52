"""One writer a project: a lock that the operating system frees when its holder dies."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import FinerayError


class ProjectInUse(FinerayError):
    """Another window or command has the project open."""


class ProjectLock:
    """Held from construction until release(). Raises ProjectInUse, which says who holds it."""

    def __init__(self, root: Path) -> None:
        self._lock = FileLock(root / "project.lock", timeout=0)
        holder = root / "project.lock.json"
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ProjectInUse(
                f"The project is open in another Fineray{_describe(holder)}",
                where=str(root),
                todo="Close it there first, or open another project here.",
            ) from error
        holder.write_text(json.dumps({"computer": socket.gethostname(), "process": os.getpid()}))

    def release(self) -> None:
        """Let others in."""
        self._lock.release()


def _describe(holder: Path) -> str:
    try:
        who = json.loads(holder.read_text())
        return f", process {who['process']} on {who['computer']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
