"""A finished run's network as a whole, with the maps of its stages open."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.backbones.catalogue import Backbone, backbone_for
from fineray.backbones.cutting import FrozenPart, LearningPart
from fineray.backbones.runtime import best_device, shades, with_folded_batch_norms
from fineray.backbones.surgery import (
    FeatureNetwork,
    Pooling,
    pooled,
    pretrained,
)
from fineray.project.runs import RunFolder
from fineray.training.head.head import Head
from fineray.training.head.temperature import probabilities
from fineray.training.learners import HEAD_FILE, fold_head_file, learned_parts
from fineray.training.preprocessing import to_input
from fineray.training.recipe import Recipe
from fineray.training.tuning.network import TunedNetwork


@dataclass(frozen=True)
class TrainedModel:
    """A run's model on one device. multilabel: classes are findings that may stand side by side; side: of its input;
    held_out: whether it is the one that did not learn from the films of the fold it was asked for."""

    frozen: FrozenPart | None
    tuned: TunedNetwork
    classes: tuple[str, ...]
    multilabel: bool
    temperature: float
    pooling: Pooling
    side: int
    device: torch.device
    held_out: bool

    def inputs(self, films: list[NDArray[np.uint8]]) -> torch.Tensor:
        """Stored films of any size -> shades [films, 1, side, side] on the device."""
        return shades(np.stack([to_input(film, self.side) for film in films]), self.device)

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
    """The run's final model, or, where the run kept it, the one that did not see the films of a fold.

    Kept in memory between questions about the same run. Raises WeightsNotInstalled, or OSError for a run without its
    files.
    """
    head = folder.path / fold_head_file(fold)
    own = bool(fold) and head.is_file()
    path = head if own else folder.path / HEAD_FILE
    return _load(folder.path, path.name, path.stat().st_mtime_ns, own)


@lru_cache(maxsize=2)
def _load(folder: Path, head_name: str, changed: int, held_out: bool) -> TrainedModel:
    recipe = Recipe.of_run(folder)
    metrics = RunFolder(folder).metrics()
    chosen, device = backbone_for(folder, recipe.backbone), best_device()
    head = Head.load(folder / head_name)
    frozen: FrozenPart | None = None
    if recipe.mode == "frozen":
        network = _backbone(chosen, recipe.pooling, recipe.side)
        part = LearningPart.whole(network)
    else:
        frozen, part = learned_parts(folder, chosen, recipe, device)
    tuned = TunedNetwork(part, head, 0.0).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainedModel(
        frozen,
        tuned.eval().requires_grad_(False),
        tuple(metrics["classes"]),
        head.multilabel,
        head.temperature,
        recipe.pooling,
        recipe.side or chosen.input_size,
        device,
        held_out,
    )


@lru_cache(maxsize=1)
def _backbone(chosen: Backbone, pooling: Pooling, side: int) -> FeatureNetwork:
    return with_folded_batch_norms(pretrained(chosen, pooling)[0], side or chosen.input_size)
