"""How each mode of a recipe learns from some rows and predicts others."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from fineray.backbones.catalogue import Backbone
from fineray.backbones.cutting import FrozenPart, LearningPart, cut
from fineray.backbones.surgery import architecture, feature_network, pretrained
from fineray.progress import (
    HeadStep,
    Monitor,
    Progress,
    StrengthTried,
    Validated,
)
from fineray.project.project import Project
from fineray.project.runs import reading
from fineray.training.checkpoint import Checkpoints, Keeping
from fineray.training.data import Data, Rows
from fineray.training.devices import rank
from fineray.training.head.head import Floats, Head, Standardisation
from fineray.training.head.last_layer import last_layer
from fineray.training.head.selection import FittedHead, fit_head
from fineray.training.head.temperature import probabilities, temperature
from fineray.training.recipe import Recipe
from fineray.training.tuning.views import AugmentedViews

if TYPE_CHECKING:  # tuning alone pays for Lightning Fabric
    from lightning_fabric import Fabric

    from fineray.training.tuning.network import TunedNetwork

STAGE_TRAINING = "Training"
HEAD_FILE, NETWORK_FILE = "head.safetensors", "network.safetensors"


def fold_head_file(fold: str) -> str:
    """Where a frozen run keeps the head that did not see a fold, by which that fold's images are explained."""
    return f"head-fold-{fold}.safetensors"


class Fitted(Protocol):
    """Something that learned. strength: the regularisation chosen for its (first) head; temperature: of its logits."""

    @property
    def strength(self) -> float: ...

    @property
    def temperature(self) -> float: ...

    def probabilities(self, rows: Rows) -> Floats:
        """[rows, classes] of rows of the data."""

    def save(self, folder: Path) -> None:
        """Write the model into a run folder."""


class Learner(Protocol):
    """Learns from the rows that it is given and from nothing else."""

    def fit(self, rows: Rows, fold: int, validation: Rows | None = None) -> Fitted:
        """Learn from rows; `validation` rows may choose settings. fold: its number, 0 for the final model."""


@dataclass
class TrainingProgress:
    """Who hears of the fits of a run, how many there are, and how many are done; where checkpoints go, if anywhere."""

    monitor: Monitor
    fits: int
    checkpoints_of: Checkpoints | None = None
    done: int = 0

    def report(self, step: int = 0, steps: int = 0) -> None:
        """Tell how far the fit under way is; steps is 0 where it is not worth counting them."""
        each, unit, fit = max(steps, 1), "steps" if steps else "fits", min(self.done + 1, self.fits)
        done = Progress(STAGE_TRAINING, self.done * each + step, self.fits * each, unit, fit, self.fits)
        self.monitor.report(done)

    def keeping(self, name: str) -> Keeping:
        """How a part of a fit keeps what it did."""
        return Keeping(self.checkpoints_of, name, self.monitor.check)


@contextmanager
def learner_for(
    project: Project, chosen: Backbone, device: torch.device, data: Data, recipe: Recipe, work: TrainingProgress
) -> Iterator[Learner]:
    """The learner of the recipe's mode. May raise Cancelled, CannotCut or a storage error."""
    if recipe.mode == "frozen":
        yield FrozenLearner(data, recipe, work)
        return
    from fineray.training.devices import fabric

    frozen, part = parts_of(chosen, recipe, device)
    passes = recipe.tuning.epochs * work.fits
    side = recipe.input_size or chosen.input_size
    kept = work.checkpoints_of if rank() == 0 else None  # one process writes; what others keep for themselves they lose
    with AugmentedViews(project, frozen, side, recipe.augment, device, recipe.seed, passes, kept) as views:
        views.fill(data.images, work.monitor)
        yield TuningLearner(data, chosen, part, views, fabric(), recipe, work)


