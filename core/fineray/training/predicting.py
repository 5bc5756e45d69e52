"""A finished run as something that predicts other images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fineray.backbones.catalogue import backbone_for
from fineray.backbones.runtime import Runtime, best_device
from fineray.evaluation.predictions import Predictions
from fineray.label_values import certainties
from fineray.progress import SILENT, Monitor
from fineray.project.catalogue import LabelledImage, pseudonyms
from fineray.project.project import Project
from fineray.project.runs import RunFolder
from fineray.training.features import features_of
from fineray.training.head.head import Head
from fineray.training.head.temperature import probabilities
from fineray.training.learners import HEAD_FILE, frozen_probabilities, learned_parts
from fineray.training.recipe import Recipe
from fineray.training.tuning.views import AugmentedViews


def predicted(
    project: Project, folder: RunFolder, images: Sequence[LabelledImage], part: str, monitor: Monitor = SILENT
) -> Predictions:
    """What the run's final model says of labelled images that it did not learn from, all of one part.

    Raises what probabilities_of() raises.
    """
    metrics = folder.metrics()
    classes, multilabel = tuple(metrics["classes"]), bool(metrics.get("several"))
    ids = [image.id for image in images]
    return Predictions(
        classes=classes,
        images=np.array(ids, dtype=np.int64),
        patients=tuple(pseudonyms(project, ids)),
        parts=(part,) * len(ids),
        true=np.array([0 if multilabel else classes.index(image.label) for image in images], dtype=np.int64),
        probabilities=probabilities_of(project, folder, images, monitor),
        truth=np.array([certainties(image.label, classes) for image in images]) if multilabel else None,
    )


def probabilities_of(
    project: Project, folder: RunFolder, images: Sequence[LabelledImage], monitor: Monitor = SILENT
) -> NDArray[np.float64]:
    """[images, classes] by the run's final model. Raises WeightsNotInstalled, Cancelled or a storage error."""
    recipe = Recipe.of_run(folder.path)
    chosen, device = backbone_for(folder.path, recipe.backbone), best_device()
    head = Head.load(folder.path / HEAD_FILE)
    side, augment = recipe.side, replace(recipe.augment, views=0)
    if recipe.mode == "frozen":
        runtime = Runtime(chosen, device, recipe.pooling, side)
        features = features_of(project, images, chosen, runtime, monitor, augment, augment.test_views)
        return frozen_probabilities(head, features, augment.test_views)
    from fineray.training.tuning.finetuning import predict
    from fineray.training.tuning.network import TunedNetwork

    frozen, part = learned_parts(folder.path, chosen, recipe, device)
    tuned = TunedNetwork(part, head, recipe.tuning.dropout).to(device)
    with AugmentedViews(project, frozen, side or chosen.input_size, augment, device, recipe.seed, passes=0) as views:
        views.fill(images, monitor)
        logits = predict(tuned, views, np.arange(len(images)), augment.test_views)
    return probabilities(logits, head.temperature, head.multilabel)
