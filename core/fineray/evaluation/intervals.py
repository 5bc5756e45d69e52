"""Estimates with 95 % intervals, and the intervals of proportions (Newcombe 1998).

Images of one patient are not independent: every interval knows the patients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from fineray.system.frames import to_frame

if TYPE_CHECKING:
    import pandas as pd

Z = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution
WILSON, CLOPPER_PEARSON = "Wilson score, by patient", "Clopper-Pearson, by patient"
OBUCHOWSKI, BOOTSTRAP = "DeLong-Obuchowski, by patient", "bootstrap over patients"
Method = Literal["wilson", "clopper-pearson"]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; None where it is undefined. n: images it rests on; method: of the interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str


def estimates_of(figures: object) -> Iterator[tuple[str, Estimate]]:
    """(name, estimate) of each field that is one, in their order."""
    for name, value in vars(figures).items():
        if isinstance(value, Estimate):
            yield name, value


def frame_of(told: Iterable[tuple[str, str, Estimate]]) -> pd.DataFrame:
    """A pandas data frame of (class, figure, estimate), a row each. Raises PandasMissing."""
    rows = [{"class": group, "figure": name, **vars(estimate)} for group, name, estimate in told]
    names = ("class", "figure", *Estimate.__dataclass_fields__)
    return to_frame({name: [row[name] for row in rows] for name in names})


def defined(value: float) -> float | None:
    """The number, or None where it is none."""
    return float(value) if math.isfinite(value) else None


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (Newcombe 1998, no. 3) for a share in 0..1 of n > 0, n not necessarily whole."""
    z2 = Z * Z
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, center - half), min(1.0, center + half)


def clopper_pearson(share: float, n: float) -> tuple[float, float]:
    """The exact interval of Clopper and Pearson (1934) for a share in 0..1 of n > 0, n not necessarily whole."""
    from scipy.special import betaincinv  # only where it is asked for: the window's start should not pay

    hits = share * n
    low = 0.0 if hits <= 0 else float(betaincinv(hits, n - hits + 1, 0.025))
    high = 1.0 if hits >= n else float(betaincinv(hits + 1, n - hits, 0.975))
    return low, high


INTERVALS: dict[Method, tuple[Callable[[float, float], tuple[float, float]], str]] = {
    "wilson": (wilson, WILSON),
    "clopper-pearson": (clopper_pearson, CLOPPER_PEARSON),
}


def proportion(hits: NDArray[np.bool_], patients: NDArray[np.int64 | np.str_], method: Method = "wilson") -> Estimate:
    """Estimate the share of images that are hits, with its 95 % interval.

    Parameters
    ----------
    hits : ndarray of bool [n]
        Which images count.
    patients : ndarray [n]
        Numbers or names that tell which images belong together.
    method : {"wilson", "clopper-pearson"}
        Of the interval.

    Returns
    -------
    Estimate
        The share, 0 to 1; undefined without images.

    Notes
    -----
    Wilson's score (Newcombe 1998, no. 3) or Clopper and Pearson (1934), at the effective sample size: n over the design
    effect, which comes from the variance of the ratio between patients (Rao and Scott 1992). With one image a patient
    this is the plain interval; where all or none are hits, the sample size is the number of patients.

    Examples
    --------
    >>> import fineray
    >>> import numpy as np
    >>> found = fineray.proportion(np.arange(10) < 8, np.arange(10))
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (0.8, 0.49, 0.943)
    """
    interval, name = INTERVALS[method]
    n = len(hits)
    if n == 0:
        return Estimate(None, None, None, 0, name)
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
    return Estimate(share, *interval(share, effective), n, name)


def difference(first: tuple[int, int], second: tuple[int, int]) -> Estimate:
    """The difference of two independent shares, each (hits, n), by Newcombe's score interval (1998, no. 10)."""
    (hits, n), (others, m) = first, second
    p, q = hits / n, others / m
    (low_p, high_p), (low_q, high_q) = wilson(p, n), wilson(q, m)
    low = p - q - math.sqrt((p - low_p) ** 2 + (high_q - q) ** 2)
    high = p - q + math.sqrt((high_p - p) ** 2 + (q - low_q) ** 2)
    return Estimate(p - q, max(-1.0, low), min(1.0, high), n + m, "Newcombe's score interval")
