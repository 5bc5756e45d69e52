"""Where the source files lie on this workstation.

Paths often carry names (exports are sorted into folders by patient), so they stay out of the project: the
project knows a file by a keyed hash of its path, and this index, in the user's own folder, knows the rest.
A project opened elsewhere works from its pixel store until the folders are imported there again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fineray.dicom.location import FileLocation, shown
from fineray.system.user_folder import user_folder


@dataclass(frozen=True)
class SourceFile:
    """A file seen by an import. root: the folder that the user chose."""

    path_hash: str
    location: FileLocation
    root: Path


class SourceIndex:
    """The paths of one project's source files. Not shared between threads."""

    def __init__(self, project_id: str) -> None:
        folder = user_folder() / "sources"
        folder.mkdir(exist_ok=True)
        self._path = folder / f"{project_id}.sqlite"
        self._db = sqlite3.connect(self._path, timeout=30)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS source"
            " (path_hash TEXT PRIMARY KEY, path TEXT NOT NULL, root TEXT NOT NULL, member TEXT NOT NULL DEFAULT '')"
        )
        if "member" not in {column[1] for column in self._db.execute("PRAGMA table_info(source)")}:
            self._db.execute("ALTER TABLE source ADD COLUMN member TEXT NOT NULL DEFAULT ''")

    def record(self, sources: Iterable[SourceFile]) -> None:
        """Remember these files; a file known already takes its new root."""
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO source (path_hash, path, root, member) VALUES (?, ?, ?, ?)",
                [
                    (each.path_hash, _kept(str(each.location.path)), _kept(str(each.root)), _kept(each.location.member))
                    for each in sources
                ],
            )

    def location(self, path_hash: str) -> FileLocation | None:
        """The place behind a hash, or None where this workstation does not know it."""
        row = self._db.execute("SELECT path, member FROM source WHERE path_hash = ?", (path_hash,)).fetchone()
        return FileLocation(Path(_name(row[0])), _name(row[1])) if row else None

    def all(self) -> list[SourceFile]:
        """Every known file."""
        rows = self._db.execute("SELECT path_hash, path, member, root FROM source ORDER BY path, member")
        found = ((key, *map(_name, texts)) for key, *texts in rows)
        return [SourceFile(key, FileLocation(Path(path), member), Path(root)) for key, path, member, root in found]

    def roots(self) -> list[Path]:
        """Every folder that was imported."""
        return sorted(Path(_name(root)) for (root,) in self._db.execute("SELECT DISTINCT root FROM source"))

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def forget(self) -> None:
        """Delete the index, once it is closed: this workstation knows none of the files any more."""
        for path in self._path.parent.glob(f"{self._path.name}*"):
            path.unlink(missing_ok=True)


def _kept(name: str) -> str | bytes:
    """A name as SQLite can hold it: one that is no UTF-8 as its bytes."""
    return name if name == shown(name) else os.fsencode(name)


def _name(kept: str | bytes) -> str:
    return os.fsdecode(kept)
