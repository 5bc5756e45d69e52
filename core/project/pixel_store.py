"""Preprocessed pixels: 8-bit shades in presentation order, image after image in flat files.

`pixels/shard-0000.u8` holds rows of bytes, 0 black to 255 white; the catalogue knows where each image starts and
its size. An image counts only once the catalogue names it, so a write that was cut off leaves nothing but a
tail that the next write covers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

SHARD_BYTES = 1 << 30


@dataclass(frozen=True)
class StoredAt:
    """Where an image lies: shard number, offset in bytes, size in pixels."""

    shard: int
    offset: int
    rows: int
    columns: int


class PixelStore:
    """One writer appends, any number read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._maps: dict[int, np.memmap[tuple[int], np.dtype[np.uint8]]] = {}
        self._writer: BinaryIO | None = None
        self._shard = 0
        self._end = 0

    def start_writing(self, shard: int, end: int) -> None:
        """Go on after the last image that the catalogue knows (shard number, end offset in bytes)."""
        self.stop_writing()
        self._shard, self._end = shard, end
        self._open_writer()

    def append(self, image: NDArray[np.uint8]) -> StoredAt:
        """Write one image [rows, columns]; it must be named in the catalogue after flush()."""
        if self._end + image.size > SHARD_BYTES and self._end > 0:
            self.flush()
            self._shard, self._end = self._shard + 1, 0
            self._open_writer()
        assert self._writer is not None, "start_writing() comes first"
        place = StoredAt(self._shard, self._end, int(image.shape[0]), int(image.shape[1]))
        self._writer.write(np.ascontiguousarray(image).data)
        self._end += image.size
        return place

    def flush(self) -> None:
        """Put everything appended so far on the disk."""
        if self._writer is not None:
            self._writer.flush()
            os.fsync(self._writer.fileno())

    def read(self, place: StoredAt) -> NDArray[np.uint8]:
        """The image [rows, columns], read-only, straight from the file."""
        size = place.rows * place.columns
        shard = self._maps.get(place.shard)
        if shard is None or len(shard) < place.offset + size:
            shard = np.memmap(self._path(place.shard), dtype=np.uint8, mode="r")
            self._maps[place.shard] = shard
        return shard[place.offset : place.offset + size].reshape(place.rows, place.columns)

    def stop_writing(self) -> None:
        """Close the file being written."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def close(self) -> None:
        """Let go of every file."""
        self.stop_writing()
        self._maps.clear()

    def _open_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
        path = self._path(self._shard)
        self._writer = path.open("r+b" if path.exists() else "w+b")
        self._writer.seek(self._end)

    def _path(self, shard: int) -> Path:
        return self._folder / f"shard-{shard:04d}.u8"
