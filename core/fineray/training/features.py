"""Features of images, worked out once and kept under the hash of what they depend on.

`features/<space>.f32` is a flat file of float32 rows, one an image; the catalogue knows which row belongs to which
content hash. A space is a backbone's weights with the preprocessing and, for augmented views, the augmentation.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.backbones.catalogue import Backbone
from fineray.backbones.runtime import Runtime, openvino_wanted
from fineray.progress import Monitor, Progress
from fineray.project.catalogue import LabelledImage
from fineray.project.project import Project
from fineray.system.durable import sync_folder
from fineray.training.ahead import Waiting, computed_ahead, prepared_ahead
from fineray.training.preprocessing import PREPROCESSING, to_input
from fineray.training.recipe import AugmentSettings
from fineray.training.tuning.augmentation import AUGMENTATION, Augmentation

STAGE_FEATURES = "Computing features"
STAGE_COMPILE = "Fitting the backbone to this CPU"
FEATURES = "every stage; v2"  # part of every key: change it whenever a backbone gives other features


def feature_space(chosen: Backbone, runtime: Runtime, augment: AugmentSettings | None = None, view: int = 0) -> str:
    """The name of the space in which two features may be compared: 32 hex digits. View 0 is the film itself."""
    network = (runtime.weights_sha256, chosen.architecture, FEATURES, runtime.pooling, runtime.widths)
    parts: tuple[object, ...] = (*network, runtime.side, chosen.mean, chosen.std, PREPROCESSING)
    if runtime.precision != torch.float32:
        parts = (*parts, str(runtime.precision))
    if view and augment is not None:
        parts = (*parts, AUGMENTATION, replace(augment, views=0, test_views=0), view)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def features_of(
    project: Project,
    images: Sequence[LabelledImage],
    chosen: Backbone,
    runtime: Runtime,
    monitor: Monitor,
    augment: AugmentSettings | None = None,
    views: int = 0,
) -> NDArray[np.float32]:
    """float32 [1 + views, images, features], computed where they are not kept yet; the films themselves come first.

    May raise Cancelled or a storage error.
    """
    width = sum(runtime.widths)
    caches = [_FeatureCache(project, feature_space(chosen, runtime, augment, v), width) for v in range(1 + views)]
    wanted = {image.content_hash: image for image in images}
    missing = [
        (view, image) for view, cache in enumerate(caches) for key, image in wanted.items() if key not in cache.rows
    ]
    if openvino_wanted(runtime.device, len(missing)):
        monitor.report(Progress(STAGE_COMPILE, 0, 0, ""))  # some seconds without a word
    runtime.expect(len(missing))
    total = len(images) * (1 + views)
    monitor.report(Progress(STAGE_FEATURES, total - len(missing), total, "images"))
    augmentation = Augmentation(runtime.side, augment) if augment is not None and views else None

    def inputs(batch: Sequence[tuple[int, LabelledImage]]) -> NDArray[np.uint8]:
        return np.stack([to_input(project.pixels.read(image.stored_at), runtime.side) for _, image in batch])

    def start(batch: Sequence[tuple[int, LabelledImage]], films: NDArray[np.uint8]) -> Waiting:
        if augmentation is None:
            return runtime.start(films)
        keys = [(image.content_hash, view) if view else None for view, image in batch]
        return runtime.start(augmentation.batch(films, keys, runtime.device))

    done = total - len(missing)
    starts = range(0, len(missing), runtime.batch)
    given = prepared_ahead((missing[start : start + runtime.batch] for start in starts), inputs, runtime.loaders)
    for batch, found in computed_ahead(given, start, at_once=runtime.device.type == "cpu"):
        for view in sorted({view for view, _ in batch}):
            rows = [row for row, (own, _) in enumerate(batch) if own == view]
            caches[view].append([batch[row][1].content_hash for row in rows], found[rows])
        done += len(batch)
        monitor.report(Progress(STAGE_FEATURES, done, total, "images"))
        monitor.check()
    return np.stack([cache.read([image.content_hash for image in images]) for cache in caches])


def kept_features(
    project: Project, space: str, width: int, content: Mapping[int, str]
) -> dict[int, NDArray[np.float32]]:
    """Image id -> its features [width] in a space, of those images that have some. content: image id -> hash."""
    cache = _FeatureCache(project, space, width)
    there = {image: key for image, key in content.items() if key in cache.rows}
    return dict(zip(there, cache.read(list(there.values())), strict=True)) if there else {}


class _FeatureCache:
    """The kept features of one space. A row counts once the catalogue names it.

    Where the project may only be read, new rows are kept in memory for as long as they are asked for.
    """

    def __init__(self, project: Project, space: str, width: int) -> None:
        self._db = project.db
        self._keeps = project.read_only is None
        self._unkept: dict[str, NDArray[np.float32]] = {}
        self._space = space
        self._width = width
        folder = project.root / "features"
        if self._keeps:
            folder.mkdir(exist_ok=True)
        self._path = folder / f"{space}.f32"
        # The folder may have been cleared, or not have come along with a copy: what is gone is worked out anew.
        there = self._path.stat().st_size // (4 * width) if self._path.is_file() else 0
        named = self._db.execute("SELECT content_hash, row FROM feature WHERE space = ?", (space,))
        self.rows: dict[str, int] = {key: row for key, row in named if row < there}

    def append(self, keys: Sequence[str], features: NDArray[np.float32]) -> None:
        """Keep one row a key."""
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
        kept = np.memmap(self._path, dtype="<f4", mode="r").reshape(-1, self._width)
        rows = np.array(kept[[self.rows[key] for key in keys]])
        for number, key in enumerate(keys):
            if key in self._unkept:
                rows[number] = self._unkept[key]
        return rows
