"""How each mode of a recipe learns from some rows and predicts others."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from core.backbones.catalogue import Backbone
from core.backbones.cutting import LearningPart, cut
from core.backbones.surgery import FeatureNetwork, architecture, pretrained, without_last_layer
from core.progress import HeadStep, Monitor, Progress, StrengthTried
from core.project.catalogue import LabelledImage
from core.project.project import Project
from core.training.finetuning import Schedule, TunedNetwork, fine_tune, predict, steps_of
from core.training.head import Head, Standardisation
from core.training.recipe import Recipe
from core.training.selection import FittedHead, fit_head
from core.training.views import Views

STAGE_TRAINING = "Training"
HEAD_FILE, NETWORK_FILE = "head.safetensors", "network.safetensors"
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Data:
    """Rows of the same images: frozen features, class numbers, groups (patients, joined as in the split) and parts."""

    images: list[LabelledImage]
    classes: tuple[str, ...]
    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    parts: NDArray[np.str_]


class Fitted(Protocol):
    """Something that learned. strength: the regularisation chosen for its (first) head."""

    @property
    def strength(self) -> float: ...

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """[rows, classes] of rows of the data."""

    def save(self, folder: Path) -> None:
        """Write the model into a run folder."""


class Learner(Protocol):
    """Learns from the rows that it is given and from nothing else."""

    def fit(self, rows: Rows, fold: int, validation: Rows | None = None) -> Fitted:
        """Learn from rows; `validation` rows may choose settings. fold: its number, 0 for the final model."""


@dataclass
class Work:
    """Who hears of the fits of a run, how many there are, and how many are done."""

    monitor: Monitor
    fits: int
    done: int = 0

    def report(self, step: int = 0, steps: int = 1) -> None:
        """Tell how far the fit under way is; steps is 1 where it is not worth counting them."""
        unit = "steps" if steps > 1 else "fits"
        self.monitor.report(Progress(STAGE_TRAINING, self.done * steps + step, self.fits * steps, unit))


@contextmanager
def learner_for(
    project: Project, chosen: Backbone, device: torch.device, data: Data, recipe: Recipe, work: Work
) -> Iterator[Learner]:
    """The learner of the recipe's mode. May raise Cancelled, CannotCut or a storage error."""
    if recipe.mode == "frozen":
        yield FrozenLearner(data, recipe, work)
        return
    if recipe.mode == "finetune":
        network, _ = pretrained(chosen)
        assert isinstance(network, FeatureNetwork)
        frozen, part = cut(network, chosen, recipe.tuning.frozen_stages)
    else:
        torch.manual_seed(recipe.seed)
        frozen, part = None, LearningPart.whole(without_last_layer(architecture(chosen), chosen.taps))
    if frozen is not None:
        frozen.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    with Views(project, chosen, frozen, device) as views:
        views.fill(data.images, recipe.tuning, recipe.seed, work.monitor)
        yield TuningLearner(data, chosen, part, views, device, recipe, work)


class FrozenLearner:
    """The head alone."""

    def __init__(self, data: Data, recipe: Recipe, work: Work) -> None:
        self._data, self._recipe, self._work = data, recipe, work
        self._monitor = work.monitor
        work.report()

    def fit(self, rows: Rows, fold: int, validation: Rows | None = None) -> FittedFrozen:
        """Choose the strength and fit the head."""

        def on_step(step: int, loss: float) -> None:
            self._monitor.check()
            self._monitor.report(HeadStep(fold, step, loss))

        checked_on = None
        if validation is not None:
            checked_on = (self._data.features[validation], self._data.labels[validation])
        fitted = _head(self._data, rows, self._recipe, fold, self._monitor, checked_on, on_step)
        self._work.done += 1
        self._work.report()
        return FittedFrozen(fitted, self._data.features)


@dataclass(frozen=True)
class FittedFrozen:
    """A head over the frozen features."""

    fitted: FittedHead
    features: NDArray[np.float32]

    @property
    def strength(self) -> float:
        """Of its regularisation."""
        return self.fitted.strength

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """[rows, classes]."""
        return self.fitted.head.probabilities(self.features[rows])

    def save(self, folder: Path) -> None:
        """Write the head."""
        self.fitted.head.save(folder / HEAD_FILE)


class TuningLearner:
    """Stages behind the freeze boundary, or a whole network from random weights."""

    def __init__(
        self,
        data: Data,
        chosen: Backbone,
        part: LearningPart,
        views: Views,
        device: torch.device,
        recipe: Recipe,
        work: Work,
    ) -> None:
        self._data, self._chosen, self._part, self._views = data, chosen, part, views
        self._device, self._recipe, self._work = device, recipe, work
        self._monitor = work.monitor

    def fit(self, rows: Rows, fold: int, validation: Rows | None = None) -> FittedNetwork:
        """Fit the frozen head first, then tune from there; from scratch, tune at once."""
        data, recipe = self._data, self._recipe
        strength = 0.0
        if recipe.mode == "finetune":
            checked_on = None if validation is None else (data.features[validation], data.labels[validation])
            fitted = _head(
                data, rows, recipe, fold, self._monitor, checked_on, lambda step, loss: self._monitor.check()
            )
            head, strength = fitted.head, fitted.strength
        else:
            width, classes = data.features.shape[1], len(data.classes)
            plain = Standardisation(np.zeros(width), np.ones(width))
            head = Head(plain, np.zeros((width, classes)), np.zeros(classes))
        part = copy.deepcopy(self._part).requires_grad_(True)
        network = TunedNetwork(part, head, recipe.tuning.dropout)
        network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        numbers = np.flatnonzero(rows)
        steps = steps_of(recipe.tuning, len(numbers))

        def on_step(step: int, loss: float) -> None:
            self._monitor.report(HeadStep(fold, step, loss))
            self._work.report(step, steps)

        tuned = fine_tune(
            self._views,
            numbers,
            data.labels[numbers],
            network,
            self._chosen,
            Schedule(recipe.tuning, frozen_norms=recipe.mode == "finetune"),
            recipe.seed,
            on_step=on_step,
            check=self._monitor.check,
        )
        self._work.done += 1
        return FittedNetwork(tuned, self._views, strength)


@dataclass(frozen=True)
class FittedNetwork:
    """A tuned network over the views of the data."""

    network: TunedNetwork
    views: Views
    strength: float

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """[rows, classes], of the unchanged views."""
        return predict(self.network, self.views, np.flatnonzero(rows))

    def save(self, folder: Path) -> None:
        """Write the stages that learned, and the head."""
        state = {
            name: tensor.cpu().contiguous() for name, tensor in self.network.part.rest.network.state_dict().items()
        }
        save_file(state, folder / NETWORK_FILE)
        self.network.head().save(folder / HEAD_FILE)


def _head(
    data: Data,
    rows: Rows,
    recipe: Recipe,
    fold: int,
    monitor: Monitor,
    validation: tuple[NDArray[np.float32], NDArray[np.int64]] | None,
    on_step: Callable[[int, float], None],
) -> FittedHead:
    return fit_head(
        data.features[rows],
        data.labels[rows],
        data.groups[rows],
        len(data.classes),
        recipe,
        validation,
        on_tried=lambda strength, loss: monitor.report(StrengthTried(fold, strength, loss)),
        on_step=on_step,
        check=monitor.check,
    )
