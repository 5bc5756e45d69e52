"""CheckResult files: everything below the chosen folders and inside archives, whatever the names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fineray.dicom.archive import is_archive, members
from fineray.dicom.location import FileLocation
from fineray.dicom.radiograph import UnreadableFile
from fineray.errors import FinerayError


class FolderMissing(FinerayError):
    """A folder chosen for import is not there."""


@dataclass(frozen=True)
class FoundFile:
    """A file as the file system or an archive knows it. size in bytes, mtime_ns in nanoseconds since 1970."""

    location: FileLocation
    size: int
    mtime_ns: int


def find_files(roots: Iterable[Path], on_found: Callable[[int], None] = lambda count: None) -> list[FoundFile]:
    """All regular files below `roots` and all members of ZIP archives, once each, in path order.

    A root that is a DICOMDIR stands for its folder; links to folders are not followed. An archive or a folder that
    cannot be read is listed itself. on_found(count so far) is called once a folder and may raise to stop. Raises
    FolderMissing.
    """
    found: dict[FileLocation, FoundFile] = {}
    for root in roots:
        if not root.exists():
            raise FolderMissing(
                "The folder does not exist",
                where=str(root),
                todo="Check the path, or connect the drive that holds it.",
            )
        resolved = root.resolve()
        if resolved.is_file() and resolved.name.upper() == "DICOMDIR":
            resolved = resolved.parent
        if resolved.is_file():
            status = resolved.stat()
            found.update((each.location, each) for each in _expand(resolved, status.st_size, status.st_mtime_ns))
            continue
        waiting = [resolved]
        while waiting:
            for each in _look_into(waiting.pop(), waiting):
                found[each.location] = each
            on_found(len(found))
    return [found[location] for location in sorted(found)]


def _look_into(folder: Path, below: list[Path]) -> Iterator[FoundFile]:
    """The files of one folder; its own folders are added to `below`.

    What cannot be looked at, or went away meanwhile, is listed all the same: reading it will say why.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError:
        yield _unseen(folder)
        return
    for entry in entries:
        path = Path(entry.path)
        try:
            if entry.is_dir(follow_symlinks=False):
                below.append(path)
            elif entry.is_file():
                status = entry.stat()
                yield from _expand(path, status.st_size, status.st_mtime_ns)
            elif entry.is_symlink() and not entry.is_dir():
                yield _unseen(path)
        except OSError:
            yield _unseen(path)


def _unseen(path: Path) -> FoundFile:
    return FoundFile(FileLocation(path), 0, 0)


def _expand(path: Path, size: int, mtime_ns: int) -> Iterator[FoundFile]:
    """The members of an archive, or the file itself."""
    # Opening every file to look for archives would double the work on a slow disk: the name decides first.
    if path.suffix.lower() == ".zip" and is_archive(path):
        try:
            inside = members(path)
        except UnreadableFile:
            inside = []
        for name, bytes_inside in inside:
            yield FoundFile(FileLocation(path, name), bytes_inside, mtime_ns)
        if inside:
            return
    yield FoundFile(FileLocation(path), size, mtime_ns)