def parts_of(chosen: Backbone, recipe: Recipe, device: torch.device) -> tuple[FrozenPart | None, LearningPart]:
    """(what stays frozen, on the device, or None; what learns), as a tuning begins. May raise CannotCut."""
    if recipe.mode == "scratch":
        torch.manual_seed(recipe.seed)
        return None, LearningPart.whole(feature_network(architecture(chosen), chosen, recipe.pooling))
    network, _ = pretrained(chosen, recipe.pooling)
    frozen, part = cut(network, chosen, recipe.tuning.frozen_stages)
    if frozen is not None:
        frozen.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return frozen, part


def learned_parts(
    folder: Path, chosen: Backbone, recipe: Recipe, device: torch.device
) -> tuple[FrozenPart | None, LearningPart]:
    """The parts as a tuned run in that folder ended. Raises RunDamaged."""
    frozen, part = parts_of(chosen, recipe, device)
    with reading(folder / NETWORK_FILE):
        part.rest.network.load_state_dict(load_file(folder / NETWORK_FILE))
    return frozen, part


class FrozenLearner:
    """The head alone."""

    def __init__(self, data: Data, recipe: Recipe, work: TrainingProgress) -> None:
        self._data, self._recipe, self._work = data, recipe, work
        self._monitor = work.monitor

    def fit(self, rows: Rows, fold: int, validation: Rows | None = None) -> FittedFrozen:
        """Choose the strength and fit the head."""

        self._work.report()
        fitted = _head(
            self._data, rows, self._recipe, fold, self._work, validation,
            lambda step, loss: self._monitor.report(HeadStep(fold, step, loss)),
        )  # fmt: skip
        self._work.done += 1
        self._work.report()
        assert self._data.features is not None
        return FittedFrozen(fitted, self._data.features, self._recipe.augment.test_views)


@dataclass(frozen=True)
class FittedFrozen:
    """A head over the frozen features [views, images, n]."""

    fitted: FittedHead
    features: NDArray[np.float32]
    test_views: int

    @property
    def strength(self) -> float:
        """Of its regularisation."""
        return self.fitted.strength

    @property
    def temperature(self) -> float:
        """Of its logits."""
        return self.fitted.head.temperature

    def probabilities(self, rows: Rows) -> Floats:
        """[rows, classes]."""
        return frozen_probabilities(self.fitted.head, self.features[:, rows], self.test_views)

    def save(self, folder: Path) -> None:
        """Write the head."""
        self.fitted.head.save(folder / HEAD_FILE)


def frozen_probabilities(head: Head, features: NDArray[np.float32], test_views: int) -> Floats:
    """[images, classes] from features [views, images, n]: logits averaged over the image and its test views."""
    logits = np.mean([head.logits(features[view]) for view in range(1 + test_views)], axis=0)
    return probabilities(logits, head.temperature, head.multilabel)


