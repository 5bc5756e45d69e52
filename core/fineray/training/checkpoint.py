"""Checkpoints: work that was paused, or killed, goes on where it was.

`runs/.unfinished-<key>/` belongs to one recipe on one split. It says where the work stands (standing.py) and
holds what was done: heads, predictions of finished folds, the state of the fold under way, the views already looked at;
as safetensors and flat arrays, each there whole or not at all. What was made of other images or weights is not used.

Whoever works long calls Keeping.point() wherever stopping would lose nothing: there it is kept what was done, where the
work is paused and otherwise every minute.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fineray.progress import (
    Cancelled,
    Monitor,
    Paused,
    Progress,
    ProgressEvent,
)
from fineray.project.project import Project
from fineray.system.durable import sync_file
from fineray.training.devices import rank
from fineray.training.features import STAGE_FEATURES
from fineray.training.recipe import Recipe
from fineray.training.standing import UNFINISHED, Kind, Standing

EVERY_S = 60.0  # between two checkpoints
GIVEN_S = "FINERAY_CHECKPOINT_S"  # the variable that says it instead, however long writing one takes
MOST_S = 100.0  # the same where writing one takes long
SHARE = 0.05  # of the time that writing may take up to there
MADE_OF = "made-of.txt"


@dataclass(frozen=True)
class State:
    """Named tensors, and facts that JSON can hold."""

    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]


class Ledger:
    """How far the work in a folder is kept, and when more of it has to be."""

    def __init__(self, folder: Path, standing: Standing) -> None:
        self.folder, self.standing = folder, standing
        given = os.environ.get(GIVEN_S)
        self._every, self._most = (EVERY_S, MOST_S) if given is None else (float(given), float(given))
        self._wait, self._before = self._every, standing.seconds
        self._started = self._kept = time.monotonic()
        self._at = standing.progress

    def due(self) -> bool:
        """Whether what was done since the last checkpoint is too much to be lost."""
        return time.monotonic() - self._kept >= self._wait

    def note(self, progress: Progress) -> None:
        """Where the work is now; kept with the next checkpoint."""
        self._at = progress

    def kept(self, since: float) -> None:
        """Everything up to now is on the disk; writing it began then."""
        self.standing = replace(self.standing, progress=self._at)
        self.write()
        spent = time.monotonic() - since
        self._wait = min(max(self._every, spent / SHARE), self._most)

    def write(self, paused: bool = False) -> None:
        """Say where the work stands."""
        seconds = self._before + time.monotonic() - self._started
        self.standing = replace(self.standing, seconds=seconds, paused=paused)
        self.standing.save(self.folder)
        self._kept = time.monotonic()

    def reset(self) -> None:
        """Nothing is kept."""
        self.standing = replace(self.standing, progress=None, seconds=0.0)
        self._started, self._before, self._at = time.monotonic(), 0.0, None


@dataclass(frozen=True)
class Checkpoints:
    """Where one unfinished piece of work lies, itself or inside that of a larger one. Only the first process writes."""

    folder: Path
    ledger: Ledger

    def inside(self, name: str) -> Checkpoints:
        """A place of its own for a part of this work."""
        return Checkpoints(self.folder / name, self.ledger)

    @property
    def begun(self) -> bool:
        """Whether an earlier start left something to go on from."""
        return any(self.folder.rglob("*.safetensors"))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Within, the work is done. Afterwards nothing is kept of it, unless it was paused or something went wrong."""
        if self.folder != self.ledger.folder and not self.begun:
            self.ledger.standing = replace(self.ledger.standing, progress=None)  # that of the part before
        self._write()
        try:
            yield
        except Paused:
            self._write(paused=True)
            raise
        except Cancelled:
            self.clear()
            raise
        except Exception:
            if not self.begun:
                self.clear()
            raise
        self.clear()

    def claim(self, made_of: str) -> None:
        """What lies here counts only if it was made of the same: hex, over images, labels and weights."""
        path = self.folder / MADE_OF
        if path.is_file() and path.read_text("utf-8") == made_of:
            return
        if self.begun:
            self.clear()
            self._write()
        if rank() == 0:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(made_of, "utf-8")
            sync_file(path)

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
        if rank() > 0:
            return
        since = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        partial, final = self.folder / f".{name}.partial", self.folder / f"{name}.safetensors"
        tensors = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in state.tensors.items()}
        save_file(tensors, partial, metadata={"facts": json.dumps(state.facts)})
        sync_file(partial)
        partial.replace(final)
        self.ledger.kept(since)

    def forget(self, name: str) -> None:
        """A state is not needed any more."""
        if rank() == 0:
            (self.folder / f"{name}.safetensors").unlink(missing_ok=True)

    def keep_fold(self, fold: int, probabilities: NDArray[np.float64], strength: float, temperature: float) -> None:
        """A fold is done; what led there goes, its predictions stay."""
        tensors = {"probabilities": torch.from_numpy(np.ascontiguousarray(probabilities))}
        self.save(f"fold-{fold}-done", State(tensors, {"strength": strength, "temperature": temperature}))
        over = {path.stem for path in self.folder.glob(f"fold-{fold}-*.safetensors")} - {f"fold-{fold}-done"}
        for name in (f"fold-{fold}", f"head-{fold}", *over):
            self.forget(name)

    def fold(self, fold: int) -> tuple[NDArray[np.float64], float, float] | None:
        """(probabilities, strength, temperature) of a fold that was done before, or None."""
        state = self.load(f"fold-{fold}-done")
        if state is None:
            return None
        facts = state.facts
        return state.tensors["probabilities"].numpy(), float(facts["strength"]), float(facts["temperature"])

    def folds_done(self, frozen: bool) -> int:
        """How many folds need not be learned again. frozen: where heads are kept and predict anew."""
        return len(list(self.folder.glob("head-[1-9]*.safetensors" if frozen else "fold-*-done.safetensors")))

    def clear(self) -> None:
        """The work is finished, or given up."""
        if rank() == 0:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder == self.ledger.folder:
            self.ledger.reset()

    def _write(self, paused: bool = False) -> None:
        if rank() == 0:
            self.ledger.write(paused)


