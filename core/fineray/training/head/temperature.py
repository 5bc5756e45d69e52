"""Temperature scaling: one number by which logits are divided, so that probabilities mean what they say (Guo 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

SMALLEST, LARGEST = 0.25, 20.0  # separable validation images would sharpen without end


def temperature(logits: NDArray[np.float64], targets: NDArray[np.float64], multilabel: bool) -> float:
    """The temperature in 0.25..20 of least log loss; 1 where there is nothing to go by.

    logits [images, classes] of images that the model did not learn from; targets likewise, NaN where not known.
    """
    known = ~np.isnan(targets)
    if not known.any():
        return 1.0
    sure = np.where(known, targets, 0.0)

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        if multilabel:
            losses = -(sure * log_expit(scaled) + (1 - sure) * log_expit(-scaled))
        else:
            losses = -sure * log_softmax(scaled, axis=1)
        return float((losses * known).sum() / known.sum())

    bounds = float(np.log(SMALLEST)), float(np.log(LARGEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    return float(np.exp(found.x))


def probabilities(logits: NDArray[np.float64], temperature: float, multilabel: bool) -> NDArray[np.float64]:
    """[images, classes]: rows sum to 1, or of findings each has a chance of its own."""
    scaled = logits / temperature
    return np.asarray(expit(scaled) if multilabel else softmax(scaled, axis=1))
