"""The figures of a run, from its out-of-sample predictions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score

from core.evaluation.bootstrap import patient_weights, percentile_interval, weighted_auc, weighted_confusion
from core.evaluation.intervals import BOOTSTRAP, Estimate, auc, proportion
from core.evaluation.operating_point import OperatingPoint
from core.project.runs import Predictions


@dataclass(frozen=True)
class ClassMetrics:
    """One class against the rest. images: how many truly belong to it."""

    name: str
    images: int
    patients: int
    precision: Estimate
    sensitivity: Estimate
    specificity: Estimate
    f1: Estimate
    auc: Estimate


@dataclass(frozen=True)
class Evaluation:
    """auc: of two classes, or the mean over classes one against the rest; confusion: rows true, columns predicted.

    several: classes are findings that may stand side by side. Then accuracy is the share of right answers over images
    and findings, confusion is empty, and `findings` holds the figures of each finding as a question of two classes.
    """

    classes: tuple[str, ...]
    images: int
    patients: int
    accuracy: Estimate
    auc: Estimate
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[ClassMetrics, ...]
    resamples: int
    seed: int
    several: bool = False
    findings: dict[str, Evaluation] = field(default_factory=dict)


def evaluate(
    predictions: Predictions, *, resamples: int = 2000, seed: int = 0, point: OperatingPoint | None = None
) -> Evaluation:
    """Every figure with its interval. An image counts as its most probable class, or as the operating point says."""
    if predictions.truth is not None:
        return _evaluate_findings(predictions, predictions.truth, resamples, seed)
    true, predicted = predictions.true, point.called(predictions) if point else predictions.predicted
    patients = _patient_numbers(predictions)
    size = len(predictions.classes)
    f1_low_high, macro_low_high = _bootstrap(predictions, predicted, patients, resamples, seed)
    per_class = tuple(
        _class_metrics(predictions, predicted == number, patients, number, f1_low_high[number])
        for number in range(size)
    )
    areas = [each.auc.value for each in per_class]
    overall = per_class[0].auc
    if size > 2:
        mean = None if None in areas else float(np.mean([area for area in areas if area is not None]))
        overall = Estimate(mean, *macro_low_high, len(true), BOOTSTRAP)
    return Evaluation(
        classes=predictions.classes,
        images=len(true),
        patients=int(patients.max()) + 1,
        accuracy=proportion(true == predicted, patients),
        auc=overall,
        confusion=tuple(map(tuple, confusion_matrix(true, predicted, labels=range(size)).tolist())),
        per_class=per_class,
        resamples=resamples,
        seed=seed,
    )


def _patient_numbers(predictions: Predictions) -> NDArray[np.int64]:
    """[n], by first appearance: pseudonyms differ between imports, and the resamples should not."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(patient, len(numbers)) for patient in predictions.patients], dtype=np.int64)


def _evaluate_findings(predictions: Predictions, truth: NDArray[np.float64], resamples: int, seed: int) -> Evaluation:
    """Each finding on the images in which it is certain, and the mean; patients are drawn for all findings at once."""
    of_each = {
        name: evaluate(predictions.finding(name), resamples=resamples, seed=seed)
        for number, name in enumerate(predictions.classes)
        if (~np.isnan(truth[:, number])).any()
    }
    patients = _patient_numbers(predictions)
    known = ~np.isnan(truth)
    right = (predictions.probabilities >= 0.5) == (truth == 1)
    areas = [each.auc.value for each in of_each.values() if each.auc.value is not None]
    blocks = []
    for weights in patient_weights(np.zeros(len(truth), dtype=np.int64), patients, resamples, seed):
        columns = [
            weighted_auc(weights[:, known[:, c]], predictions.probabilities[known[:, c], c], truth[known[:, c], c] == 1)
            for c in range(len(predictions.classes))
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a finding that no resample holds
            blocks.append(np.nanmean(columns, axis=0))
    low, high = percentile_interval(np.concatenate(blocks))
    return Evaluation(
        classes=predictions.classes,
        images=len(truth),
        patients=int(patients.max()) + 1,
        accuracy=proportion(right[known], np.repeat(patients, known.sum(axis=1))),
        auc=Estimate(float(np.mean(areas)) if areas else None, low, high, len(truth), BOOTSTRAP),
        confusion=(),
        per_class=tuple(replace(each.per_class[1], name=name) for name, each in of_each.items()),
        resamples=resamples,
        seed=seed,
        several=True,
        findings=of_each,
    )


def _class_metrics(
    predictions: Predictions,
    called: NDArray[np.bool_],
    patients: NDArray[np.int64],
    number: int,
    f1_interval: tuple[float | None, float | None],
) -> ClassMetrics:
    positive = predictions.true == number
    precision = proportion(positive[called], patients[called])
    sensitivity = proportion(called[positive], patients[positive])
    return ClassMetrics(
        name=predictions.classes[number],
        images=int(positive.sum()),
        patients=len(np.unique(patients[positive])),
        precision=precision,
        sensitivity=sensitivity,
        specificity=proportion(~called[~positive], patients[~positive]),
        f1=_f1(positive, called, f1_interval, precision, sensitivity),
        auc=auc(predictions.probabilities[:, number], positive, patients),
    )


def _f1(
    positive: NDArray[np.bool_],
    called: NDArray[np.bool_],
    interval: tuple[float | None, float | None],
    precision: Estimate,
    sensitivity: Estimate,
) -> Estimate:
    n = len(positive)
    if not positive.any() and not called.any():
        return Estimate(None, None, None, n, BOOTSTRAP)
    value = float(f1_score(positive, called, zero_division=0.0))
    low, high = interval
    if low == high and precision.low and sensitivity.low:
        # Without a single error every resample agrees, which is no certainty: the bounds of the two parts serve.
        low = 2 / (1 / precision.low + 1 / sensitivity.low)
    return Estimate(value, low, high, n, BOOTSTRAP)


def _bootstrap(
    predictions: Predictions,
    predicted: NDArray[np.int64],
    patients: NDArray[np.int64],
    resamples: int,
    seed: int,
) -> tuple[list[tuple[float | None, float | None]], tuple[float | None, float | None]]:
    """Intervals of each class's F1, and of the mean area over classes."""
    true, size = predictions.true, len(predictions.classes)
    f1_blocks, area_blocks = [], []
    for weights in patient_weights(true, patients, resamples, seed):
        confusion = weighted_confusion(weights, true, predicted, size)
        hits = np.diagonal(confusion, axis1=1, axis2=2)
        with np.errstate(invalid="ignore"):
            f1_blocks.append(2 * hits / (confusion.sum(axis=1) + confusion.sum(axis=2)))
        if size > 2:
            columns = [weighted_auc(weights, predictions.probabilities[:, c], true == c) for c in range(size)]
            area_blocks.append(np.mean(columns, axis=0))
    f1 = np.concatenate(f1_blocks)
    macro = percentile_interval(np.concatenate(area_blocks)) if area_blocks else (None, None)
    return [percentile_interval(f1[:, number]) for number in range(size)], macro
