"""Estimates with 95 % intervals that know that images of one patient are not independent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution
WILSON, OBUCHOWSKI, BOOTSTRAP = "Wilson score, by patient", "DeLong-Obuchowski, by patient", "bootstrap over patients"
FEW_IN_A_CLASS, NEARLY_PERFECT = 20, 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; None where it is undefined. n: images it rests on; method: of the interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (Newcombe 1998, no. 3) for a share in 0..1 of n > 0, n not necessarily whole."""
    z2 = Z * Z
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, center - half), min(1.0, center + half)


def proportion(hits: NDArray[np.bool_], patients: NDArray[np.int64]) -> Estimate:
    """The share of images that are hits [n], patients [n] telling which belong together.

    Wilson's interval on the effective sample size n / design effect, the design effect from the between-patient
    variance of the ratio (Rao and Scott 1992). With one image a patient this is Wilson's interval itself; where all
    or none are hits, the sample size is the number of patients.
    """
    n = len(hits)
    if n == 0:
        return Estimate(None, None, None, 0, WILSON)
    share = float(hits.mean())
    _, member = np.unique(patients, return_inverse=True)
    groups = int(member.max()) + 1
    if groups == n:
        effective = float(n)
    elif share in (0.0, 1.0) or groups == 1:
        effective = float(groups)
    else:
        residuals = np.bincount(member, weights=hits - share, minlength=groups)
        variance = groups / (groups - 1) * float((residuals**2).sum()) / n**2
        effective = n / max(1.0, variance / (share * (1 - share) / n))
    low, high = wilson(share, effective)
    return Estimate(share, low, high, n, WILSON)


def auc(scores: NDArray[np.float64], positive: NDArray[np.bool_], patients: NDArray[np.int64]) -> Estimate:
    """Area under the ROC curve, higher scores meaning positive; ties count half.

    Variance by Obuchowski (1997), which is DeLong (1988) with one image a patient. The interval is on the logit
    scale where the area is above 0.95 or a class has under 20 images, else plain and clipped to 0..1. A perfect
    area has no variance: its bound is the exact one for the patients of the smaller class.
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
    scores: NDArray[np.float64], positive: NDArray[np.bool_], patients: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    """(area, its variance); the area is None without both classes, the variance None with fewer than two patients."""
    above, below = scores[positive], scores[~positive]
    m, n = len(above), len(below)
    if m == 0 or n == 0:
        return None, None
    placed_above = _share_below(above, np.sort(below))
    placed_below = 1 - _share_below(below, np.sort(above))
    area = float(placed_above.mean())
    names, member = np.unique(patients, return_inverse=True)
    groups = len(names)
    with_above, with_below = len(np.unique(patients[positive])), len(np.unique(patients[~positive]))
    if with_above < 2 or with_below < 2:
        return area, None
    a = np.bincount(member[positive], weights=placed_above - area, minlength=groups)
    b = np.bincount(member[~positive], weights=placed_below - area, minlength=groups)
    s10 = with_above / ((with_above - 1) * m) * float((a**2).sum())
    s01 = with_below / ((with_below - 1) * n) * float((b**2).sum())
    s11 = groups / (groups - 1) * float((a * b).sum())
    return area, s10 / m + s01 / n + 2 * s11 / (m * n)


def _share_below(values: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each value the share of the sorted others below it, ties counting half."""
    left, right = np.searchsorted(others, values, "left"), np.searchsorted(others, values, "right")
    return (left + right) / (2 * len(others))
