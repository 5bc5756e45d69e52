"""How well frozen features suit labels, without training: LogME and the H-score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

Floats = NDArray[np.float64]
ROUNDS, CLOSE = 100, 1e-3


def logme(features: Floats, targets: Floats) -> float:
    """Log evidence of a Bayesian linear model an image, mean over the classes; more is better (You 2021).

    features: [images, d]; targets: [images, classes] in 0..1.
    """
    images, width = features.shape
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    sigma = singular**2
    evidences = []
    for column in range(targets.shape[1]):
        wanted = targets[:, column]
        projected = left.T @ wanted
        x2 = projected**2
        outside = float(wanted @ wanted - x2.sum())  # what no weight can reach
        alpha = beta = 1.0
        for _ in range(ROUNDS):
            ratio = alpha / beta
            gamma = float((sigma / (sigma + ratio)).sum())
            weight = float((sigma * x2 / (sigma + ratio) ** 2).sum())
            residual = float((x2 / (1 + sigma / ratio) ** 2).sum()) + outside
            alpha, beta = gamma / (weight + 1e-10), (images - gamma) / (residual + 1e-10)
            if abs(alpha / beta - ratio) / ratio < CLOSE:
                break
        ratio = alpha / beta
        weight = float((sigma * x2 / (sigma + ratio) ** 2).sum())
        residual = float((x2 / (1 + sigma / ratio) ** 2).sum()) + outside
        evidence = width / 2 * np.log(alpha) + images / 2 * np.log(beta) - images / 2 * np.log(2 * np.pi)
        evidence -= beta / 2 * residual + alpha / 2 * weight
        missing = width - len(sigma)  # directions without a singular value
        evidence -= 0.5 * (np.log(alpha + beta * sigma).sum() + missing * np.log(alpha))
        evidences.append(float(evidence) / images)
    return float(np.mean(evidences))


def h_score(features: Floats, classes: NDArray[np.int64]) -> float:
    """How much of the features' variance lies between the classes; more is better (Bao 2019).

    The covariance is shrunk towards a sphere, as few images need (Ibrahim 2022). classes: class numbers [images].
    """
    centred = features - features.mean(axis=0)
    covariance, shrinkage = ledoit_wolf(centred, assume_centered=True)
    between = np.zeros_like(centred)
    for number in np.unique(classes):
        rows = classes == number
        between[rows] = centred[rows].mean(axis=0)
    explained = between.T @ between / len(between)
    return float((1 - shrinkage) * np.trace(np.linalg.solve(covariance, explained)))
