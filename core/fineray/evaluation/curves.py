"""ROC, precision-recall and decision curves with bands, and the histogram of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.bootstrap import patient_weights
from fineray.evaluation.one_vs_rest import OneVsRest

GRID = np.linspace(0, 1, 101)
THRESHOLDS = np.arange(0.01, 1.0, 0.01)
MOST_STEPS = 2000  # distinct scores that a curve looks at
_RESAMPLES = 500
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """A line with its 95 % band, pointwise, by a bootstrap over patients; the band may be empty."""

    x: Numbers
    y: Numbers
    low: Numbers = ()
    high: Numbers = ()

    @staticmethod
    def of(x: NDArray[np.float64], y: NDArray[np.float64], *band: NDArray[np.float64]) -> Curve:
        """From arrays."""
        return Curve(*(tuple(np.asarray(each, dtype=np.float64).tolist()) for each in (x, y, *band)))


@dataclass(frozen=True)
class Histogram:
    """How many images of each side have a score in each bin. edges: one more than bins."""

    edges: Numbers
    positive: tuple[int, ...]
    negative: tuple[int, ...]


@dataclass(frozen=True)
class Curves:
    """roc: sensitivity against 1 - specificity; precision_recall: precision against sensitivity; net_benefit against
    the threshold (Vickers and Elkin 2006), beside treating all (treat none is 0); prevalence: of these images."""

    roc: Curve
    precision_recall: Curve
    net_benefit: Curve
    treat_all: Curve
    histogram: Histogram
    prevalence: float


def curves(asked: OneVsRest, *, resamples: int = _RESAMPLES, seed: int = 0) -> Curves | None:
    """All curves; None without both classes."""
    if asked.positive.all() or not asked.positive.any():
        return None
    ones = np.ones((1, len(asked.scores)))
    bands = []
    for weights in patient_weights(asked.positive.astype(np.int64), asked.patients, resamples, seed):
        bands.append(_lines(asked, weights))
    middle = _lines(asked, ones)
    drawn = [np.concatenate(parts) for parts in zip(*bands, strict=True)]
    roc, pr, benefit = (
        Curve.of(grid, line[0], *np.nanpercentile(many, [2.5, 97.5], axis=0))
        for grid, line, many in zip((GRID, GRID[1:], THRESHOLDS), middle, drawn, strict=True)
    )
    prevalence = float(asked.positive.mean())
    odds = THRESHOLDS / (1 - THRESHOLDS)
    edges = np.linspace(0, 1, 21)
    return Curves(
        roc=roc,
        precision_recall=pr,
        net_benefit=benefit,
        treat_all=Curve.of(THRESHOLDS, prevalence - (1 - prevalence) * odds),
        histogram=Histogram(
            tuple(edges.tolist()),
            tuple(np.histogram(asked.scores[asked.positive], edges)[0].tolist()),
            tuple(np.histogram(asked.scores[~asked.positive], edges)[0].tolist()),
        ),
        prevalence=prevalence,
    )


def net_benefit(asked: OneVsRest, threshold: float) -> float:
    """Of calling the class from this threshold (0..1) on."""
    predicted = asked.scores >= threshold
    hits, alarms = (predicted & asked.positive).sum(), (predicted & ~asked.positive).sum()
    return float(hits - alarms * threshold / (1 - threshold)) / len(asked.scores)


def _steps(
    asked: OneVsRest, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(scores from the highest down [u], true positives at or above each [resamples, u], false positives likewise)."""
    order = np.argsort(-asked.scores, kind="stable")
    scores = asked.scores[order]
    _, first = np.unique(-scores, return_index=True)
    if len(first) > MOST_STEPS:
        first = first[np.linspace(0, len(first) - 1, MOST_STEPS).astype(np.int64)]
    sorted_weights, positive = weights[:, order], asked.positive[order]
    hits = np.cumsum(np.add.reduceat(sorted_weights * positive, first, axis=1), axis=1)
    alarms = np.cumsum(np.add.reduceat(sorted_weights * ~positive, first, axis=1), axis=1)
    lowest = np.append(scores[first[1:] - 1], scores[-1])  # of each step
    return lowest, hits, alarms


def _lines(
    asked: OneVsRest, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sensitivity on the grid of 1 - specificity, precision on that of sensitivity, net benefit on the thresholds."""
    lowest, hits, alarms = _steps(asked, weights)
    roc, precision = np.empty((len(weights), len(GRID))), np.empty((len(weights), len(GRID) - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr, fpr, ppv = hits / hits[:, -1:], alarms / alarms[:, -1:], hits / (hits + alarms)
    for row in range(len(weights)):
        roc[row] = np.interp(GRID, np.append(0, fpr[row]), np.append(0, tpr[row]))
        roc[row, -1] = 1.0
        # The best precision at this sensitivity or beyond would flatter; the step that first reaches it is taken.
        reached = np.searchsorted(tpr[row], GRID[1:] - 1e-12)
        precision[row] = ppv[row, np.minimum(reached, len(lowest) - 1)]
    odds = THRESHOLDS / (1 - THRESHOLDS)
    last = np.searchsorted(-lowest, -THRESHOLDS, side="right") - 1  # the last step at or above each threshold
    total = weights.sum(axis=1, keepdims=True)
    benefit = np.where(last >= 0, hits[:, last] - alarms[:, last] * odds, 0) / total
    return roc, precision, benefit