@dataclass(frozen=True)
class Keeping:
    """How a piece of work keeps what it did: under a name on a bench, where there is one.

    check() may raise to stop; first() keeps what has to be there before.
    """

    checkpoints_of: Checkpoints | None = None
    name: str = ""
    check: Callable[[], None] = lambda: None
    first: Callable[[], None] = lambda: None

    def of(self, part: str) -> Keeping:
        """The same for a part of the work."""
        return replace(self, name=f"{self.name}-{part}")

    def load(self) -> State | None:
        """What was kept, or None."""
        return self.checkpoints_of.load(self.name) if self.checkpoints_of is not None else None

    def save(self, state: State) -> None:
        """Keep it now."""
        if self.checkpoints_of is not None:
            self.first()
            self.checkpoints_of.save(self.name, state)

    def forget(self) -> None:
        """It is not needed any more."""
        if self.checkpoints_of is not None:
            self.checkpoints_of.forget(self.name)

    def point(self, state: Callable[[], State]) -> None:
        """A point at which the work may stop; state() is all that it did. Raises what check() raises."""
        try:
            self.check()
        except Paused:
            self.save(state())
            raise
        if self.checkpoints_of is not None and self.checkpoints_of.ledger.due():
            self.save(state())


NOWHERE = Keeping()  # nothing is kept, and nothing stops


class Noting(Monitor):
    """Passes everything on, and lets a bench know where the work is."""

    def __init__(self, monitor: Monitor, checkpoints_of: Checkpoints) -> None:
        self._monitor, self._bench = monitor, checkpoints_of

    def report(self, what: ProgressEvent) -> None:
        """As the monitor; features are kept with the project as they come."""
        if isinstance(what, Progress):
            ledger = self._bench.ledger
            ledger.note(what)
            if what.stage == STAGE_FEATURES and rank() == 0 and not self._bench.begun:
                ledger.standing = replace(ledger.standing, progress=what)
                if ledger.due():
                    ledger.write()
        self._monitor.report(what)

    def check(self) -> None:
        """As the monitor."""
        self._monitor.check()


def checkpoints_of(project: Project, kind: Kind, recipe: Recipe, split_hash: str) -> Checkpoints:
    """Where that work lies, whether or not it was begun."""
    named = hashlib.sha256(f"{kind} {recipe.to_json()} {split_hash}".encode()).hexdigest()
    folder = project.runs_folder / f"{UNFINISHED}{named[:16]}"
    return Checkpoints(folder, Ledger(folder, Standing.load(folder) or Standing(kind, recipe, split_hash)))


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


def without_prefix(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What with_prefix() named."""
    return dict(_stripped(f"{prefix}/", tensors))


def _stripped(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in tensors.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), tensor
