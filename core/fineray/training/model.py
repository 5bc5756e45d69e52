"""A finished run as a network: put together in this one place, whether it predicts, is explained or exported."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.backbones.catalogue import Backbone, backbone_for
from fineray.backbones.cutting import FrozenPart, LearningPart
from fineray.backbones.runtime import Runtime, best_device, shades
from fineray.backbones.surgery import Pooling, pooled
from fineray.evaluation.predictions import Predictions
from fineray.label_values import certainties
from fineray.progress import Monitor
from fineray.project.catalogue import LabelledImage, pseudonyms
from fineray.project.project import Project
from fineray.project.runs import RunFolder
from fineray.training.features import features_of
from fineray.training.head.head import Head
from fineray.training.head.temperature import probabilities
from fineray.training.learners import HEAD_FILE, fold_head_file, frozen_probabilities, learned_parts
from fineray.training.preprocessing import to_input
from fineray.training.recipe import Recipe
from fineray.training.tuning.network import TunedNetwork
from fineray.training.tuning.views import AugmentedViews


@dataclass(frozen=True, eq=False)  # equal to itself alone: it holds arrays, and what is made of it is kept by it
class TrainedModel:
    """A run's model on one device. frozen: the stages before those that were tuned, None where none were cut off;
    runtime: computes and keeps features, where the whole backbone is frozen; held_out: whether it is the one that did
    not learn from the images of the fold it was asked for."""

    recipe: Recipe
    backbone: Backbone
    head: Head
    classes: tuple[str, ...]
    frozen: FrozenPart | None
    tuned: TunedNetwork
    runtime: Runtime | None
    device: torch.device
    held_out: bool

    @property
    def multilabel(self) -> bool:
        """Whether classes are findings that may stand side by side."""
        return self.head.multilabel

    @property
    def temperature(self) -> float:
        """That divides the logits."""
        return self.head.temperature

    @property
    def pooling(self) -> Pooling:
        """How each stage's map becomes features."""
        return self.recipe.pooling

    @property
    def input_size(self) -> int:
        """Pixels a side of the square input."""
        return self.recipe.input_size or self.backbone.input_size

    def predict(self, project: Project, images: Sequence[LabelledImage], monitor: Monitor) -> NDArray[np.float64]:
        """Probabilities [images, classes] of a project's images, averaged over their test views where the recipe says
        so. Raises Cancelled or a storage error."""
        augment = replace(self.recipe.augment, views=0)
        if self.runtime is not None:
            features = features_of(project, images, self.backbone, self.runtime, monitor, augment, augment.test_views)
            return frozen_probabilities(self.head, features, augment.test_views)
        from fineray.training.tuning.finetuning import predict  # lightning_fabric is slow to import

        seed = self.recipe.seed
        with AugmentedViews(project, self.frozen, self.input_size, augment, self.device, seed, passes=0) as views:
            views.fill(images, monitor)
            logits = predict(self.tuned, views, np.arange(len(images)), augment.test_views)
        return probabilities(logits, self.temperature, self.multilabel)

    def inputs(self, stored: list[NDArray[np.uint8]]) -> torch.Tensor:
        """Stored images of any size -> shades [images, 1, side, side] on the device."""
        return shades(np.stack([to_input(one, self.input_size) for one in stored]), self.device)

    def maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """The map of each stage, the first stage first, from shades as inputs() gives them."""
        with torch.inference_mode(False), torch.no_grad():
            if self.frozen is None:
                return self.tuned.part.rest.maps(images)
            activations, before = self.frozen.maps(images)
            return [*before, *self.tuned.part.rest.maps(activations)]

    def scores(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """How far each class stands out, [images, classes], from maps: the logit of a finding, or the logit of a class
        less the mean of the others'."""
        logits = self.logits(maps)
        if self.multilabel:
            return logits
        others = (logits.sum(dim=1, keepdim=True) - logits) / (logits.shape[1] - 1)
        return logits - others

    def probabilities(self, images: torch.Tensor) -> NDArray[np.float64]:
        """[images, classes] from shades."""
        with torch.no_grad():
            logits = self.logits(self.maps(images)).double().cpu().numpy()
        return probabilities(logits, self.temperature, self.multilabel)

    def logits(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """[images, classes], before the temperature, from maps."""
        return self.tuned.logits(torch.cat([pooled(each, self.pooling) for each in maps], dim=1))

    def randomised(self, seed: int = 0) -> TrainedModel:
        """The same architecture that learned nothing: every weight is drawn anew from the spread of its tensor."""
        random = torch.Generator().manual_seed(seed)

        def scrambled(module: torch.nn.Module | None) -> None:
            for parameter in module.parameters() if module is not None else ():
                if parameter.dim() > 1:
                    drawn = torch.randn(parameter.shape, generator=random) * float(parameter.detach().std())
                    parameter.data.copy_(drawn)

        frozen, tuned = copy.deepcopy(self.frozen), copy.deepcopy(self.tuned)
        scrambled(frozen)
        scrambled(tuned)
        return replace(self, frozen=frozen, tuned=tuned)


def trained_model(folder: RunFolder, fold: str = "") -> TrainedModel:
    """The run's final model, or, where the run kept it, the one that did not see the images of a fold.

    Kept in memory between questions about the same run. Raises WeightsNotInstalled, or OSError for a run without its
    files.
    """
    head = folder.path / fold_head_file(fold)
    own = bool(fold) and head.is_file()
    path = head if own else folder.path / HEAD_FILE
    return _load(folder.path, path.name, path.stat().st_mtime_ns, own)


@lru_cache(maxsize=2)
def _load(folder: Path, head_name: str, _changed: int, held_out: bool) -> TrainedModel:
    recipe, classes = Recipe.of_run(folder), RunFolder(folder).metrics().classes
    chosen, device = backbone_for(folder, recipe.backbone), best_device()
    head = Head.load(folder / head_name)
    frozen: FrozenPart | None = None
    runtime: Runtime | None = None
    if recipe.mode == "frozen":
        runtime = _runtime(chosen, device, recipe.pooling, recipe.input_size)
        part = LearningPart.whole(runtime.network)
    else:
        frozen, part = learned_parts(folder, chosen, recipe, device)
    tuned = TunedNetwork(part, head, 0.0).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    tuned = tuned.eval().requires_grad_(False)
    return TrainedModel(recipe, chosen, head, classes, frozen, tuned, runtime, device, held_out)


@lru_cache(maxsize=1)
def _runtime(chosen: Backbone, device: torch.device, pooling: Pooling, side: int) -> Runtime:
    return Runtime(chosen, device, pooling, side)


def predicted(
    project: Project, folder: RunFolder, images: Sequence[LabelledImage], part: str, monitor: Monitor
) -> Predictions:
    """What the run's final model says of labelled images that it did not learn from, all of one part.

    Raises what trained_model() and TrainedModel.predict() raise.
    """
    model = trained_model(folder)
    classes, ids = model.classes, [image.id for image in images]
    multilabel = model.multilabel
    return Predictions(
        classes=classes,
        images=np.array(ids, dtype=np.int64),
        patients=tuple(pseudonyms(project, ids)),
        parts=(part,) * len(ids),
        true=np.array([0 if multilabel else classes.index(image.label) for image in images], dtype=np.int64),
        probabilities=model.predict(project, images, monitor),
        truth=np.array([certainties(image.label, classes) for image in images]) if multilabel else None,
    )
