"""How far an image is from those that a run learned from, by the features of the frozen backbone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold

Floats = NDArray[np.float64]

COMPONENTS, FOLDS = 30, 5
USUAL = 0.99  # of training images lie nearer than the limit, judged by images left out of the fit
HUNDREDTHS = np.linspace(0, 1, 101)
FEWEST = 20  # training images, below which nothing can be said


@dataclass(frozen=True)
class Likeness:
    """A Gaussian around the training images along their principal components, and how far they lie off these.

    widths: features of each stage, which weigh alike; limit: the distance that 1 in 100 training images passes; usual:
    hundredths (0th to 100th) of the distances of training images, each judged by a fit without it.
    """

    widths: tuple[int, ...]
    mean: Floats
    scale: Floats
    components: Floats
    spread: Floats
    off: float
    limit: float
    usual: Floats

    @staticmethod
    def of(features: NDArray[np.floating], widths: tuple[int, ...], seed: int = 0) -> Likeness | None:
        """From training features [images, n]; None with under 20 images."""
        if len(features) < FEWEST:
            return None
        distances = np.empty(len(features))
        for rows, left_out in KFold(FOLDS, shuffle=True, random_state=seed).split(features):
            distances[left_out] = _fit(features[rows], widths).distances(features[left_out])
        usual = np.quantile(distances, HUNDREDTHS)
        return replace(_fit(features, widths), limit=_limit(distances), usual=usual)

    def distances(self, features: NDArray[np.floating]) -> Floats:
        """[images]; above the limit an image is unlike those that were learned from."""
        standard = (np.asarray(features, dtype=np.float64) - self.mean) / self.scale
        along = standard @ self.components.T
        rest = ((standard - along @ self.components) ** 2).sum(axis=1)
        found: Floats = np.sqrt(((along / self.spread) ** 2).sum(axis=1) + rest / self.off)
        return found


def _limit(distances: Floats) -> float:
    """What one new image in a hundred passes: the quantile, or with few images the upper bound of a prediction."""
    n = len(distances)
    bound = distances.mean() + student.ppf(USUAL, n - 1) * distances.std(ddof=1) * np.sqrt(1 + 1 / n)
    return max(float(np.quantile(distances, USUAL)), float(bound))


def _fit(features: NDArray[np.floating], widths: tuple[int, ...]) -> Likeness:
    known = np.asarray(features, dtype=np.float64)
    deviation = known.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0) * np.repeat(np.sqrt(widths), widths)
    mean = known.mean(axis=0)
    standard = (known - mean) / scale
    fitted = PCA(min(COMPONENTS, len(known) // 4), random_state=0).fit(standard)
    along = standard @ fitted.components_.T
    rest = ((standard - along @ fitted.components_) ** 2).sum(axis=1)
    spread = np.maximum(along.std(axis=0), 1e-9)
    return Likeness(
        widths, mean, scale, fitted.components_, spread, max(float(rest.mean()), 1e-12), np.inf, np.empty(0)
    )
