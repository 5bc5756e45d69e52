"""The new last layer: multinomial logistic regression on standardised features, by L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

Floats = NDArray[np.float64]
MAX_STEPS = 300


@dataclass(frozen=True)
class Standardisation:
    """Mean and scale of each feature over training images; a feature that never varies keeps a scale of 1."""

    mean: Floats
    scale: Floats

    @staticmethod
    def of(features: NDArray[np.floating]) -> Standardisation:
        """From training features [images, features]."""
        deviation = features.std(axis=0, dtype=np.float64)
        return Standardisation(features.mean(axis=0, dtype=np.float64), np.where(deviation > 1e-8, deviation, 1.0))

    def apply(self, features: NDArray[np.floating]) -> Floats:
        """Standardised features, float64."""
        return (features - self.mean) / self.scale


@dataclass(frozen=True)
class Head:
    """weight: [features, classes] and bias: [classes], for standardised features."""

    standardisation: Standardisation
    weight: Floats
    bias: Floats

    def probabilities(self, features: NDArray[np.floating]) -> Floats:
        """[images, classes], rows sum to 1."""
        logits = self.standardisation.apply(features) @ self.weight + self.bias
        return np.asarray(softmax(logits, axis=1))

    def save(self, path: Path) -> None:
        """Write as safetensors: mean, scale, weight, bias, all float64."""
        arrays = {"mean": self.standardisation.mean, "scale": self.standardisation.scale}
        save_file({**arrays, "weight": np.ascontiguousarray(self.weight), "bias": self.bias}, path)

    @staticmethod
    def load(path: Path) -> Head:
        """Read what save() wrote."""
        arrays = load_file(path)
        return Head(Standardisation(arrays["mean"], arrays["scale"]), arrays["weight"], arrays["bias"])


@dataclass(frozen=True)
class LinearFit:
    """A fitted weight [features, classes] and bias [classes]; also the place where the next fit may start."""

    weight: Floats
    bias: Floats


def fit_linear(
    features: Floats,
    labels: NDArray[np.int64],
    classes: int,
    strength: float,
    start: LinearFit | None = None,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> LinearFit:
    """Minimise mean log loss + strength / 2 * |weight|^2 (the bias is not penalised).

    features: [images, d] standardised; labels: class numbers 0..classes-1. on_step(step, mean log loss) is called
    after each optimiser step and may raise to stop. With fewer images than features the problem is solved in the
    span of the images, where its solution lies.
    """
    images, width = features.shape
    target = np.eye(classes)[labels]
    start = start or LinearFit(np.zeros((width, classes)), np.zeros(classes))
    last_loss = 0.0

    def objective(packed: Floats) -> tuple[float, Floats]:
        nonlocal last_loss
        weight, bias = packed[:-classes].reshape(width, classes), packed[-classes:]
        log_probability = log_softmax(features @ weight + bias, axis=1)
        last_loss = float(-(target * log_probability).sum() / images)
        residual = (np.exp(log_probability) - target) / images
        gradient = np.concatenate([(features.T @ residual + strength * weight).ravel(), residual.sum(axis=0)])
        return last_loss + strength / 2 * float((weight**2).sum()), gradient

    step = 0

    def count(_: Floats) -> None:
        nonlocal step
        step += 1
        on_step(step, last_loss)

    found = minimize(
        objective,
        np.concatenate([start.weight.ravel(), start.bias]),
        jac=True,
        method="L-BFGS-B",
        callback=count,
        options={"maxiter": MAX_STEPS, "ftol": 1e-9, "gtol": 1e-5},
    )
    return LinearFit(found.x[:-classes].reshape(width, classes), found.x[-classes:])


@dataclass(frozen=True)
class Span:
    """An orthonormal basis [features, rank] of the space that standardised training images span.

    The L2-penalised solution lies in it (representer theorem), so fitting there is exact and, with fewer images
    than features, cheaper.
    """

    basis: Floats

    @staticmethod
    def of(standardised: Floats) -> Span:
        """Of training features [images, d]; the whole space if there are more images than features."""
        images, width = standardised.shape
        if images >= width:
            return Span(np.eye(width))
        _, singular, basis = np.linalg.svd(standardised, full_matrices=False)
        return Span(basis[singular > 1e-10 * singular[0]].T)


def mean_log_loss(fit: LinearFit, features: Floats, labels: NDArray[np.int64]) -> float:
    """Mean negative log probability of the true class."""
    log_probability = log_softmax(features @ fit.weight + fit.bias, axis=1)
    return float(-log_probability[np.arange(len(labels)), labels].mean())


def path_losses(
    features: Floats,
    labels: NDArray[np.int64],
    classes: int,
    strengths: Sequence[float],
    fit_rows: NDArray[np.int64],
    check_rows: NDArray[np.int64],
) -> list[float]:
    """Mean log loss on check_rows of heads fitted on fit_rows, one a strength, each starting from the last."""
    losses = []
    fit: LinearFit | None = None
    for strength in strengths:
        fit = fit_linear(features[fit_rows], labels[fit_rows], classes, strength, fit)
        losses.append(mean_log_loss(fit, features[check_rows], labels[check_rows]))
    return losses
