"""Features of images, worked out once and kept under the hash of what they depend on.

`features/<space>.f32` is a flat file of float32 rows, one an image; the catalogue knows which row belongs to which
content hash. A space is a backbone's weights with the preprocessing and, for augmented views, the augmentation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.backbones.catalogue import Backbone
from fineray.backbones.runtime import Runtime, openvino_wanted
from fineray.progress import Monitor, Progress
from fineray.project.catalogue import LabelledImage
from fineray.project.feature_store import FeatureStore
from fineray.project.project import Project
from fineray.training.ahead import Waiting, computed_ahead, prepared_ahead
from fineray.training.preprocessing import PREPROCESSING, to_input
from fineray.training.recipe import AugmentSettings
from fineray.training.tuning.augmentation import AUGMENTATION, Augmentation

STAGE_FEATURES = "Computing features"
STAGE_COMPILE = "Fitting the backbone to this CPU"
FEATURES = "every stage; v2"  # part of every key: change it whenever a backbone gives other features


def feature_space(chosen: Backbone, runtime: Runtime, augment: AugmentSettings | None = None, view: int = 0) -> str:
    """The name of the space in which two features may be compared: 32 hex digits. View 0 is the image itself."""
    network = (runtime.weights_sha256, chosen.architecture, FEATURES, runtime.pooling, runtime.widths)
    parts: tuple[object, ...] = (*network, runtime.input_size, chosen.mean, chosen.std, PREPROCESSING)
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
    """float32 [1 + views, images, features], computed where they are not kept yet; the images themselves come first.

    May raise Cancelled or a storage error.
    """
    width = sum(runtime.widths)
    caches = [FeatureStore(project, feature_space(chosen, runtime, augment, v), width) for v in range(1 + views)]
    wanted = {image.content_hash: image for image in images}
    missing = [
        (view, image) for view, cache in enumerate(caches) for key, image in wanted.items() if key not in cache.rows
    ]
    if openvino_wanted(runtime.device, len(missing)):
        monitor.report(Progress(STAGE_COMPILE, 0, 0, ""))  # some seconds without a word
    runtime.expect(len(missing))
    total = len(images) * (1 + views)
    monitor.report(Progress(STAGE_FEATURES, total - len(missing), total, "images"))
    augmentation = Augmentation(runtime.input_size, augment) if augment is not None and views else None

    def inputs(batch: Sequence[tuple[int, LabelledImage]]) -> NDArray[np.uint8]:
        return np.stack([to_input(project.pixels.read(image.stored_at), runtime.input_size) for _, image in batch])

    def start(batch: Sequence[tuple[int, LabelledImage]], pixels: NDArray[np.uint8]) -> Waiting:
        if augmentation is None:
            return runtime.start(pixels)
        keys = [(image.content_hash, view) if view else None for view, image in batch]
        return runtime.start(augmentation.batch(pixels, keys, runtime.device))

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
