"""Features of images, kept by the space in which they may be compared: one file of float32 rows a space."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fineray.project.project import Project
from fineray.system.durable import sync_folder

FOLDER = "features"


class FeatureStore:
    """The kept features of one space, `width` a row. A row counts once the catalogue names it.

    Where the project may only be read, new rows are kept in memory for as long as they are asked for.
    """

    def __init__(self, project: Project, space: str, width: int) -> None:
        self._db = project.db
        self._keeps = project.read_only is None
        self._unkept: dict[str, NDArray[np.float32]] = {}
        self._space = space
        self._width = width
        folder = project.root / FOLDER
        if self._keeps:
            folder.mkdir(exist_ok=True)
        self._path = folder / f"{space}.f32"
        # The folder may have been cleared, or not have come along with a copy: what is gone is worked out anew.
        there = self._path.stat().st_size // (4 * width) if self._path.is_file() else 0
        named = self._db.execute("SELECT content_hash, row FROM feature WHERE space = ?", (space,))
        self.rows: dict[str, int] = {key: row for key, row in named if row < there}

    def append(self, keys: Sequence[str], features: NDArray[np.float32]) -> None:
        """Keep one row a key (the hash of an image's content). Raises a storage error."""
        if not self._keeps:
            self._unkept.update(zip(keys, features, strict=True))
            self.rows.update(dict.fromkeys(keys, -1))
            return
        first = max(self.rows.values(), default=-1) + 1
        if not self._path.exists():
            self._path.touch()
            sync_folder(self._path.parent)
        with self._path.open("r+b") as file:
            file.seek(first * self._width * 4)
            file.write(np.ascontiguousarray(features, dtype="<f4").tobytes())
            file.flush()
            os.fsync(file.fileno())
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO feature VALUES (?, ?, ?)",
                [(self._space, key, first + number) for number, key in enumerate(keys)],
            )
        self.rows.update((key, first + number) for number, key in enumerate(keys))

    def read(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """The rows of these keys, in their order."""
        if all(key in self._unkept for key in keys):
            return np.array([self._unkept[key] for key in keys])
        whole = self._path.stat().st_size // (4 * self._width)
        kept = np.memmap(self._path, dtype="<f4", mode="r", shape=(whole, self._width))
        rows = np.array(kept[[self.rows[key] for key in keys]])
        for number, key in enumerate(keys):
            if key in self._unkept:
                rows[number] = self._unkept[key]
        return rows


def kept_features(
    project: Project, space: str, width: int, content: Mapping[int, str]
) -> dict[int, NDArray[np.float32]]:
    """Image id -> its features [width] in a space, of those images that have some. content: image id -> hash."""
    store = FeatureStore(project, space, width)
    there = {image: key for image, key in content.items() if key in store.rows}
    return dict(zip(there, store.read(list(there.values())), strict=True)) if there else {}
