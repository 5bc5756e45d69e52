"""Whether probabilities mean what they say (Cox 1958; Van Calster et al. 2019; Guo et al. 2017)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.bootstrap import patient_weights, percentile_interval
from fineray.evaluation.curves import Curve
from fineray.evaluation.intervals import (
    BOOTSTRAP,
    Estimate,
    defined,
    estimates_of,
    frame_of,
    proportion,
)
from fineray.evaluation.one_vs_rest import OneVsRest

if TYPE_CHECKING:
    import pandas as pd

CLOSEST = 1e-6  # a probability is not taken for nearer to 0 or 1 than this before its logit
BINS = 10
_STEPS, _NEAR = 30, 1e-10


@dataclass(frozen=True)
class Bin:
    """Images whose probability lies in [low, high): how probable, and how often true."""

    low: float
    high: float
    mean: float
    observed: Estimate


@dataclass(frozen=True)
class Calibration:
    """brier: 0 is perfect; scaled_brier: 1 - Brier / that of the prevalence for everyone; ece: expected calibration
    error over the bins; slope and intercept: of the logistic model on the logit, 1 and 0 are perfect; in_the_large:
    the intercept where the slope is 1; observed_expected: true images over the sum of probabilities; curve: observed
    share against probability, smoothed."""

    brier: Estimate
    scaled_brier: Estimate
    ece: Estimate
    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate
    observed_expected: Estimate
    bins: tuple[Bin, ...]
    curve: Curve

    def to_frame(self) -> pd.DataFrame:
        """A pandas data frame with a row a figure, as Evaluation.to_frame(). Raises PandasMissing."""
        return frame_of(("", name, each) for name, each in estimates_of(self))


def calibration(asked: OneVsRest, *, resamples: int = 1000, seed: int = 0) -> Calibration | None:
    """Tell whether the probabilities of a class mean what they say.

    Parameters
    ----------
    asked : OneVsRest
        One class against the others, by `one_vs_rest`.
    resamples : int
        Of the bootstrap over patients.
    seed : int
        Of the resamples.

    Returns
    -------
    Calibration or None
        Slope, intercept, Brier score and others with 95 % intervals, bins and a smoothed curve; None without both
        classes. `to_frame` gives a row a figure.

    Notes
    -----
    Logistic recalibration by Cox (1958); the levels of calibration by Van Calster et al. (2016); expected calibration
    error over ten bins by Guo et al. (2017).

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     predictions = fineray.run(project, "run-001").predictions()
    >>> found = fineray.calibration(fineray.one_vs_rest(predictions, "opacity (synthetic)"), resamples=100)
    >>> list(found.to_frame()["figure"])[:3]
    ['brier', 'scaled_brier', 'ece']
    """
    y = asked.positive.astype(np.float64)
    if y.min() == y.max():
        return None
    blocks: dict[str, list[NDArray[np.float64]]] = {}
    smooth = []
    for weights in patient_weights(asked.positive.astype(np.int64), asked.patients, resamples, seed):
        for name, values in _all(asked, weights).items():
            blocks.setdefault(name, []).append(values)
        smooth.append(_smoothed(asked, weights))
    ones = np.ones((1, len(y)))
    found = {
        name: Estimate(defined(value[0]), *percentile_interval(np.concatenate(blocks[name])), len(y), BOOTSTRAP)
        for name, value in _all(asked, ones).items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # far from every score nothing is known, and nothing is shown
        low, high = np.nanpercentile(np.concatenate(smooth), [2.5, 97.5], axis=0)
    shown = slice(*_within(asked.scores))
    middle = _smoothed(asked, ones)[0]
    curve = Curve.of(GRID[shown], middle[shown], low[shown], high[shown])
    return Calibration(**found, bins=bins(asked), curve=curve)


def bins(asked: OneVsRest, number: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal width with Wilson's intervals; empty ones are left out."""
    edges = np.linspace(0, 1, number + 1)
    member = _members(asked.scores, number)
    return tuple(
        Bin(
            float(edges[each]),
            float(edges[each + 1]),
            float(asked.scores[member == each].mean()),
            proportion(asked.positive[member == each], asked.patients[member == each]),
        )
        for each in np.unique(member)
    )


def logistic(
    x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(intercepts, slopes) [resamples] of y on x by Newton's method; NaN where classes are wholly apart."""
    a, b = np.zeros(len(weights)), np.ones(len(weights))
    with np.errstate(all="ignore"):
        for _ in range(_STEPS):
            p = _expit(a[:, None] + b[:, None] * x)
            miss, spread = weights * (y - p), weights * p * (1 - p)
            g0, g1 = miss.sum(axis=1), miss @ x
            h00, h01, h11 = spread.sum(axis=1), spread @ x, spread @ (x * x)
            determinant = h00 * h11 - h01**2
            da, db = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
            a, b = a + da, b + db
            if np.nanmax(np.abs(db), initial=0) < _NEAR and np.nanmax(np.abs(da), initial=0) < _NEAR:
                break
    apart = ~np.isfinite(a) | ~np.isfinite(b) | (np.abs(db) > 1e-4)
    return np.where(apart, np.nan, a), np.where(apart, np.nan, b)


def _in_the_large(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The intercept that a slope of 1 wants."""
    a = np.zeros(len(weights))
    for _ in range(_STEPS):
        p = _expit(a[:, None] + x)
        step = (weights * (y - p)).sum(axis=1) / np.maximum((weights * p * (1 - p)).sum(axis=1), 1e-12)
        a = a + np.clip(step, -2, 2)
        if np.abs(step).max() < _NEAR:
            break
    return a


def _all(asked: OneVsRest, weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    y, p, n = asked.positive.astype(np.float64), asked.scores, weights.sum(axis=1)
    x = _logit(p)
    prevalence = weights @ y / n
    brier_of = weights @ (p - y) ** 2 / n
    member = np.zeros((len(p), BINS))
    member[np.arange(len(p)), _members(p, BINS)] = 1
    intercept, slope = logistic(x, y, weights)
    return {
        "brier": brier_of,
        "scaled_brier": 1 - brier_of / (prevalence * (1 - prevalence)),
        "ece": np.abs((weights * (p - y)) @ member).sum(axis=1) / n,
        "slope": slope,
        "intercept": intercept,
        "in_the_large": _in_the_large(x, y, weights),
        "observed_expected": weights @ y / (weights @ p),
    }


GRID = np.linspace(0.01, 0.99, 99)


def _smoothed(asked: OneVsRest, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Observed share [resamples, grid] by a Gaussian kernel on the logit (Nadaraya-Watson, Silverman's width)."""
    x, at = _logit(asked.scores), _logit(GRID)
    width = max(1.06 * float(np.std(x)) * len(x) ** -0.2, 0.05)
    kernel = np.exp(-0.5 * ((x[:, None] - at) / width) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = (weights * asked.positive) @ kernel / (weights @ kernel)
    return found


def _within(scores: NDArray[np.float64]) -> tuple[int, int]:
    """The part of the grid between the 1 % and 99 % percentiles of the scores: beyond, nothing is known."""
    low, high = np.percentile(scores, [1, 99])
    inside = np.flatnonzero((low <= GRID) & (high >= GRID))
    return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, len(GRID))


def _members(scores: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    return np.minimum((scores * number).astype(np.int64), number - 1)


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(p, CLOSEST, 1 - CLOSEST)
    found: NDArray[np.float64] = np.log(inside / (1 - inside))
    return found


def _expit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(x, -700, 700)))
    return found
