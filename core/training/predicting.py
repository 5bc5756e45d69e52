"""A finished run as something that predicts other images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from core.backbones.catalogue import backbone
from core.backbones.cutting import LearningPart, cut
from core.backbones.runtime import TorchRuntime, best_device
from core.backbones.surgery import FeatureNetwork, architecture, pretrained, without_last_layer
from core.progress import Monitor
from core.project.catalogue import LabelledImage
from core.project.project import Project
from core.project.runs import RunFolder
from core.training.features import features_of
from core.training.finetuning import TunedNetwork, predict
from core.training.head import Head
from core.training.learners import HEAD_FILE, NETWORK_FILE
from core.training.recipe import Recipe
from core.training.views import Views


def probabilities_of(
    project: Project, folder: RunFolder, images: Sequence[LabelledImage], monitor: Monitor
) -> NDArray[np.float64]:
    """[images, classes] by the run's final model. Raises WeightsNotInstalled, Cancelled or a storage error."""
    recipe = Recipe.from_json((folder.path / "recipe.json").read_text("utf-8"))
    chosen, device = backbone(recipe.backbone), best_device()
    head = Head.load(folder.path / HEAD_FILE)
    if recipe.mode == "frozen":
        return head.probabilities(features_of(project, images, chosen, TorchRuntime(chosen, device), monitor))
    frozen = None
    if recipe.mode == "finetune":
        network, _ = pretrained(chosen)
        assert isinstance(network, FeatureNetwork)
        frozen, part = cut(network, chosen, recipe.tuning.frozen_stages)
    else:
        part = LearningPart.whole(without_last_layer(architecture(chosen), chosen.taps))
    part.rest.network.load_state_dict(load_file(folder.path / NETWORK_FILE))
    if frozen is not None:
        frozen.to(device)
    tuned = TunedNetwork(part, head, recipe.tuning.dropout).to(device)
    with Views(project, chosen, frozen, device) as views:
        views.fill(images, replace(recipe.tuning, views=0), recipe.seed, monitor)
        return predict(tuned, views, np.arange(len(images)))
