"""Checkpoints: a training that was stopped, or killed, goes on where it was.

`runs/.unfinished-<key>/` belongs to one recipe on one split of the same images and weights. It holds the probabilities
of finished folds and the last state of the fold under way, as safetensors and JSON, each there whole or not at all.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from core.durable import sync_file
from core.project.project import Project
from core.project.runs import UNFINISHED


@dataclass(frozen=True)
class State:
    """Named tensors, and facts that JSON can hold."""

    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """Where one unfinished training lies."""

    folder: Path

    @property
    def begun(self) -> bool:
        """Whether an earlier start left something to go on from."""
        return any(self.folder.glob("*.safetensors"))

    def load(self, name: str) -> State | None:
        """A state that was saved, or None; one that cannot be read counts as none, and the work is done again."""
        path = self.folder / f"{name}.safetensors"
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
                return State(tensors, json.loads(file.metadata()["facts"]))
        except (SafetensorError, ValueError, KeyError):
            path.unlink(missing_ok=True)
            return None

    def save(self, name: str, state: State) -> None:
        """Write a state in one step; the one before stays until then."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial, final = self.folder / f".{name}.partial", self.folder / f"{name}.safetensors"
        tensors = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in state.tensors.items()}
        save_file(tensors, partial, metadata={"facts": json.dumps(state.facts)})
        sync_file(partial)
        partial.replace(final)

    def forget(self, name: str) -> None:
        """A state is not needed any more."""
        (self.folder / f"{name}.safetensors").unlink(missing_ok=True)

    def keep_fold(self, fold: int, probabilities: NDArray[np.float64], strength: float) -> None:
        """A fold is done; its state goes, its predictions stay."""
        tensors = {"probabilities": torch.from_numpy(np.ascontiguousarray(probabilities))}
        self.save(f"fold-{fold}-done", State(tensors, {"strength": strength}))
        self.forget(f"fold-{fold}")

    def fold(self, fold: int) -> tuple[NDArray[np.float64], float] | None:
        """(probabilities, strength) of a fold that was done before, or None."""
        state = self.load(f"fold-{fold}-done")
        return (state.tensors["probabilities"].numpy(), float(state.facts["strength"])) if state else None

    def clear(self) -> None:
        """The training is finished, or given up."""
        shutil.rmtree(self.folder, ignore_errors=True)


def bench(project: Project, key: str) -> Bench:
    """Where the training of that key lies, whether or not it was begun."""
    return Bench(project.runs_folder / f"{UNFINISHED}{key[:16]}")


def optimiser_state(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's tensors by parameter number and name."""
    state: Mapping[int, Mapping[str, torch.Tensor]] = optimiser.state_dict()["state"]
    return {f"{number}.{name}": value for number, own in state.items() for name, value in own.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what optimiser_state() gave."""
    whole = optimiser.state_dict()
    whole["state"] = {}
    for name, tensor in tensors.items():
        number, _, part = name.partition(".")
        whole["state"].setdefault(int(number), {})[part] = tensor
    optimiser.load_state_dict(whole)


def with_prefix(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Names that begin with prefix and a slash."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What with_prefix() named."""
    return dict(_stripped(f"{prefix}/", tensors))


def _stripped(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in tensors.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), tensor
