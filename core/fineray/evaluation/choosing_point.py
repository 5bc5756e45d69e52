"""Choosing the threshold, on what the model did not learn from and never on the images that it is judged on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from fineray.errors import FinerayError, nearest
from fineray.evaluation.operating_point import OperatingPoint, PointRule, PredictedClasses
from fineray.evaluation.predictions import Predictions


class NoOperatingPoint(FinerayError):
    """The predictions do not allow the operating point that was asked for."""


def choose_point(predictions: Predictions, rule: PointRule) -> OperatingPoint:
    """The operating point that the rule gives on these predictions. Raises NoOperatingPoint."""
    if rule.kind == "most probable":
        return OperatingPoint()
    if rule.kind == "threshold":
        return given_point(predictions.classes, rule)
    _check(predictions.classes, rule)
    false, true, thresholds = _curve(predictions, rule.positive)
    match rule.kind:
        case "youden":
            at, words = int(np.argmax(true - false)), "Youden's index"
        case "sensitivity":
            at = int(np.flatnonzero(true >= rule.value - 1e-12)[0])
            words = f"sensitivity of at least {rule.value:g}"
        case "specificity":
            at = int(np.flatnonzero(1 - false >= rule.value - 1e-12)[-1])
            words = f"specificity of at least {rule.value:g}"
        case "cost":
            share = float((predictions.true == predictions.classes.index(rule.positive)).mean())
            at = int(np.argmin(rule.value * share * (1 - true) + (1 - share) * false))
            words = f"least cost, a miss being worth {rule.value:g} false alarms"
    return OperatingPoint(rule.positive, float(thresholds[at]), words)


def _check(classes: Sequence[str], rule: PointRule) -> None:
    if len(classes) != 2 or rule.positive not in classes:
        raise NoOperatingPoint(
            f"“{rule.positive}” is not one of two classes",
            todo="A threshold is for two classes; with more, the most probable class counts."
            if len(classes) != 2
            else nearest(rule.positive, classes, ""),
        )


def given_point(classes: Sequence[str], rule: PointRule) -> OperatingPoint:
    """A threshold by hand. Raises NoOperatingPoint."""
    _check(classes, rule)
    if not 0 <= rule.value <= 1:
        raise NoOperatingPoint("A threshold lies between 0 and 1", todo="Choose another.")
    return OperatingPoint(rule.positive, rule.value, "threshold given by hand")


def apply_rule(predictions: Predictions, rule: PointRule, validation: Predictions | None = None) -> PredictedClasses:
    """Choose by the rule and apply it where it was not chosen.

    Out-of-fold predictions are turned into classes, fold by fold, at the threshold that the rule gives on the other
    folds; a held-out part at the one that it gives on validation predictions. Raises NoOperatingPoint.
    """
    if rule.kind in ("most probable", "threshold"):
        point = choose_point(predictions, rule)
        return PredictedClasses(point.predict(predictions), point, {})
    parts = np.array(predictions.parts)
    names = np.unique(parts).tolist()
    if validation is None and len(names) < 2:
        raise NoOperatingPoint(
            "An operating point may not be chosen on the images that it is applied to, and this run has no others",
            todo="Give a threshold by hand, or choose by the most probable class or the model's own point. Runs trained"
            " with a held-out part keep validation predictions to choose on.",
        )
    if validation is not None:
        point = choose_point(validation, rule)
        return PredictedClasses(point.predict(predictions), point, dict.fromkeys(names, point.threshold))
    thresholds = {name: choose_point(predictions.only(parts != name), rule).threshold for name in names}
    point = choose_point(predictions, rule)
    return PredictedClasses(point.predict(predictions, thresholds), point, thresholds)


def _curve(
    predictions: Predictions, positive: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """False positive rate, sensitivity and threshold, from the highest threshold down."""
    number = predictions.classes.index(positive)
    true = predictions.true == number
    if true.all() or not true.any():
        raise NoOperatingPoint("Images of one class alone cannot tell where to cut", todo="Choose on more images.")
    false, hit, thresholds = roc_curve(true, predictions.probabilities[:, number], drop_intermediate=False)
    return false, hit, np.minimum(thresholds, 1.0)  # scikit-learn starts at infinity
