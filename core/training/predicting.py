"""A finished run as something that predicts other images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.backbones.catalogue import backbone_for
from core.backbones.runtime import Runtime, best_device
from core.progress import Monitor
from core.project.catalogue import LabelledImage
from core.project.project import Project
from core.project.runs import RunFolder
from core.training.features import features_of
from core.training.head import Head
from core.training.learners import HEAD_FILE, frozen_probabilities, learned_parts
from core.training.recipe import Recipe
from core.training.temperature import probabilities
from core.training.views import Views


def probabilities_of(
    project: Project, folder: RunFolder, images: Sequence[LabelledImage], monitor: Monitor
) -> NDArray[np.float64]:
    """[images, classes] by the run's final model. Raises WeightsNotInstalled, Cancelled or a storage error."""
    recipe = Recipe.from_json((folder.path / "recipe.json").read_text("utf-8"))
    chosen, device = backbone_for(folder.path, recipe.backbone), best_device()
    head = Head.load(folder.path / HEAD_FILE)
    side, augment = recipe.side, replace(recipe.augment, views=0)
    if recipe.mode == "frozen":
        runtime = Runtime(chosen, device, recipe.pooling, side)
        features = features_of(project, images, chosen, runtime, monitor, augment, augment.test_views)
        return frozen_probabilities(head, features, augment.test_views)
    from core.training.finetuning import predict
    from core.training.network import TunedNetwork

    frozen, part = learned_parts(folder.path, chosen, recipe, device)
    tuned = TunedNetwork(part, head, recipe.tuning.dropout).to(device)
    with Views(project, frozen, side or chosen.input_size, augment, device, recipe.seed, passes=0) as views:
        views.fill(images, monitor)
        logits = predict(tuned, views, np.arange(len(images)), augment.test_views)
    return probabilities(logits, head.temperature, head.several)
