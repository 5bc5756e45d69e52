"""Preprocessed pixels: 8-bit shades in presentation order, image after image in flat files.

`pixels/shard-0000.u8` holds rows of bytes, 0 black to 255 white; the catalogue knows where each image starts and
its size. An image counts only once the catalogue names it, so a write that was cut off leaves nothing but
bytes that nobody asks for. Several processes write at once, each to shards of its own.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fineray.system.durable import sync_file, sync_folder

SHARD_BYTES = 1 << 30


@dataclass(frozen=True)
class StoredAt:
    """Where an image lies: shard number, offset in bytes, size in pixels."""

    shard: int
    offset: int
    rows: int
    columns: int


def shard_path(folder: Path, shard: int) -> Path:
    """The file of a shard."""
    return folder / f"shard-{shard:04d}.u8"


class ShardWriter:
    """Appends images to shards that no other writer touches.

    The first is `shard` from `end` on (its last used byte); when it is full, writing goes on in shard + stride.
    """

    def __init__(self, folder: Path, shard: int, end: int, stride: int) -> None:
        self._folder = folder
        self._shard, self._end, self._stride = shard, end, stride
        self._file: BinaryIO | None = None

    def append(self, image: NDArray[np.uint8]) -> StoredAt:
        """Hand one image [rows, columns] to the operating system; it is safe after sync_shards()."""
        if self._file is not None and self._end + image.size > SHARD_BYTES:
            self._file.close()
            self._file = None
            self._shard, self._end = self._shard + self._stride, 0
        if self._file is None:
            path = shard_path(self._folder, self._shard)
            path.touch()
            self._file = path.open("r+b", buffering=0)
            self._file.seek(self._end)
        place = StoredAt(self._shard, self._end, int(image.shape[0]), int(image.shape[1]))
        left = memoryview(image.tobytes())
        while left:
            left = left[self._file.write(left) :]
        self._end += image.size
        return place


def sync_shards(folder: Path, shards: Collection[int]) -> None:
    """Wait until everything written to these shards, by whichever process, is on the disk."""
    for shard in shards:
        sync_file(shard_path(folder, shard))
    if shards:
        sync_folder(folder)


class PixelStore:
    """Reads images; any number of readers may do so while writers append."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[int, BinaryIO] = {}

    def read(self, place: StoredAt) -> NDArray[np.uint8]:
        """The image [rows, columns], read-only.

        Read and not mapped: of 20,000 images of 2,048 pixels the pages of a mapped file would fill the memory.
        """
        data = self._bytes(place.shard, place.offset, place.rows * place.columns)
        return np.frombuffer(data, dtype=np.uint8).reshape(place.rows, place.columns)

    def _bytes(self, shard: int, offset: int, size: int) -> bytes:
        if not hasattr(os, "pread"):  # Windows: several threads may not share a file's position
            with shard_path(self.folder, shard).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        known = self._files.get(shard)
        if known is None:
            opened: BinaryIO = shard_path(self.folder, shard).open("rb")
            known = self._files.setdefault(shard, opened)
            if known is not opened:  # another thread was quicker
                opened.close()
        return os.pread(known.fileno(), size, offset)

    def free_shards(self) -> Iterator[int]:
        """Numbers of shards that no writer has ever used, without end."""
        used = [int(path.stem.rpartition("-")[2]) for path in self.folder.glob("shard-*.u8")]
        return itertools.count(max(used, default=-1) + 1)

    def close(self) -> None:
        """Let go of every file."""
        for file in self._files.values():
            file.close()
        self._files.clear()
