"""The trials of a search: an Optuna study that is kept, and goes on where it was paused.

What is tried next depends on the seed and on what was tried before, and on nothing that a process holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

from fineray.progress import Paused
from fineray.training.checkpoint import Keeping, State

TRIED = (TrialState.COMPLETE, TrialState.PRUNED)


class Trials:
    """losses: of the trial under way, one a check that is done; over: the search is finished; first: what is tried
    first, by the names that the objective asks for."""

    def __init__(self, keeping: Keeping, seed: int, fold: int, first: dict[str, Any]) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._keeping, self._seed = keeping, (seed, fold)
        self.study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=3))
        kept = keeping.load()
        facts: dict[str, Any] = kept.facts if kept is not None else {"trials": [], "losses": [], "seconds": 0.0}
        self.study.add_trials([_trial(each) for each in facts["trials"]])
        if not facts["trials"]:
            self.study.enqueue_trial(first)
        self.losses: list[float] = facts["losses"]
        self.over = bool(facts.get("over"))
        self._started = time.monotonic() - float(facts["seconds"])

    @property
    def number(self) -> int:
        """How many were tried to their end, or given up early."""
        return len(self.study.get_trials(deepcopy=False, states=TRIED))

    @property
    def seconds(self) -> float:
        """How long it has taken, over all starts."""
        return time.monotonic() - self._started

    def next(self, objective: Callable[[optuna.Trial], float]) -> None:
        """Try once more. Raises what the objective raises; where that is Paused, all is kept."""
        seed = int(np.random.SeedSequence((*self._seed, self.number)).generate_state(1)[0])
        self.study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=5)
        try:
            self.study.optimize(objective, n_trials=1)
        except Paused:
            self.keep()
            raise
        self.losses = []

    def point(self) -> None:
        """A point at which the search may stop."""
        self._keeping.point(self._state)

    def keep(self) -> None:
        """Keep all that was tried."""
        self._keeping.save(self._state())

    def finish(self) -> optuna.Study:
        """Nothing more is tried."""
        self.over = True
        self.keep()
        return self.study

    def _state(self) -> State:
        trials = [_facts(each) for each in self.study.get_trials(deepcopy=False, states=TRIED)]
        return State({}, {"trials": trials, "losses": self.losses, "seconds": self.seconds, "over": self.over})


def _facts(trial: FrozenTrial) -> dict[str, Any]:
    return {
        "state": trial.state.name,
        "params": trial.params,
        "distributions": {name: distribution_to_json(each) for name, each in trial.distributions.items()},
        "value": trial.value,
        "checks": [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)],
    }


def _trial(facts: dict[str, Any]) -> FrozenTrial:
    return optuna.trial.create_trial(
        state=TrialState[facts["state"]],
        params=facts["params"],
        distributions={name: json_to_distribution(each) for name, each in facts["distributions"].items()},
        value=facts["value"],
        intermediate_values=dict(enumerate(facts["checks"])),
    )