class TuningLearner:
    """Stages behind the freeze boundary, or a whole network from random weights."""

    def __init__(
        self,
        data: Data,
        chosen: Backbone,
        part: LearningPart,
        views: AugmentedViews,
        fabric: Fabric,
        recipe: Recipe,
        work: TrainingProgress,
    ) -> None:
        self._data, self._chosen, self._part = data, chosen, part
        self.views, self.fabric = views, fabric
        self._recipe, self._work = recipe, work
        self._monitor = work.monitor

    def fit(self, rows: Rows, fold: int, validation: Rows | None = None) -> FittedNetwork:
        """Fit the frozen head first, then tune from there; from scratch, tune at once."""
        from fineray.training.tuning.finetuning import (
            TrainingDiverged,
            Tuner,
            TuningCallbacks,
            TuningData,
            fine_tune,
            predict,
            steps_per_epoch,
        )

        recipe, data = self._recipe, self._data
        tuning, work = recipe.tuning, self._work
        work.report()
        if validation is None and tuning.validation:
            rows, validation = self._set_aside(rows)
        network, strength = self.start(rows, fold, validation)
        numbers = np.flatnonzero(rows)
        checked = None if validation is None else np.flatnonzero(validation)
        tuning_data = TuningData(self.views, numbers, data.learned, data.multilabel, checked)
        steps = tuning.epochs * steps_per_epoch(tuning, len(numbers))

        def on_step(step: int, loss: float) -> None:
            self._monitor.report(HeadStep(fold, step, loss))
            work.report(step + 1, steps)

        callbacks = TuningCallbacks(
            work.report, on_step, lambda epoch, auc: self._monitor.report(Validated(fold, epoch, auc))
        )
        tuner = Tuner(tuning_data, network, self._chosen, tuning, recipe.loss, self.fabric, strength)
        keeping = work.keeping(f"fold-{fold}")
        try:
            tuned = fine_tune(tuner, tuning, recipe.seed, fold, callbacks, keeping)
        except TrainingDiverged:
            if work.checkpoints_of is not None:
                work.checkpoints_of.clear()  # it would end the same way again
            raise
        work.done += 1
        test_views = recipe.augment.test_views
        fitted_temperature = 1.0
        if checked is not None:
            logits = predict(tuned, self.views, checked, test_views, keeping.of("checked"))
            fitted_temperature = temperature(logits, data.learned[checked], data.multilabel)
        return FittedNetwork(tuned, self.views, strength, fitted_temperature, test_views, keeping)

    def _set_aside(self, rows: Rows) -> tuple[Rows, Rows | None]:
        """(rows to learn from, rows of whole patients for validation), or all and none where a class has too few."""
        found = self._data.inner_folds(rows, round(1 / self._recipe.tuning.validation), self._recipe.seed)
        return found[0] if found else (rows, None)

    def start(self, rows: Rows, fold: int, validation: Rows | None) -> tuple[TunedNetwork, float]:
        """(the network as it begins, the strength of its head's regularisation)."""
        from fineray.training.tuning.network import TunedNetwork, with_floor_on_scale

        data, recipe = self._data, self._recipe
        if recipe.mode == "finetune":
            fitted = _head(data, rows, recipe, fold, self._work, validation)
            head, strength = with_floor_on_scale(fitted.head, data.widths), fitted.strength
        else:
            torch.manual_seed(recipe.seed)
            width, classes = sum(data.widths), len(data.classes)
            plain = Standardisation(np.zeros(width), np.ones(width))
            layer = last_layer(recipe.head.kind, width, classes, recipe.head.hidden)
            torch.nn.init.normal_(next(layer.parameters()), std=0.01)
            state = {name: tensor.detach().double().numpy() for name, tensor in layer.state_dict().items()}
            head, strength = Head(plain, recipe.head.kind, state, data.multilabel), 0.0
        part = copy.deepcopy(self._part).requires_grad_(True)
        network = TunedNetwork(part, head, recipe.tuning.dropout)
        return network.to(memory_format=torch.channels_last), strength


@dataclass(frozen=True)
class FittedNetwork:
    """A tuned network over the views of the data. keeping: how its predictions are kept until they are whole."""

    network: TunedNetwork
    views: AugmentedViews
    strength: float
    temperature: float
    test_views: int
    keeping: Keeping

    def probabilities(self, rows: Rows) -> Floats:
        """[rows, classes]."""
        from fineray.training.tuning.finetuning import predict

        numbers = np.flatnonzero(rows)
        keeping = self.keeping.of(hashlib.sha256(numbers.tobytes()).hexdigest()[:8])
        logits = predict(self.network, self.views, numbers, self.test_views, keeping)
        return probabilities(logits, self.temperature, self.network.multilabel)

    def save(self, folder: Path) -> None:
        """Write the stages that learned, and the head."""
        state = {
            name: tensor.cpu().contiguous() for name, tensor in self.network.part.rest.network.state_dict().items()
        }
        save_file(state, folder / NETWORK_FILE)
        self.network.head(self.temperature).save(folder / HEAD_FILE)


def _head(
    data: Data,
    rows: Rows,
    recipe: Recipe,
    fold: int,
    work: TrainingProgress,
    validation: Rows | None,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> FittedHead:
    return fit_head(
        data.examples(rows),
        data.widths,
        recipe,
        None if validation is None else data.examples(validation),
        on_tried=lambda strength, loss: work.monitor.report(StrengthTried(fold, strength, loss)),
        on_step=on_step,
        keeping=work.keeping(f"head-{fold}"),
    )
