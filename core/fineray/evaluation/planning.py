"""How many images an interval of a wished width needs (Hanley and McNeil 1982; Newcombe 1998; Obuchowski 1994; Pavlou
2021)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fineray.evaluation.binary_metrics import BinaryMetrics
from fineray.evaluation.intervals import Estimate, Z, wilson
from fineray.evaluation.roc_area import hanley_mcneil_error

MOST = 10_000_000


@dataclass(frozen=True)
class Plan:
    """The width of a 95 % interval at hand and the patients that a narrower one needs, None if beyond reason. what:
    auc, sensitivity or specificity; patients: of the class that it is a share of, or all for the AUC."""

    what: str
    value: float
    patients: int
    width: float
    wished: float
    needed: int | None


def plan(figures: BinaryMetrics, what: str, wished: float) -> Plan | None:
    """For one of auc, sensitivity and specificity, as if each image were of another patient; None if undefined."""
    estimate: Estimate = getattr(figures, what)
    if estimate.value is None:
        return None
    if what != "auc":
        width, needed = share_width(estimate.value, estimate.n), share_needed(estimate.value, wished)
        return Plan(what, estimate.value, estimate.n, width, wished, needed)
    width = area_width(estimate.value, figures.positives, figures.negatives)
    needed = area_needed(estimate.value, figures.positives / estimate.n, wished)
    return Plan(what, estimate.value, estimate.n, width, wished, needed)


def share_width(share: float, n: int) -> float:
    """The width of Wilson's interval of a share, 0..1, of n patients."""
    low, high = wilson(share, n)
    return high - low


def share_needed(share: float, width: float) -> int | None:
    """The fewest patients whose Wilson interval is no wider."""
    return _fewest(lambda n: share_width(share, n) <= width)


def area_width(area: float, positives: int, negatives: int) -> float:
    """The width of the interval to expect of an AUC (Hanley and McNeil 1982), within 0..1."""
    half = Z * hanley_mcneil_error(area, positives, negatives)
    return min(1.0, area + half) - max(0.0, area - half)


def area_needed(area: float, prevalence: float, width: float) -> int | None:
    """The fewest patients in all, of whom that share, 0..1, has the condition."""

    def enough(n: int) -> bool:
        positives = round(n * prevalence)
        return min(positives, n - positives) > 1 and area_width(area, positives, n - positives) <= width

    return _fewest(enough)


def power_against_chance(area: float, positives: int, negatives: int, level: float = 0.05) -> float:
    """The power, 0..1, of a two-sided test that an AUC is not 0.5 (Obuchowski and McClish 1997, binormal scores)."""
    from scipy.special import ndtr, ndtri

    if area in (0.0, 1.0):
        return 1.0  # binormal scores are then infinitely far apart
    ratio = negatives / positives
    apart = 1.414 * float(ndtri(area))
    spread = 0.0099 * math.exp(-(apart**2) / 2) * (5 * apart**2 + 8 + (apart**2 + 8) / ratio)
    without = float(ndtri(1 - level / 2)) * math.sqrt(0.0792 * (1 + 1 / ratio))
    return float(ndtr((math.sqrt(positives) * abs(area - 0.5) - without) / math.sqrt(spread)))


def validation_size(
    area: float, prevalence: float, error_of_area: float, error_of_slope: float, error_in_the_large: float
) -> int:
    """The fewest patients for an external validation whose AUC, calibration slope and calibration in the large have at
    most these standard errors (Pavlou et al. 2021), the linear predictor being taken for normal."""
    from scipy.special import ndtri

    apart = 2 * float(ndtri(area)) ** 2  # variance within a class, and the distance of the classes' means
    mean = math.log(prevalence / (1 - prevalence)) - apart / 2 + prevalence * apart
    variance = apart * (1 + apart * prevalence * (1 - prevalence))
    x = mean + math.sqrt(variance) * np.linspace(-9, 9, 20_001)
    density = np.exp(-((x - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    p = 1 / (1 + np.exp(-x))
    i0, i1, i2 = (float(np.trapezoid(density * p * (1 - p) * x**power, x)) for power in (0, 1, 2))
    for_slope = i0 / (i0 * i2 - i1**2) / error_of_slope**2
    for_level = 1 / i0 / error_in_the_large**2
    for_area = _fewest(lambda n: _newcombe_error(area, prevalence, n) <= error_of_area)
    return math.ceil(max(for_slope, for_level, for_area or MOST))


def _newcombe_error(area: float, prevalence: float, n: int) -> float:
    """Newcombe (2006), as Riley et al. (2021) use it."""
    spread = 1 + (n / 2 - 1) * (1 - area) / (2 - area) + (n / 2 - 1) * area / (1 + area)
    return math.sqrt(area * (1 - area) * spread / (n * n * prevalence * (1 - prevalence)))


def _fewest(enough: Callable[[int], bool]) -> int | None:
    low, high = 1, 2
    while not enough(high):
        low, high = high, high * 2
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
