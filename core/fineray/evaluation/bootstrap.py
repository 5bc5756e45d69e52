"""The bootstrap over patients: whole patients are drawn, within strata of their labels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

BLOCK_CELLS = 4_000_000  # weights held at once, so that memory stays flat in the number of images


def patient_weights(
    true: NDArray[np.int64], patients: NDArray[np.int64], resamples: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """How often each image is drawn, as blocks [resamples in the block, images].

    Patients are drawn with replacement among those with the same set of labels, so that no class can vanish.
    """
    names, member = np.unique(patients, return_inverse=True)
    classes = int(true.max()) + 1
    has = np.zeros((len(names), classes), dtype=bool)
    has[member, true] = True
    _, stratum = np.unique(has, axis=0, return_inverse=True)
    strata = [np.flatnonzero(stratum.ravel() == number) for number in range(int(stratum.max()) + 1)]
    random = np.random.default_rng(seed)
    block = max(1, min(resamples, BLOCK_CELLS // len(true)))
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        drawn = np.zeros((count, len(names)))
        for members in strata:
            picks = random.integers(0, len(members), size=(count, len(members)))
            flat = picks + np.arange(count)[:, None] * len(members)
            times = np.bincount(flat.ravel(), minlength=count * len(members)).reshape(count, len(members))
            drawn[:, members] = times
        yield drawn[:, member]


def weighted_confusion(
    weights: NDArray[np.float64], true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Confusion matrices [resamples, true, predicted] of weighted images."""
    cell = np.zeros((len(true), classes * classes))
    cell[np.arange(len(true)), true * classes + predicted] = 1
    return (weights @ cell).reshape(-1, classes, classes)


def weighted_auc(
    weights: NDArray[np.float64], scores: NDArray[np.float64], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Areas under the ROC curve [resamples] of weighted images; NaN where a class is absent."""
    order = np.argsort(scores, kind="stable")
    _, first = np.unique(scores[order], return_index=True)
    sorted_weights, sorted_positive = weights[:, order], positive[order]
    below = np.add.reduceat(sorted_weights * ~sorted_positive, first, axis=1)
    above = np.add.reduceat(sorted_weights * sorted_positive, first, axis=1)
    before = np.cumsum(below, axis=1) - below
    pairs = above.sum(axis=1) * below.sum(axis=1)
    with np.errstate(invalid="ignore"):
        areas: NDArray[np.float64] = (above * (before + below / 2)).sum(axis=1) / pairs
    return areas


def weighted_mean_auc(
    weights: NDArray[np.float64], probabilities: NDArray[np.float64], true: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The mean over classes, one against the rest, of areas [resamples] of weighted images."""
    classes = range(probabilities.shape[1])
    mean: NDArray[np.float64] = np.mean(
        [weighted_auc(weights, probabilities[:, number], true == number) for number in classes], axis=0
    )
    return mean


def weighted_hand_till(
    weights: NDArray[np.float64], probabilities: NDArray[np.float64], true: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The M measure of Hand and Till (2001) [resamples] of weighted images: the mean over pairs of
    classes, each pair's direction fixed by its own probabilities; NaN where a class is absent."""
    areas = []
    for one, other in permutations(range(probabilities.shape[1]), 2):
        among = np.isin(true, (one, other))
        areas.append(weighted_auc(weights[:, among], probabilities[among, one], true[among] == one))
    mean: NDArray[np.float64] = np.mean(areas, axis=0)
    return mean


def weighted_average_precision(
    weights: NDArray[np.float64], scores: NDArray[np.float64], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Average precision [resamples] of weighted images, tied scores taken together; NaN without a positive image."""
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(-scores[order], return_index=True)
    sorted_weights, sorted_positive = weights[:, order], positive[order]
    hits = np.add.reduceat(sorted_weights * sorted_positive, first, axis=1)
    predicted = np.cumsum(np.add.reduceat(sorted_weights, first, axis=1), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(predicted > 0, np.cumsum(hits, axis=1) / predicted, 0)
        found: NDArray[np.float64] = (hits * precision).sum(axis=1) / hits.sum(axis=1)
    return found


def percentile_interval(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """The 2.5 % and 97.5 % percentiles of the resamples in which the figure is defined."""
    defined = values[np.isfinite(values)]
    if len(defined) == 0:
        return None, None
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)
