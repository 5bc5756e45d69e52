"""Fine-tuning: the stages behind the freeze boundary learn, starting from a head fitted to the frozen features.

Starting from that head keeps the first steps from tearing the pretrained features apart (Kumar 2022, LP-FT).
Everything that is drawn depends on the seed, the epoch and the image alone, or on random numbers whose state is kept,
so that a training goes on from a checkpoint as if it had never stopped.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from fineray.backbones.catalogue import Backbone
from fineray.backbones.cutting import LearningPart
from fineray.errors import FinerayError
from fineray.training.checkpoint import (
    NOWHERE,
    Keeping,
    State,
    with_prefix,
    without_prefix,
)
from fineray.training.course import Course
from fineray.training.devices import out_of_memory
from fineray.training.head.head import Floats
from fineray.training.head.last_layer import penalty
from fineray.training.head.loss import element_weights, images_weigh, total_loss
from fineray.training.recipe import LossSettings, RecipeUnusable, Tuning
from fineray.training.tuning.network import TunedNetwork
from fineray.training.tuning.views import AugmentedViews

if TYPE_CHECKING:  # it is found through fineray.training.devices
    from lightning_fabric import Fabric

PREDICT_BATCH = 32
GRADUAL = 0.6  # share of the steps after which every stage learns


class TrainingDiverged(FinerayError):
    """The loss stopped being a number."""


@dataclass(frozen=True)
class TuningData:
    """What is learned from. rows: of the views; targets [all rows, classes], NaN where not known; validation: rows that
    may stop the training early, or None; multilabel: classes are findings that may stand side by side."""

    views: AugmentedViews
    rows: NDArray[np.int64]
    targets: Floats
    multilabel: bool
    validation: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class TuningCallbacks:
    """Who hears of a tuning: on_start(steps done before, steps in all), on_step(step, loss) after each step,
    on_epoch(epoch, validation AUC) after each epoch."""

    on_start: Callable[[int, int], None] = lambda step, steps: None
    on_step: Callable[[int, float], None] = lambda step, loss: None
    on_epoch: Callable[[int, float], None] = lambda epoch, auc: None


def rate_share(tuning: Tuning, step: int, steps: int) -> float:
    """The share of the learning rate at a step: a linear warm-up, then a cosine to zero (Loshchilov 2017)."""
    warm = max(1, round(tuning.warm_up * steps))
    return min((step + 1) / warm, 1.0) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))


def steps_per_epoch(tuning: Tuning, images: int) -> int:
    """What is left of an epoch after whole batches is left out."""
    return max(1, images // tuning.batch)


class Tuner:
    """A network, its optimiser and the device they are on: one step at a time."""

    def __init__(
        self,
        tuning_data: TuningData,
        network: TunedNetwork,
        chosen: Backbone,
        tuning: Tuning,
        loss: LossSettings,
        fabric: Fabric,
        strength: float = 0.0,
    ) -> None:
        self.tuning_data, self.network, self._tuning, self._loss, self._fabric = (
            tuning_data,
            network,
            tuning,
            loss,
            fabric,
        )
        weights = element_weights(tuning_data.targets[tuning_data.rows], loss, tuning_data.multilabel)
        share = images_weigh(weights, tuning_data.multilabel)
        self.chances = share / share.sum() if loss.balance == "sampling" else None
        if self.chances is not None:
            weights = element_weights(tuning_data.targets[tuning_data.rows], LossSettings(), tuning_data.multilabel)
        self._weights = np.zeros_like(tuning_data.targets)
        self._weights[tuning_data.rows] = weights
        if tuning.norms == "images" and fabric.world_size > 1:
            network.part = _with_common_norms(network.part, fabric)
        groups, self._starts = _groups(network, chosen, tuning)
        self._wrapped, self.optimiser = fabric.setup(
            network, torch.optim.AdamW(groups, weight_decay=tuning.weight_decay)
        )
        self._rates = [group["lr"] for group in self.optimiser.param_groups]
        pulled = list(network.part.parameters()) if tuning.source_pull else []
        self._source = [(parameter, parameter.detach().clone()) for parameter in pulled]
        self.strength = strength  # of the head's own regularisation, which goes on while the stages learn
        self.pieces = 1  # into how many pieces a batch is cut to fit the memory

    def train_mode(self) -> None:
        """Dropout on; batch norms as the settings say."""
        self._wrapped.train()
        if self._tuning.norms == "source":
            for module in self.network.modules():
                if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def step(self, picked: NDArray[np.int64], epoch: int, rate: float, progress: float = 1.0) -> float:
        """One step of the optimiser on these rows at a share of the learning rates; returns the mean loss.

        A batch that does not fit the memory is cut into pieces whose gradients are added up, and goes on.
        """
        for group, full, start in zip(self.optimiser.param_groups, self._rates, self._starts, strict=True):
            group["lr"] = full * rate if progress >= start else 0.0
        while True:
            try:
                self.optimiser.zero_grad()
                value = self._gradients(picked, epoch)
                break
            except Exception as error:
                if not out_of_memory(error) or self.pieces >= len(picked):
                    raise
                self.pieces *= 2
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
        self.optimiser.step()
        return value

    def _gradients(self, picked: NDArray[np.int64], epoch: int) -> float:
        fabric, total = self._fabric, float(images_weigh(self._weights[picked], self.tuning_data.multilabel).sum())
        mine = picked[fabric.global_rank :: fabric.world_size]
        value = 0.0
        parts = [part for part in np.array_split(mine, self.pieces) if len(part)]
        for number, part in enumerate(parts):
            with fabric.no_backward_sync(self._wrapped, enabled=number + 1 < len(parts) and fabric.world_size > 1):
                logits = self._wrapped(*self.tuning_data.views.learning(part, epoch)).float()
                targets = torch.from_numpy(np.nan_to_num(self.tuning_data.targets[part])).to(logits)
                weights = torch.from_numpy(self._weights[part]).to(logits)
                loss = total_loss(logits, targets, weights, self._loss, self.tuning_data.multilabel) / max(total, 1e-12)
                value += float(loss.detach())
                if number == 0:
                    loss = loss + self._pull() / fabric.world_size
                fabric.backward(loss * fabric.world_size)  # processes average their gradients
        if fabric.world_size > 1:
            value = float(fabric.all_reduce(torch.tensor(value), reduce_op="sum"))  # type: ignore[arg-type]
        return value

    def _pull(self) -> torch.Tensor:
        """What keeps the head small, as in its fit, and the stages near the source."""
        pull = self.strength / 2 * penalty(self.network.last)
        if self._source:
            away = torch.stack([((now - then) ** 2).sum() for now, then in self._source]).sum()
            pull = pull + self._tuning.source_pull / 2 * away
        return pull


def fine_tune(
    tuner: Tuner, tuning: Tuning, seed: int, fold: int, callbacks: TuningCallbacks, keeping: Keeping
) -> TunedNetwork:
    """Train; returns the moving average of the weights, of the best epoch where validation rows judge them.

    The same seed gives the same weights, bit for bit on a CPU, whether or not it was stopped in between, at whichever
    step. Raises TrainingDiverged.
    """
    tuning_data, network = tuner.tuning_data, tuner.network
    per_epoch = steps_per_epoch(tuning, len(tuning_data.rows))
    steps = tuning.epochs * per_epoch
    kept = keeping.load()
    if kept is not None and kept.facts.get("done"):
        network.load_state_dict(without_prefix("tuned", kept.tensors))
        return network.eval()
    source, course = copy.deepcopy(network), Course(tuner, tuning_data.validation is not None)
    resumed = kept is not None
    if kept is not None:
        course.restore(kept)
    callbacks.on_start(course.epoch * per_epoch + course.number, steps)
    while course.epoch < tuning.epochs and not (tuning.patience and course.epoch - course.best_epoch > tuning.patience):
        epoch = course.epoch
        tuner.train_mode()
        torch.manual_seed(_number(seed, fold, epoch))
        random = np.random.default_rng((seed, fold, epoch))
        order = (
            random.permutation(tuning_data.rows)
            if tuner.chances is None
            else random.choice(tuning_data.rows, len(tuning_data.rows), p=tuner.chances)
        )
        if resumed:
            course.restore_random()
            resumed = False
        while course.number < per_epoch:
            keeping.point(course.state)
            step = epoch * per_epoch + course.number
            picked = order[course.number * tuning.batch : (course.number + 1) * tuning.batch]
            value = tuner.step(picked, epoch, rate_share(tuning, step, steps), step / steps)
            if not math.isfinite(value):
                raise TrainingDiverged(
                    f"The loss became {value} after {step} steps",
                    todo="Choose a lower learning rate, or freeze more stages.",
                )
            _follow(course.average, network, min(tuning.averaging, step / (step + 10)))
            course.number += 1
            callbacks.on_step(step, value)
        keeping.point(course.state)
        if tuning_data.validation is not None:
            looking = replace(keeping.of(f"epoch-{epoch}"), first=lambda: keeping.save(course.state()))
            area = validation_auc(course.average, tuning_data, looking)
            callbacks.on_epoch(epoch, area)
            course.judged(area)
        course.epoch, course.number = epoch + 1, 0
    tuned = _blended(source, course.outcome, tuning.blend).eval()
    keeping.save(State(with_prefix("tuned", tuned.state_dict()), {"done": True}))
    return tuned


def validation_auc(network: TunedNetwork, tuning_data: TuningData, keeping: Keeping) -> float:
    """Mean area under the ROC curve over the classes, on the validation rows; 0.5 for a class that is absent there."""
    assert tuning_data.validation is not None
    logits = predict(network, tuning_data.views, tuning_data.validation, 0, keeping)
    keeping.forget()
    targets = tuning_data.targets[tuning_data.validation]
    areas = []
    for column in range(targets.shape[1]):
        sure = ~np.isnan(targets[:, column])
        truth = targets[sure, column] >= 0.5
        both = truth.any() and not truth.all()
        scores = logits[:, column] if tuning_data.multilabel else logits[:, column] - _rest(logits, column)
        areas.append(float(roc_auc_score(truth, scores[sure])) if both else 0.5)
    return float(np.mean(areas))


def predict(
    network: TunedNetwork,
    views: AugmentedViews,
    rows: NDArray[np.int64],
    test_views: int,
    keeping: Keeping = NOWHERE,
) -> Floats:
    """Logits [n, classes] of these rows, averaged over the image and its test views."""
    network.eval()
    kept = keeping.load()
    found = [kept.tensors["logits"]] if kept is not None else []
    with torch.inference_mode():
        for start in range(len(found[0]) if found else 0, len(rows), PREDICT_BATCH):
            batch = rows[start : start + PREDICT_BATCH]
            looks = [network(*views.showing(batch, view)).double() for view in range(1 + test_views)]
            found.append(torch.stack(looks).mean(dim=0).cpu())
            keeping.point(lambda: State({"logits": torch.cat(found)}, {}))
    logits: Floats = torch.cat(found).numpy()
    return logits


def _rest(logits: Floats, column: int) -> Floats:
    """The largest logit of the other classes, which a class has to beat; nothing where there is no other."""
    others = np.delete(logits, column, axis=1)
    return others.max(axis=1) if others.shape[1] else np.zeros(len(logits))


def _with_common_norms(part: LearningPart, fabric: Fabric) -> LearningPart:
    if fabric.device.type != "cuda":
        raise RecipeUnusable(
            "Batch norms that follow the images cannot be shared between processes on a CPU",
            todo="Use one process, GPUs, or norms that keep the statistics of the source.",
        )
    shared: LearningPart = torch.nn.SyncBatchNorm.convert_sync_batchnorm(part)  # type: ignore[no-untyped-call]
    return shared


def _groups(network: TunedNetwork, chosen: Backbone, tuning: Tuning) -> tuple[list[dict[str, object]], list[float]]:
    """(parameters with their learning rates: the last stage the full one, each stage before it a factor less; the share
    of the steps after which each group learns)."""
    named = dict(network.part.rest.network.named_parameters())
    groups: list[dict[str, object]] = [{"params": list(network.last.parameters()), "lr": tuning.head_rate}]
    rate = tuning.learning_rate
    for stage in reversed(chosen.stages):
        own = [name for name in named if any(name.startswith(f"{module}.") for module in stage.modules)]
        if own:
            groups.append({"params": [named.pop(name) for name in own], "lr": rate})
            rate *= tuning.slower
    learning = len(groups) - 1
    starts = [0.0, *(GRADUAL * number / learning if tuning.gradual else 0.0 for number in range(learning))]
    return groups, starts


def _number(*parts: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _blended(source: TunedNetwork, tuned: TunedNetwork, share: float) -> TunedNetwork:
    """Each weight between where it began and where it got to; statistics are those of the tuned network."""
    with torch.no_grad():
        for before, after in zip(source.parameters(), tuned.parameters(), strict=True):
            after.copy_(before.lerp(after, share))
    return tuned


def _follow(average: TunedNetwork, network: TunedNetwork, memory: float) -> None:
    with torch.no_grad():  # all tensors in one call: one by one, a GPU waits for the calls
        torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - memory)
        torch._foreach_copy_(list(average.buffers()), list(network.buffers()))
