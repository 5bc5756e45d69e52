"""Fine-tuning: the stages behind the freeze boundary learn, starting from a head fitted to the frozen features.

Starting from that head keeps the first steps from tearing the pretrained features apart (Kumar 2022, LP-FT).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.backbones.catalogue import Backbone
from core.backbones.cutting import LearningPart
from core.errors import FinerayError
from core.training.head import Head, Standardisation
from core.training.recipe import Tuning
from core.training.views import Views

PREDICT_BATCH = 32
LEAST_SCALE = 0.1  # of a feature, as a share of the median one


class TrainingDiverged(FinerayError):
    """The loss stopped being a number."""


class TunedNetwork(torch.nn.Module):
    """The learning part with its last layer: what a view gives at the boundary -> logits [images, classes]."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, part: LearningPart, head: Head, dropout: float) -> None:
        super().__init__()
        self.part = part
        # A feature that hardly varied would turn every small change of the stages into a large one.
        scale = np.maximum(head.standardisation.scale, LEAST_SCALE * np.median(head.standardisation.scale))
        self.register_buffer("mean", torch.from_numpy(head.standardisation.mean).float())
        self.register_buffer("scale", torch.from_numpy(scale).float())
        self.dropout = torch.nn.Dropout(dropout)
        width, classes = head.weight.shape
        self.last = torch.nn.Linear(width, classes)
        with torch.no_grad():
            self.last.weight.copy_(torch.from_numpy(head.weight.T.copy()))
            self.last.bias.copy_(torch.from_numpy(head.bias))

    def head(self) -> Head:
        """The last layer as it is now."""
        standardisation = Standardisation(_doubles(self.mean), _doubles(self.scale))
        return Head(standardisation, np.ascontiguousarray(_doubles(self.last.weight).T), _doubles(self.last.bias))

    def forward(self, activations: torch.Tensor, tapped: torch.Tensor) -> torch.Tensor:
        """Logits of a batch."""
        standardised = (self.part(activations, tapped) - self.mean) / self.scale
        logits: torch.Tensor = self.last(self.dropout(standardised))
        return logits


@dataclass(frozen=True)
class Schedule:
    """Who learns how fast. frozen_norms: batch norms keep the statistics of the source, as a small study needs."""

    tuning: Tuning
    frozen_norms: bool = True

    def rate(self, step: int, steps: int) -> float:
        """The share of the learning rate at a step: a linear warm-up, then a cosine to zero (Loshchilov 2017)."""
        warm = max(1, round(self.tuning.warm_up * steps))
        return min((step + 1) / warm, 1.0) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))


def fine_tune(
    views: Views,
    rows: NDArray[np.int64],
    labels: NDArray[np.int64],
    network: TunedNetwork,
    chosen: Backbone,
    schedule: Schedule,
    seed: int,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    check: Callable[[], None] = lambda: None,
) -> TunedNetwork:
    """Train `network` on these rows [n] with class numbers labels [n]; returns the moving average of its weights.

    on_step(step, loss) after each step; check() may raise to stop. The same seed gives the same weights, bit for bit on
    a CPU. Raises TrainingDiverged.
    """
    tuning = schedule.tuning
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(_groups(network, chosen, tuning), weight_decay=tuning.weight_decay)
    rates = [group["lr"] for group in optimiser.param_groups]
    source = [parameter.detach().clone() for parameter in network.part.parameters()] if tuning.source_pull else []
    steps = steps_of(tuning, len(rows))
    per_epoch = steps // tuning.epochs
    average = copy.deepcopy(network)
    weights = _class_weights(labels, network.last.out_features) if tuning.weighted else None
    step = 0
    for _ in range(tuning.epochs):
        network.train()
        if schedule.frozen_norms:
            _freeze_norms(network)
        order = random.permutation(len(rows))
        for start in range(0, per_epoch * tuning.batch, tuning.batch):
            check()
            picked = order[start : start + tuning.batch]
            looks = random.integers(0, 1 + tuning.views, len(picked))
            logits = network(*views.batch(looks, rows[picked]))
            target = torch.from_numpy(labels[picked]).to(logits.device)
            loss = torch.nn.functional.cross_entropy(logits, target, weights, label_smoothing=tuning.smoothing)
            if source:
                pulled = sum(((p - s) ** 2).sum() for p, s in zip(network.part.parameters(), source, strict=True))
                loss = loss + tuning.source_pull / 2 * pulled
            value = float(loss.detach())
            if not math.isfinite(value):
                raise TrainingDiverged(
                    f"The loss became {value} after {step} steps",
                    todo="Choose a lower learning rate, or freeze more stages.",
                )
            share = schedule.rate(step, steps)
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * share
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            _follow(average, network, min(tuning.averaging, step / (step + 10)))
            on_step(step, value)
            step += 1
    return average.eval()


def steps_of(tuning: Tuning, images: int) -> int:
    """Steps of the optimiser over all epochs; what is left of an epoch after whole batches is left out."""
    return tuning.epochs * max(1, images // tuning.batch)


def predict(network: TunedNetwork, views: Views, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities [n, classes] of the unchanged views of these rows."""
    network.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(rows), PREDICT_BATCH):
            batch = rows[start : start + PREDICT_BATCH]
            logits = network(*views.batch(np.zeros(len(batch), dtype=np.int64), batch))
            found.append(torch.softmax(logits.double(), dim=1).cpu().numpy())
    return np.concatenate(found)


def _groups(network: TunedNetwork, chosen: Backbone, tuning: Tuning) -> list[dict[str, object]]:
    """Parameters with their learning rates: the last stage the full one, each stage before it a factor less."""
    named = dict(network.part.rest.network.named_parameters())
    groups: list[dict[str, object]] = [{"params": list(network.last.parameters()), "lr": tuning.head_rate}]
    rate = tuning.learning_rate
    for stage in reversed(chosen.stages):
        own = [name for name in named if any(name.startswith(f"{module}.") for module in stage.modules)]
        if own:
            groups.append({"params": [named.pop(name) for name in own], "lr": rate})
            rate *= tuning.slower
    if named:
        groups.append({"params": list(named.values()), "lr": rate})
    return groups


def _doubles(tensor: torch.Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = tensor.detach().cpu().double().numpy()
    return found


def _freeze_norms(network: TunedNetwork) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()


def _follow(average: TunedNetwork, network: TunedNetwork, memory: float) -> None:
    with torch.no_grad():
        for kept, now in zip(average.parameters(), network.parameters(), strict=True):
            kept.lerp_(now, 1 - memory)
        for held, current in zip(average.buffers(), network.buffers(), strict=True):
            held.copy_(current)


def _class_weights(labels: NDArray[np.int64], classes: int) -> torch.Tensor:
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy(len(labels) / (classes * np.maximum(counts, 1))).float()
