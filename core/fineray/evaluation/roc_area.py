"""The area under the ROC curve, its interval, and the difference of two areas on the same images.

Variances by Obuchowski (1997), which are DeLong's (1988) with one image a patient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.intervals import OBUCHOWSKI, Estimate, Z

FEW_IN_A_CLASS, NEARLY_PERFECT = 20, 0.95
_ROUNDING = 1e-12  # areas and variances nearer than this are the same


@dataclass(frozen=True)
class AreaDifference:
    """The first area less the second. z, p: two-sided, of no difference; None where no variance can be had."""

    first: float
    second: float
    difference: Estimate
    z: float | None
    p: float | None


def auc(scores: NDArray[np.float64], positive: NDArray[np.bool_], patients: NDArray[np.int64 | np.str_]) -> Estimate:
    """Estimate the area under the ROC curve, with its 95 % interval.

    Parameters
    ----------
    scores : ndarray of float64 [n]
        Higher scores mean positive; ties count half.
    positive : ndarray of bool [n]
        Which images truly are.
    patients : ndarray [n]
        Numbers or names that tell which images belong together.

    Returns
    -------
    Estimate
        The area, 0 to 1; undefined without both classes.

    Notes
    -----
    Variance by Obuchowski (1997), which is DeLong (1988) with one image a patient. The interval is on the logit scale
    where the area is above 0.95 or a class has under 20 images, else plain and clipped to 0..1. A perfect area has no
    variance: its bound is the exact one for the patients of the smaller class.

    Examples
    --------
    >>> import fineray
    >>> import numpy as np
    >>> scores, positive = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    >>> fineray.auc(scores, positive, np.arange(4)).value
    0.75
    """
    n = len(scores)
    area, variance = auc_variance(scores, positive, patients)
    if area is None:
        return Estimate(None, None, None, n, OBUCHOWSKI)
    smaller = min(len(np.unique(patients[positive])), len(np.unique(patients[~positive])))
    if area in (0.0, 1.0) or variance is None or variance == 0:
        bound = 0.025 ** (1 / smaller)
        low, high = (bound, 1.0) if area > 0.5 else (0.0, 1 - bound)
        return Estimate(area, min(low, area), max(high, area), n, OBUCHOWSKI)
    error = math.sqrt(variance)
    if area > NEARLY_PERFECT or min(int(positive.sum()), int((~positive).sum())) < FEW_IN_A_CLASS:
        logit, half = math.log(area / (1 - area)), Z * error / (area * (1 - area))
        low, high = (1 / (1 + math.exp(-(logit + sign * half))) for sign in (-1, 1))
    else:
        low, high = max(0.0, area - Z * error), min(1.0, area + Z * error)
    return Estimate(area, low, high, n, OBUCHOWSKI)


def auc_variance(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], patients: NDArray[np.int64 | np.str_]
) -> tuple[float | None, float | None]:
    """(area, its variance); the area is None without both classes, the variance None with fewer than two patients."""
    areas, covariance = areas_of([scores], positive, patients)
    if areas is None:
        return None, None
    return float(areas[0]), None if covariance is None else float(covariance[0, 0])


def compare_areas(
    first: NDArray[np.float64], second: NDArray[np.float64], positive: NDArray[np.bool_], patients: NDArray[np.int64]
) -> AreaDifference | None:
    """Two models' scores [n] of the same images; None without both classes. Equal areas without variance: p = 1."""
    areas, covariance = areas_of([first, second], positive, patients)
    if areas is None:
        return None
    one, two = float(areas[0]), float(areas[1])
    by = one - two
    if covariance is None:
        return AreaDifference(one, two, Estimate(by, None, None, len(first), OBUCHOWSKI), None, None)
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if variance < _ROUNDING:
        same = abs(by) < _ROUNDING
        interval = Estimate(by, by if same else None, by if same else None, len(first), OBUCHOWSKI)
        return AreaDifference(one, two, interval, 0.0 if same else None, 1.0 if same else None)
    error = math.sqrt(variance)
    interval = Estimate(by, max(-1.0, by - Z * error), min(1.0, by + Z * error), len(first), OBUCHOWSKI)
    return AreaDifference(one, two, interval, by / error, two_sided(by / error))


def areas_of(
    scores: list[NDArray[np.float64]], positive: NDArray[np.bool_], patients: NDArray[np.int64 | np.str_]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """(areas [models], covariance [models, models]) of several scores of the same images."""
    m, n = int(positive.sum()), int((~positive).sum())
    if m == 0 or n == 0:
        return None, None
    names, member = np.unique(patients, return_inverse=True)
    groups = len(names)
    areas, above_sums, below_sums = zip(*(_by_patient(each, positive, member) for each in scores), strict=True)
    with_above, with_below = len(np.unique(member[positive])), len(np.unique(member[~positive]))
    if with_above < 2 or with_below < 2:
        return np.array(areas), None
    a, b = np.stack(above_sums), np.stack(below_sums)
    crossed = groups / (groups - 1) * (a @ b.T)
    covariance = (
        with_above / (with_above - 1) * (a @ a.T) / m**2
        + with_below / (with_below - 1) * (b @ b.T) / n**2
        + (crossed + crossed.T) / (m * n)
    )
    return np.array(areas), covariance


def influence(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], patients: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    """(area, what each patient number adds to its error); the sum of squares of these is the variance, but for the
    correction for few patients. Both classes have to be there."""
    area, a, b = _by_patient(scores, positive, patients)
    return area, a / positive.sum() + b / (~positive).sum()


def _by_patient(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], member: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """(area, each patient number's sum of placements less it over positive images, the same over the others)."""
    above, below = scores[positive], scores[~positive]
    placed_above = _share_below(above, np.sort(below))
    placed_below = 1 - _share_below(below, np.sort(above))
    area, size = float(placed_above.mean()), int(member.max()) + 1
    a = np.bincount(member[positive], weights=placed_above - area, minlength=size).astype(np.float64)
    b = np.bincount(member[~positive], weights=placed_below - area, minlength=size).astype(np.float64)
    return area, a, b


def two_sided(z: float) -> float:
    """The two-sided p-value of a standard normal deviate."""
    return math.erfc(abs(z) / math.sqrt(2))


def hanley_mcneil_error(area: float, positives: float, negatives: float) -> float:
    """The standard error that an area would have with so many of each (Hanley and McNeil 1982), for planning."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    return math.sqrt(spread / (positives * negatives))


def _share_below(values: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each value the share of the sorted others below it, ties counting half."""
    left, right = np.searchsorted(others, values, "left"), np.searchsorted(others, values, "right")
    return (left + right) / (2 * len(others))
