"""Finding files: everything below the chosen folders, whatever the names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from core.errors import FinerayError


class FolderMissing(FinerayError):
    """A folder chosen for import is not there."""


@dataclass(frozen=True)
class FoundFile:
    """A regular file as the file system knows it. size in bytes, mtime_ns in nanoseconds since 1970."""

    path: Path
    size: int
    mtime_ns: int


def find_files(roots: Iterable[Path], on_found: Callable[[int], None] = lambda count: None) -> list[FoundFile]:
    """All regular files below `roots`, once each, in path order; links to folders are not followed.

    on_found(count so far) is called once a folder and may raise to stop. Raises FolderMissing.
    """
    found: dict[str, FoundFile] = {}
    for root in roots:
        if not root.exists():
            raise FolderMissing(
                "The folder does not exist",
                where=str(root),
                todo="Check the path, or connect the drive that holds it.",
            )
        if root.is_file():
            status = root.stat()
            path = root.resolve()
            found[str(path)] = FoundFile(path, status.st_size, status.st_mtime_ns)
            continue
        for folder, _, _ in os.walk(root.resolve()):
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_file():
                        status = entry.stat()
                        found[entry.path] = FoundFile(Path(entry.path), status.st_size, status.st_mtime_ns)
            on_found(len(found))
    return [found[path] for path in sorted(found)]
