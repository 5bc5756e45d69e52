"""Choosing the regularisation inside training images, and fitting the head with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.project.splitting import inner_folds
from core.training.head import Head, Span, Standardisation, fit_linear, path_losses
from core.training.recipe import Recipe


@dataclass(frozen=True)
class FittedHead:
    """A head, the strength chosen for it, and the mean validation loss of each strength that was tried."""

    head: Head
    strength: float
    losses: tuple[tuple[float, float], ...]


def fit_head(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    patients: NDArray[np.int64],
    classes: int,
    recipe: Recipe,
    validation: tuple[NDArray[np.float32], NDArray[np.int64]] | None = None,
    on_tried: Callable[[float, float], None] = lambda strength, loss: None,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    check: Callable[[], None] = lambda: None,
) -> FittedHead:
    """Standardise, choose the strength, fit on all the training images given.

    The strength is the one with the least mean log loss on `validation` (features, labels), or else in folds by
    patient inside the training images. Nothing outside the arguments is looked at.
    check() is called often and may raise to stop.
    """
    standardisation = Standardisation.of(features)
    standardised = standardisation.apply(features)
    span = Span.of(standardised)
    reduced = standardised @ span.basis
    strengths = sorted(recipe.strengths, reverse=True)
    if validation is None:
        everything, checks = reduced, inner_folds(labels, patients, recipe.inner_folds, recipe.seed)
        all_labels = labels
    else:
        extra = standardisation.apply(validation[0]) @ span.basis
        everything, all_labels = np.concatenate([reduced, extra]), np.concatenate([labels, validation[1]])
        rows = np.arange(len(everything))
        checks = [(rows[: len(labels)], rows[len(labels) :])]
    losses = _mean_losses(everything, all_labels, classes, strengths, checks, check)
    for strength, loss in zip(strengths, losses, strict=True):
        on_tried(strength, loss)
    chosen = strengths[int(np.argmin(losses))]
    fit = fit_linear(reduced, labels, classes, chosen, on_step=on_step)
    head = Head(standardisation, span.basis @ fit.weight, fit.bias)
    return FittedHead(head, chosen, tuple(zip(strengths, losses, strict=True)))


def _mean_losses(
    features: NDArray[np.float64],
    labels: NDArray[np.int64],
    classes: int,
    strengths: Sequence[float],
    checks: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    check: Callable[[], None],
) -> list[float]:
    if not checks:  # a class of a single patient cannot be held out: the strongest regularisation is the safe choice
        return [0.0] + [float("inf")] * (len(strengths) - 1)
    losses = []
    for fit, held_out in checks:
        check()
        losses.append(path_losses(features, labels, classes, strengths, fit, held_out))
    weights = [len(held_out) for _, held_out in checks]
    return [float(loss) for loss in np.average(losses, axis=0, weights=weights)]
