"""How far a tuning has come: everything that its next step depends on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from fineray.training.checkpoint import (
    State,
    optimiser_state,
    restore_optimiser,
    with_prefix,
    without_prefix,
)
from fineray.training.tuning.network import TunedNetwork

if TYPE_CHECKING:
    from fineray.training.tuning.finetuning import Tuner


class Course:
    """The next step is number `number` of epoch `epoch`; a number past the epoch's last waits for its validation.

    average: the moving average of the weights; best_auc, best_epoch: on validation rows, where there are any.
    """

    def __init__(self, tuner: Tuner, validated: bool) -> None:
        self._tuner = tuner
        self.epoch = self.number = self.best_epoch = 0
        self.best_auc = -1.0
        self.average = copy.deepcopy(tuner.network)
        self._best = copy.deepcopy(tuner.network) if validated else None
        self._random: dict[str, torch.Tensor] = {}

    @property
    def outcome(self) -> TunedNetwork:
        """The network to keep: the average, of the best epoch where epochs were judged."""
        return self.average if self._best is None else self._best

    def judged(self, area: float) -> None:
        """The average of this epoch reached that area under the curve on validation rows."""
        assert self._best is not None
        if area >= self.best_auc:
            self.best_auc, self.best_epoch = area, self.epoch
            self._best.load_state_dict(self.average.state_dict())

    def state(self) -> State:
        """All of it."""
        tensors = with_prefix("optimiser", optimiser_state(self._tuner.optimiser))
        for name, module in self._modules():
            tensors |= with_prefix(name, module.state_dict())
        tensors |= with_prefix("random", _random_states())
        facts = {name: getattr(self, name) for name in ("epoch", "number", "best_auc", "best_epoch")}
        return State(tensors, {**facts, "pieces": self._tuner.pieces})

    def restore(self, state: State) -> None:
        """Go on from what state() gave; restore_random() belongs to it."""
        for name, module in self._modules():
            module.load_state_dict(without_prefix(name, state.tensors))
        restore_optimiser(self._tuner.optimiser, without_prefix("optimiser", state.tensors))
        self._random = without_prefix("random", state.tensors)
        self._tuner.pieces = state.facts["pieces"]
        for name in ("epoch", "number", "best_auc", "best_epoch"):
            setattr(self, name, state.facts[name])

    def restore_random(self) -> None:
        """Put the random numbers of the epoch back to where they were, once it has begun to draw them."""
        for kind, state in self._random.items():
            if kind == "cpu":
                torch.set_rng_state(state)
            elif kind == "cuda" and torch.cuda.is_available():
                torch.cuda.set_rng_state(state)
            elif kind == "mps" and torch.backends.mps.is_available():
                torch.mps.set_rng_state(state)

    def _modules(self) -> list[tuple[str, TunedNetwork]]:
        best = [("best", self._best)] if self._best is not None else []
        return [("network", self._tuner.network), ("average", self.average), *best]


def _random_states() -> dict[str, torch.Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states
