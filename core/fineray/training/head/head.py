"""The head: standardisation of the features, the new last layer, and the temperature of its logits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.optimize import minimize

from fineray.project.runs import reading
from fineray.training.head.last_layer import CosineLayer, last_layer, penalty
from fineray.training.head.loss import images_weigh, total_loss
from fineray.training.head.temperature import probabilities
from fineray.training.recipe import HeadKind, HeadSettings, LossSettings

Floats = NDArray[np.float64]
MAX_STEPS = 300


@dataclass(frozen=True)
class Standardisation:
    """Mean and scale of each feature over training images; a feature that never varies keeps a scale of 1."""

    mean: Floats
    scale: Floats

    @staticmethod
    def of(features: NDArray[np.floating], widths: Sequence[int] = ()) -> Standardisation:
        """From training features [images, features].

        widths: features of each stage; every stage then weighs alike, however many features it has (the squared
        lengths of two stages are the same on average, and their sum is the number of features).
        """
        deviation = features.std(axis=0, dtype=np.float64)
        share = np.ones(features.shape[1])
        if len(widths) > 1:
            share = np.concatenate([np.full(width, np.sqrt(sum(widths) / (len(widths) * width))) for width in widths])
        scale = np.where(deviation > 1e-8, deviation, 1.0) / share
        return Standardisation(features.mean(axis=0, dtype=np.float64), scale)

    def apply(self, features: NDArray[np.floating]) -> Floats:
        """Standardised features, float64."""
        return np.asarray((features - self.mean) / self.scale, dtype=np.float64)


@dataclass(frozen=True)
class Problem:
    """What a last layer learns from: standardised features [images, d] in double precision, on the device where it is
    fitted; targets and weights [images, classes].

    multilabel: classes are findings that may stand side by side.
    """

    features: torch.Tensor
    targets: Floats
    weights: Floats
    multilabel: bool

    def rows(self, chosen: NDArray[np.int64]) -> Problem:
        """Some of its images."""
        features = self.features[torch.from_numpy(chosen).to(self.features.device)]
        return Problem(features, self.targets[chosen], self.weights[chosen], self.multilabel)


@dataclass(frozen=True)
class Head:
    """State of a last layer for standardised features; temperature divides its logits (see temperature.py)."""

    standardisation: Standardisation
    kind: HeadKind
    state: dict[str, Floats]
    multilabel: bool = False
    temperature: float = 1.0

    @property
    def classes(self) -> int:
        """How many."""
        last = "2.weight" if self.kind == "mlp" else "weight"
        return int(self.state[last].shape[0])

    def layer(self) -> torch.nn.Module:
        """The last layer as a module, float64."""
        width = len(self.standardisation.mean)
        hidden = len(self.state["0.bias"]) if self.kind == "mlp" else 1
        module = last_layer(self.kind, width, self.classes, hidden).double()
        module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in self.state.items()})
        return module

    def logits(self, features: NDArray[np.floating]) -> Floats:
        """[images, classes], before the temperature."""
        return outputs(self.layer(), torch.from_numpy(self.standardisation.apply(features)))

    def probabilities(self, features: NDArray[np.floating]) -> Floats:
        """[images, classes], rows sum to 1; of findings each has a chance of its own."""
        return probabilities(self.logits(features), self.temperature, self.multilabel)

    def save(self, path: Path) -> None:
        """Write as safetensors, all float64; what is no array stands in its metadata."""
        arrays = {"mean": self.standardisation.mean, "scale": self.standardisation.scale}
        arrays |= {f"layer.{name}": np.ascontiguousarray(value) for name, value in self.state.items()}
        facts = {"kind": self.kind, "multilabel": self.multilabel, "temperature": self.temperature}
        # one entry, since safetensors writes several in an order that changes
        save_file(arrays, path, metadata={"head": json.dumps(facts)})

    @staticmethod
    def load(path: Path) -> Head:
        """Read what save() wrote. Raises RunDamaged."""
        with reading(path), safe_open(path, framework="numpy") as file:
            facts = json.loads(file.metadata()["head"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            state = {name.removeprefix("layer."): value for name, value in arrays.items() if name.startswith("layer.")}
            kind: HeadKind = facts["kind"]
            standardisation = Standardisation(arrays["mean"], arrays["scale"])
            # Runs of 0.1 say `several`.
            multilabel = bool(facts["multilabel"] if "multilabel" in facts else facts["several"])
            return Head(standardisation, kind, state, multilabel, float(facts["temperature"]))


def outputs(layer: torch.nn.Module, standardised: torch.Tensor) -> Floats:
    """Logits of standardised features, on the layer's device."""
    with torch.inference_mode():
        found: Floats = layer(standardised).cpu().numpy()
    return found


