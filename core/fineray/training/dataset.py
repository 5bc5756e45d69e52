"""Everything that a training starts from: images, features, labels, and the facts that are kept with its run."""

from __future__ import annotations

import hashlib
import platform
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.backbones.catalogue import Backbone, backbone, weights_source
from fineray.backbones.runtime import Runtime, best_device
from fineray.backbones.surgery import architecture, feature_network, widths_of
from fineray.errors import FinerayError
from fineray.progress import Monitor, Progress
from fineray.project.catalogue import LabelledImage, labelled_images
from fineray.project.label_sets import active_label_set
from fineray.project.project import Project
from fineray.project.run_metrics import BackboneUsed
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
class TrainingInput:
    """What learners need. used: the backbone as the run keeps it; engine: that computed the features; data_sha256: of
    images and labels; made_of: hex, names images, labels and weights together."""

    backbone: Backbone
    device: torch.device
    data: Data
    used: BackboneUsed
    engine: str
    data_sha256: str
    made_of: str


def load_training_input(project: Project, split: Split, recipe: Recipe, monitor: Monitor) -> TrainingInput:
    """Load the backbone and work out the features of the split's images.

    Raises SplitOutdated, WeightsNotInstalled, Cancelled, storage errors.
    """
    if not is_current(project, split):
        raise SplitOutdated(
            "Labels were added or removed, or patients are told apart otherwise, since the split was made",
            todo="Make the split anew (page Curate).",
        )
    chosen = backbone(recipe.backbone)
    monitor.report(Progress(STAGE_MODEL, 0, 0, ""))
    device = best_device()
    part_of = parts(project, split)
    images = [image for image in labelled_images(project) if part_of[image.id] != ASIDE]
    features, used, engine = _features(project, images, chosen, recipe, device, monitor)
    data = _data(project, images, recipe, features, used.widths, part_of, groups(project, split))
    listing = "\n".join(f"{image.content_hash} {image.label}" for image in images)
    data_sha256 = hashlib.sha256(listing.encode()).hexdigest()
    made_of = hashlib.sha256(f"{data_sha256} {replace(used, source=None)}".encode()).hexdigest()
    data = data.shuffled(recipe.seed) if recipe.shuffled else data
    return TrainingInput(chosen, device, data, used, engine, data_sha256, made_of)


def _features(
    project: Project,
    images: list[LabelledImage],
    chosen: Backbone,
    recipe: Recipe,
    device: torch.device,
    monitor: Monitor,
) -> tuple[NDArray[np.float32] | None, BackboneUsed, str]:
    """(features [views, images, n], None from scratch, where nothing pretrained is used; what gave them; the engine
    that computed them)."""
    side = recipe.input_size or chosen.input_size
    if recipe.mode == "scratch":
        random = feature_network(architecture(chosen), chosen, recipe.pooling)
        used = BackboneUsed(chosen.name, chosen.title, side, "", widths_of(random), stored_side=project.store_side)
        return None, used, "torch"
    runtime = Runtime(chosen, device, recipe.pooling, recipe.input_size)
    augment = recipe.augment
    views = max(augment.views, augment.test_views) if recipe.mode == "frozen" else 0
    features = features_of(project, images, chosen, runtime, monitor, augment, views)
    # What is said of the weights is kept as it stands now: their record may be written anew.
    source, space = weights_source(chosen), feature_space(chosen, runtime)
    sha256, stored = runtime.weights_sha256, project.store_side
    used = BackboneUsed(chosen.name, chosen.title, side, sha256, runtime.widths, space, source, stored)
    return features, used, runtime.engine


def _data(
    project: Project,
    images: list[LabelledImage],
    recipe: Recipe,
    features: NDArray[np.float32] | None,
    widths: tuple[int, ...],
    part_of: dict[int, str],
    group_of: dict[int, int],
) -> Data:
    labels, label_set = [image.label for image in images], active_label_set(project)
    targets = targets_of(labels, label_set, recipe.loss)
    return Data(
        images=images,
        classes=targets.classes,
        features=features,
        widths=widths,
        targets=targets.judged,
        learned=targets.learned,
        true=targets.true,
        strata=np.unique(strata_of_labels(labels, label_set), return_inverse=True)[1].astype(np.int64),
        groups=np.array([group_of[image.id] for image in images], dtype=np.int64),
        parts=np.array([part_of[image.id] for image in images]),
        multilabel=label_set.kind == "multi",
    )


def environment() -> dict[str, str]:
    """Python and the libraries that decide figures, with their versions."""
    libraries = ("torch", "timm", "torchvision", "scikit-learn", "scipy", "numpy", "pydicom")
    return {"python": platform.python_version(), **_versions(libraries)}


def _versions(libraries: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in libraries:
        with suppress(PackageNotFoundError):  # training needs no reader of DICOM, and may run where there is none
            found[name] = version(name)
    return found
