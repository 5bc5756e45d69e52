"""Features of images, worked out once and kept under the hash of what they depend on.

`features/<space>.f32` is a flat file of float32 rows, one an image; the catalogue knows which row belongs to which
content hash. A space is a backbone's weights together with the preprocessing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from core.backbones.catalogue import Backbone
from core.backbones.runtime import TorchRuntime
from core.progress import Monitor, Progress
from core.project.catalogue import LabelledImage
from core.project.project import Project
from core.training.preprocessing import PREPROCESSING, to_input

STAGE_FEATURES = "Computing features"
BATCH = 16


def feature_space(chosen: Backbone, weights_sha256: str) -> str:
    """The name of the space in which two features may be compared: 32 hex digits."""
    network = (weights_sha256, chosen.architecture, chosen.taps)
    parts = (*network, chosen.input_size, chosen.mean, chosen.std, PREPROCESSING)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def features_of(
    project: Project, images: Sequence[LabelledImage], chosen: Backbone, runtime: TorchRuntime, monitor: Monitor
) -> NDArray[np.float32]:
    """float32 [images, features], computed where they are not kept yet. May raise Cancelled or a storage error."""
    cache = _FeatureCache(project, feature_space(chosen, runtime.weights_sha256), chosen.features)
    missing = list({image.content_hash: image for image in images if image.content_hash not in cache.rows}.values())
    monitor.report(Progress(STAGE_FEATURES, len(images) - len(missing), len(images), "images"))
    with ThreadPoolExecutor(1) as ahead:  # Pillow frees the interpreter while it resizes the next batch
        batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
        coming = ahead.submit(_inputs, project, batches[0], chosen.input_size) if batches else None
        for number, batch in enumerate(batches):
            assert coming is not None
            inputs = coming.result()
            if number + 1 < len(batches):
                coming = ahead.submit(_inputs, project, batches[number + 1], chosen.input_size)
            cache.append([image.content_hash for image in batch], runtime.features(inputs))
            done = len(images) - len(missing) + number * BATCH + len(batch)
            monitor.report(Progress(STAGE_FEATURES, done, len(images), "images"))
            monitor.check()
    return cache.read([image.content_hash for image in images])


def _inputs(project: Project, batch: Sequence[LabelledImage], side: int) -> NDArray[np.uint8]:
    return np.stack([to_input(project.pixels.read(image.stored_at), side) for image in batch])


class _FeatureCache:
    """The kept features of one space. A row counts once the catalogue names it."""

    def __init__(self, project: Project, space: str, width: int) -> None:
        self._db = project.db
        self._space = space
        self._width = width
        folder = project.root / "features"
        folder.mkdir(exist_ok=True)
        self._path = folder / f"{space}.f32"
        self.rows: dict[str, int] = dict(
            self._db.execute("SELECT content_hash, row FROM feature WHERE space = ?", (space,))
        )

    def append(self, keys: Sequence[str], features: NDArray[np.float32]) -> None:
        """Keep one row a key."""
        first = max(self.rows.values(), default=-1) + 1
        self._path.touch()
        with self._path.open("r+b") as file:
            file.seek(first * self._width * 4)
            file.write(np.ascontiguousarray(features, dtype="<f4").tobytes())
            file.flush()
            os.fsync(file.fileno())
        with self._db:
            self._db.executemany(
                "INSERT INTO feature VALUES (?, ?, ?)",
                [(self._space, key, first + number) for number, key in enumerate(keys)],
            )
        self.rows.update((key, first + number) for number, key in enumerate(keys))

    def read(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """The rows of these keys, in their order."""
        rows = np.memmap(self._path, dtype="<f4", mode="r").reshape(-1, self._width)
        return np.array(rows[[self.rows[key] for key in keys]])
