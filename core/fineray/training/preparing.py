"""Everything that a training starts from: images, features, labels, and the facts that are kept with its run."""

from __future__ import annotations

import hashlib
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fineray import __version__
from fineray.backbones.catalogue import Backbone, backbone, weights_source
from fineray.backbones.runtime import Runtime, best_device, device_title
from fineray.backbones.surgery import architecture, feature_network, widths_of
from fineray.errors import FinerayError
from fineray.progress import Monitor, Progress
from fineray.project.catalogue import LabelledImage, labelled_images
from fineray.project.label_sets import active_label_set
from fineray.project.project import Project
from fineray.project.splits import (
    ASIDE,
    Split,
    groups,
    is_current,
    parts,
)
from fineray.project.splitting.strata import strata_of_labels
from fineray.training.data import Data, targets_of
from fineray.training.features import feature_space, features_of
from fineray.training.recipe import Recipe

STAGE_MODEL = "Loading the backbone's weights"


class SplitOutdated(FinerayError):
    """Labels changed after the split was made."""


@dataclass(frozen=True)
class Prepared:
    """What learners need. facts: kept with the run; made_of: hex, names images, labels and weights together."""

    chosen: Backbone
    device: torch.device
    data: Data
    facts: dict[str, Any]
    made_of: str


def prepare(project: Project, split: Split, recipe: Recipe, monitor: Monitor) -> Prepared:
    """Load the backbone and work out the features of the split's images.

    Raises SplitOutdated, WeightsNotInstalled, Cancelled, storage errors.
    """
    if not is_current(project, split):
        raise SplitOutdated(
            "Labels were added or removed since the split was made", todo="Make the split anew (page Curate)."
        )
    chosen = backbone(recipe.backbone)
    monitor.report(Progress(STAGE_MODEL, 0, 0, ""))
    device = best_device()
    part_of = parts(project, split)
    images = [image for image in labelled_images(project) if part_of[image.id] != ASIDE]
    features, network, engine = _features(project, images, chosen, recipe, device, monitor)
    data = _data(project, images, recipe, features, network["widths"], part_of, groups(project, split))
    # What is said of the weights is kept here as it stands now: their record may be written anew.
    source = {} if recipe.mode == "scratch" else {"source": asdict(weights_source(chosen))}
    facts = {**_provenance(split, device, data), "backbone": {**network, **source}, "engine": engine}
    named = f"{facts['data_sha256']} {network}"
    data = data.shuffled(recipe.seed) if recipe.shuffled else data
    return Prepared(chosen, device, data, facts, hashlib.sha256(named.encode()).hexdigest())


def _features(
    project: Project,
    images: list[LabelledImage],
    chosen: Backbone,
    recipe: Recipe,
    device: torch.device,
    monitor: Monitor,
) -> tuple[NDArray[np.float32] | None, dict[str, Any], str]:
    """(features [views, images, n], None from scratch, where nothing pretrained is used; what gave them; the engine
    that computed them)."""
    facts: dict[str, Any] = {"name": chosen.name, "title": chosen.title, "side": recipe.side or chosen.input_size}
    if recipe.mode == "scratch":
        random = feature_network(architecture(chosen), chosen, recipe.pooling)
        return None, {**facts, "weights_sha256": "", "widths": widths_of(random)}, "torch"
    runtime = Runtime(chosen, device, recipe.pooling, recipe.side)
    augment = recipe.augment
    views = max(augment.views, augment.test_views) if recipe.mode == "frozen" else 0
    features = features_of(project, images, chosen, runtime, monitor, augment, views)
    space = feature_space(chosen, runtime)
    network = {
        **facts,
        "weights_sha256": runtime.weights_sha256,
        "widths": runtime.widths,
        "feature_space": space,
    }
    return features, network, runtime.engine


def _data(
    project: Project,
    images: list[LabelledImage],
    recipe: Recipe,
    features: NDArray[np.float32] | None,
    widths: tuple[int, ...],
    part_of: dict[int, str],
    group_of: dict[int, int],
) -> Data:
    labels, chosen = [image.label for image in images], active_label_set(project)
    classes, judged, learned = targets_of(labels, chosen, recipe.loss)
    strata = np.unique(strata_of_labels(labels, chosen), return_inverse=True)[1].astype(np.int64)
    return Data(
        images=images,
        classes=classes,
        features=features,
        widths=widths,
        targets=judged,
        learned=learned,
        strata=strata,
        learned_strata=strata,
        groups=np.array([group_of[image.id] for image in images], dtype=np.int64),
        parts=np.array([part_of[image.id] for image in images]),
        multilabel=chosen.kind == "multi",
    )


def _provenance(split: Split, device: torch.device, data: Data) -> dict[str, Any]:
    listing = "\n".join(f"{image.content_hash} {image.label}" for image in data.images)
    libraries = ("torch", "timm", "torchvision", "scikit-learn", "scipy", "numpy", "pydicom")
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "fineray": __version__,
        "device": device_title(device),
        "split": {**asdict(split.plan), "hash": split.hash},
        "data_sha256": hashlib.sha256(listing.encode()).hexdigest(),
        "environment": {"python": platform.python_version(), **_versions(libraries)},
    }


def _versions(libraries: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in libraries:
        with suppress(PackageNotFoundError):  # training needs no reader of DICOM, and may run where there is none
            found[name] = version(name)
    return found
