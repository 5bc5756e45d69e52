"""Choosing the regularisation inside training images, fitting the head with it, and its temperature."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.progress import Paused
from fineray.project.splitting.make import inner_folds
from fineray.training.checkpoint import (
    NOWHERE,
    Keeping,
    State,
    with_prefix,
    without_prefix,
)
from fineray.training.devices import head_device
from fineray.training.head.head import (
    Floats,
    Head,
    Problem,
    Span,
    Standardisation,
    fit_layer,
    new_layer,
    outputs,
)
from fineray.training.head.loss import element_weights, images_weigh, total_loss
from fineray.training.head.temperature import temperature
from fineray.training.recipe import LossSettings, Recipe
from fineray.training.threads import single_thread

ROUGH = 1e-5
PLAIN = LossSettings()  # strengths and temperature are judged by the plain log loss, whatever is trained with


@dataclass(frozen=True)
class Examples:
    """Images to learn from. features: [views, images, d], the first view the images themselves; targets [images,
    classes], NaN where not known; groups (patients) [images]; strata [images]: class numbers that inner folds keep
    balanced; multilabel: classes are findings that may stand side by side.
    """

    features: NDArray[np.float32]
    targets: Floats
    groups: NDArray[np.int64]
    strata: NDArray[np.int64]
    multilabel: bool

    def rows(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Examples:
        """Some of the images."""
        return Examples(
            self.features[:, chosen], self.targets[chosen], self.groups[chosen], self.strata[chosen], self.multilabel
        )


@dataclass(frozen=True)
class FittedHead:
    """A head, the strength chosen for it, and the mean validation loss of each strength that was tried."""

    head: Head
    strength: float
    losses: tuple[tuple[float, float], ...]

    def state(self) -> State:
        """All of it, exactly."""
        head, standard = self.head, self.head.standardisation
        facts = {"kind": head.kind, "multilabel": head.multilabel, "temperature": head.temperature}
        layer = {name: torch.from_numpy(array) for name, array in head.state.items()}
        tensors = {"mean": torch.from_numpy(standard.mean), "scale": torch.from_numpy(standard.scale)}
        tensors |= with_prefix("layer", layer)
        return State(tensors, {"head": facts, "strength": self.strength, "losses": self.losses})

    @staticmethod
    def of(state: State) -> FittedHead:
        """What state() gave."""
        standard = Standardisation(state.tensors["mean"].numpy(), state.tensors["scale"].numpy())
        layer = {name: tensor.numpy() for name, tensor in without_prefix("layer", state.tensors).items()}
        head = Head(standard, state=layer, **state.facts["head"])
        losses = tuple((strength, loss) for strength, loss in state.facts["losses"])
        return FittedHead(head, state.facts["strength"], losses)


def fit_head(
    examples: Examples,
    widths: tuple[int, ...],
    recipe: Recipe,
    validation: Examples | None = None,
    on_tried: Callable[[float, float], None] = lambda strength, loss: None,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    keeping: Keeping = NOWHERE,
) -> FittedHead:
    """Standardise, choose the strength, fit on all the examples given.

    The strength is the one with the least mean log loss on `validation`, or else in folds by patient inside the
    examples; the same held-out logits give the temperature. Nothing outside the arguments is looked at. What was tried
    is kept between two fits; the last one, which takes seconds, is finished before the work is paused.
    """
    if (done := keeping.load()) is not None and "head" in done.facts:
        return FittedHead.of(done)
    views, images, width = examples.features.shape
    flat = examples.features.reshape(views * images, width)
    standardisation = Standardisation.of(flat, widths)
    standardised = standardisation.apply(flat)
    span = Span.of(standardised)
    reduced = span.reduce(standardised)
    weights = element_weights(examples.targets, recipe.loss, examples.multilabel)
    device = head_device(reduced.nbytes)
    whole = Problem(
        torch.from_numpy(reduced).to(device),
        np.tile(examples.targets, (views, 1)),
        np.tile(weights, (views, 1)),
        examples.multilabel,
    )
    checks: list[_Check]
    if validation is None:
        folds = inner_folds(examples.strata, examples.groups, recipe.head.inner_folds, recipe.seed)
        checks = [_Inside(whole, fit, held_out, views) for fit, held_out in folds]
    else:
        extra = torch.from_numpy(span.reduce(standardisation.apply(validation.features[0]))).to(device)
        checks = [
            _Beside(whole, Problem(extra, validation.targets, np.ones_like(validation.targets), whole.multilabel))
        ]
    with single_thread():
        tried = _path(checks, recipe, keeping, on_tried)
        best = min(tried, key=lambda each: each.loss)
        layer = new_layer(recipe.head, whole, recipe.seed)

        def unless_cancelled(step: int, loss: float) -> None:
            with suppress(Paused):
                keeping.check()
            on_step(step, loss)

        fit_layer(layer, whole, recipe.loss, best.strength, unless_cancelled)
    fitted_temperature = temperature(best.logits, best.targets, whole.multilabel) if len(best.targets) else 1.0
    head = Head(standardisation, recipe.head.kind, span.state(layer), whole.multilabel, fitted_temperature)
    fitted = FittedHead(head, best.strength, tuple((each.strength, each.loss) for each in tried))
    keeping.save(fitted.state())
    return fitted


@dataclass(frozen=True)
class _Tried:
    """Mean held-out log loss of a strength, with the held-out logits and their targets."""

    strength: float
    loss: float
    logits: Floats
    targets: Floats


class _Check(Protocol):
    def problems(self) -> tuple[Problem, Problem]:
        """(what is fitted on, what is held out)."""


@dataclass(frozen=True)
class _Inside:
    """An inner fold: all views of an image are fitted on, the image itself is judged."""

    whole: Problem
    fit: NDArray[np.int64]
    held_out: NDArray[np.int64]
    views: int

    def problems(self) -> tuple[Problem, Problem]:
        images = len(self.whole.targets) // self.views
        rows = np.concatenate([self.fit + view * images for view in range(self.views)])
        return self.whole.rows(rows), self.whole.rows(self.held_out)


@dataclass(frozen=True)
class _Beside:
    """A validation part."""

    fit: Problem
    held_out: Problem

    def problems(self) -> tuple[Problem, Problem]:
        return self.fit, self.held_out


def _path(
    checks: list[_Check], recipe: Recipe, keeping: Keeping, on_tried: Callable[[float, float], None]
) -> list[_Tried]:
    """From the strongest regularisation on; weak ones take longest, so it ends where the loss has risen twice."""
    strengths = sorted(recipe.head.strengths, reverse=True)
    if not checks:  # a class of a single patient cannot be held out: the strongest regularisation is the safe choice
        on_tried(strengths[0], 0.0)
        return [_Tried(strengths[0], 0.0, np.zeros((0, 0)), np.zeros((0, 0)))]
    kept = keeping.load()
    layers: list[torch.nn.Module] = []
    done: list[Floats] = []  # held-out logits of every strength in every check, in the order of the fits
    tried: list[_Tried] = []
    for strength in strengths:
        loss = weight = 0.0
        targets = []
        for number, each in enumerate(checks):
            fit, held = each.problems()
            if number == len(layers):
                layers.append(new_layer(recipe.head, fit, recipe.seed))
            if kept is not None and len(done) < kept.facts["fits"]:
                done.append(kept.tensors[f"logits-{len(done)}"].numpy())
                layers[number].load_state_dict(without_prefix(f"layer-{number}", kept.tensors))
            else:
                # from where the stronger one ended, and as far as telling strengths apart needs
                fit_layer(layers[number], fit, recipe.loss, strength, tolerance=ROUGH)
                done.append(outputs(layers[number], held.features))
                keeping.point(lambda: _state(layers, done))
            targets.append(held.targets)
            plain = element_weights(held.targets, PLAIN, held.multilabel)
            found, truth = torch.from_numpy(done[-1]), torch.from_numpy(np.nan_to_num(held.targets))
            loss += float(total_loss(found, truth, torch.from_numpy(plain), PLAIN, held.multilabel))
            weight += float(images_weigh(plain, held.multilabel).sum())
        logits = np.concatenate(done[-len(checks) :])
        tried.append(_Tried(strength, loss / max(weight, 1e-12), logits, np.concatenate(targets)))
        on_tried(strength, tried[-1].loss)
        if len(tried) > 2 and min(each.loss for each in tried[:-2]) < min(each.loss for each in tried[-2:]):
            break
    return tried


def _state(layers: list[torch.nn.Module], done: list[Floats]) -> State:
    tensors = {f"logits-{number}": torch.from_numpy(logits) for number, logits in enumerate(done)}
    for number, layer in enumerate(layers):
        tensors |= with_prefix(f"layer-{number}", layer.state_dict())
    return State(tensors, {"fits": len(done)})
