"""Choosing the threshold, on what the model did not learn from and never on test data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from core.errors import FinerayError
from core.evaluation.operating_point import OperatingPoint
from core.project.runs import Predictions


class NoOperatingPoint(FinerayError):
    """The predictions do not allow the operating point that was asked for."""


def fixed_point(predictions: Predictions, positive: str, threshold: float) -> OperatingPoint:
    """The threshold that a person gives. Raises NoOperatingPoint."""
    _two_classes(predictions, positive)
    if not 0 <= threshold <= 1:
        raise NoOperatingPoint("A threshold lies between 0 and 1", todo="Choose another.")
    return OperatingPoint(positive, threshold, "threshold given by hand")


def youden_point(predictions: Predictions, positive: str) -> OperatingPoint:
    """Where sensitivity + specificity is largest on these predictions (Youden 1950). Raises NoOperatingPoint."""
    false, true, thresholds = _curve(predictions, positive)
    return OperatingPoint(positive, float(thresholds[int(np.argmax(true - false))]), "Youden's index")


def sensitivity_point(predictions: Predictions, positive: str, sensitivity: float) -> OperatingPoint:
    """The highest threshold whose sensitivity on these predictions is at least the one given, 0..1."""
    _, true, thresholds = _curve(predictions, positive)
    reached = np.flatnonzero(true >= sensitivity - 1e-12)
    return OperatingPoint(positive, float(thresholds[int(reached[0])]), f"sensitivity of at least {sensitivity:g}")


def _curve(
    predictions: Predictions, positive: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """False positive rate, sensitivity and threshold, from the highest threshold down."""
    _two_classes(predictions, positive)
    number = predictions.classes.index(positive)
    false, true, thresholds = roc_curve(
        predictions.true == number, predictions.probabilities[:, number], drop_intermediate=False
    )
    return false, true, np.minimum(thresholds, 1.0)  # scikit-learn starts at infinity


def _two_classes(predictions: Predictions, positive: str) -> None:
    if len(predictions.classes) != 2 or positive not in predictions.classes:
        raise NoOperatingPoint(
            f"“{positive}” is not one of two classes",
            todo="A threshold is for two classes; with more, the most probable class counts.",
        )