def new_layer(settings: HeadSettings, problem: Problem, seed: int) -> torch.nn.Module:
    """A layer where fitting starts, the same for the same seed, on the problem's device."""
    torch.manual_seed(seed)
    width, classes = problem.features.shape[1], problem.targets.shape[1]
    layer = last_layer(settings.kind, width, classes, settings.hidden).double().to(problem.features.device)
    if isinstance(layer, CosineLayer):  # each class begins at its own images
        sure = np.where(np.isnan(problem.targets), 0.5, problem.targets)
        layer.start_at(torch.from_numpy((sure - sure.mean(axis=0)).T).to(problem.features) @ problem.features)
    return layer


def fit_layer(
    layer: torch.nn.Module,
    problem: Problem,
    loss: LossSettings,
    strength: float,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    tolerance: float = 1e-9,
) -> None:
    """Minimise mean loss + strength / 2 * penalty by L-BFGS, in place, from where the layer is.

    tolerance: relative decrease of the objective below which it ends.

    on_step(step, mean loss) is called after each optimiser step and may raise to stop.
    """
    features = problem.features
    targets, weights = (
        torch.from_numpy(each).to(features) for each in (np.nan_to_num(problem.targets), problem.weights)
    )
    total = float(images_weigh(problem.weights, problem.multilabel).sum())
    parameters = list(layer.parameters())
    last_loss, step = 0.0, 0

    def objective(packed: Floats) -> tuple[float, Floats]:
        nonlocal last_loss
        torch.nn.utils.vector_to_parameters(torch.from_numpy(packed).to(features), parameters)
        for parameter in parameters:
            parameter.grad = None
        mean = total_loss(layer(features), targets, weights, loss, problem.multilabel) / total
        value = mean + strength / 2 * penalty(layer)
        value.backward()  # type: ignore[no-untyped-call]
        last_loss = float(mean.detach())
        gradient = torch.cat([parameter.grad.reshape(-1) for parameter in parameters if parameter.grad is not None])
        return float(value.detach()), gradient.cpu().numpy().copy()

    def count(_: Floats) -> None:
        nonlocal step
        step += 1
        on_step(step, last_loss)

    start = torch.nn.utils.parameters_to_vector(parameters).detach().cpu().numpy().copy()
    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        callback=count,
        options={"maxiter": MAX_STEPS, "ftol": tolerance, "gtol": 1e-5},
    )
    torch.nn.utils.vector_to_parameters(torch.from_numpy(found.x.copy()).to(features), parameters)


@dataclass(frozen=True)
class Span:
    """An orthonormal basis [features, rank] of the space that standardised training images span, or None for all of it.

    A penalised weight that meets the features lies in it (representer theorem), so fitting there is exact and, with
    fewer images than features, cheaper.
    """

    basis: Floats | None

    @staticmethod
    def of(standardised: Floats) -> Span:
        """Of training features [images, d]; the whole space if there are more images than features."""
        images, width = standardised.shape
        if images >= width:
            return Span(None)
        return Span(np.linalg.qr(standardised.T)[0])

    def reduce(self, standardised: Floats) -> Floats:
        """Coordinates in the span."""
        return standardised if self.basis is None else np.asarray(standardised @ self.basis)

    def state(self, layer: torch.nn.Module) -> dict[str, Floats]:
        """The state of a layer that was fitted in the span, for whole features."""
        state = {name: tensor.detach().cpu().numpy().copy() for name, tensor in layer.state_dict().items()}
        if self.basis is not None:
            first = "0.weight" if "0.weight" in state else "weight"
            state[first] = state[first] @ self.basis.T
        return state
