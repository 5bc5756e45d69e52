"""The figures of one class against the rest, at an operating point, each with its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.bootstrap import (
    patient_weights,
    percentile_interval,
    weighted_average_precision,
    weighted_confusion,
)
from fineray.evaluation.confusion import confusion
from fineray.evaluation.intervals import (
    BOOTSTRAP,
    Estimate,
    Method,
    defined,
    estimates_of,
    proportion,
)
from fineray.evaluation.one_vs_rest import OneVsRest
from fineray.evaluation.roc_area import auc

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class BinaryMetrics:
    """What one class against the rest comes to.

    positives, negatives: images; the counts of the four cells are of images. auc, average_precision and brier do not
    depend on the operating point; ppv_there and npv_there are for the prevalence that was asked for, else undefined.
    """

    positives: int
    negatives: int
    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    accuracy: Estimate
    f1: Estimate
    balanced_accuracy: Estimate
    mcc: Estimate
    kappa: Estimate
    auc: Estimate
    average_precision: Estimate
    brier: Estimate
    ppv_there: Estimate
    npv_there: Estimate

    def estimates(self) -> dict[str, Estimate]:
        """Name -> estimate, in the order above."""
        return dict(estimates_of(self))


def binary_metrics(
    asked: OneVsRest,
    predicted: NDArray[np.bool_],
    *,
    prevalence: float | None = None,
    method: Method = "wilson",
    resamples: int = 2000,
    seed: int = 0,
) -> BinaryMetrics:
    """Every figure where the images `predicted` [n] are taken for the class.

    Proportions by `method`, the area by DeLong and Obuchowski, everything else by a bootstrap over patients; where no
    resample differs (there was no error at all), by the bounds of sensitivity and specificity. With 0 resamples the
    bootstrapped figures have no interval: a preview while an operating point is being moved.
    """
    positive, patients, n = asked.positive, asked.patients, len(asked.scores)
    table = confusion(positive.astype(np.int64), predicted.astype(np.int64), 2).astype(np.float64)
    sensitivity = proportion(predicted[positive], patients[positive], method)
    specificity = proportion(~predicted[~positive], patients[~positive], method)
    derived = dict(_DERIVED)
    if prevalence is not None:
        derived |= {"ppv_there": _there(prevalence, 0), "npv_there": _there(prevalence, 1)}
    drawn = _resampled(asked, predicted, derived, resamples, seed)
    found = {}
    for name, figure in derived.items():
        interval = percentile_interval(drawn[name])
        if resamples and interval[0] == interval[1]:
            interval = _by_rates(figure, sensitivity, specificity, float(positive.mean()) if n else 0.0)
        found[name] = Estimate(defined(float(figure(table))), *interval, n, BOOTSTRAP)
    for name in ("average_precision", "brier"):
        found[name] = Estimate(defined(_OF_SCORES[name](asked)), *percentile_interval(drawn[name]), n, BOOTSTRAP)
    nothing = Estimate(None, None, None, n, BOOTSTRAP)
    return BinaryMetrics(
        positives=int(positive.sum()),
        negatives=int((~positive).sum()),
        true_positives=int(table[1, 1]),
        false_negatives=int(table[1, 0]),
        false_positives=int(table[0, 1]),
        true_negatives=int(table[0, 0]),
        sensitivity=sensitivity,
        specificity=specificity,
        ppv=proportion(positive[predicted], patients[predicted], method),
        npv=proportion(~positive[~predicted], patients[~predicted], method),
        accuracy=proportion(positive == predicted, patients, method),
        auc=auc(asked.scores, positive, patients),
        **{"ppv_there": nothing, "npv_there": nothing, **found},
    )


def _resampled(
    asked: OneVsRest,
    predicted: NDArray[np.bool_],
    derived: dict[str, Callable[[Counts], Counts]],
    resamples: int,
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """Name -> the figure in each resample."""
    blocks: dict[str, list[NDArray[np.float64]]] = {name: [] for name in (*derived, "average_precision", "brier")}
    true, squares = asked.positive.astype(np.int64), (asked.scores - asked.positive) ** 2
    if len(true) and resamples:
        for weights in patient_weights(true, asked.patients, resamples, seed):
            tables = weighted_confusion(weights, true, predicted.astype(np.int64), 2)
            for name, figure in derived.items():
                blocks[name].append(figure(tables))
            blocks["average_precision"].append(weighted_average_precision(weights, asked.scores, asked.positive))
            blocks["brier"].append(weights @ squares / weights.sum(axis=1))
    return {name: np.concatenate(parts) if parts else np.empty(0) for name, parts in blocks.items()}


def _by_rates(
    figure: Callable[[Counts], Counts], sensitivity: Estimate, specificity: Estimate, share: float
) -> tuple[float | None, float | None]:
    """The figure at the lower and at the upper bounds of both rates."""
    ends = []
    for hit, passed in ((sensitivity.low, specificity.low), (sensitivity.high, specificity.high)):
        if hit is None or passed is None:
            return None, None
        rates = np.array([[passed * (1 - share), (1 - passed) * (1 - share)], [(1 - hit) * share, hit * share]])
        ends.append(defined(float(figure(rates))))
    return ends[0], ends[1]


def _cells(tables: Counts) -> tuple[Counts, Counts, Counts, Counts]:
    """TN, FP, FN, TP of tables [..., true, predicted]."""
    return tables[..., 0, 0], tables[..., 0, 1], tables[..., 1, 0], tables[..., 1, 1]


def _ratio(above: Counts, below: Counts) -> Counts:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Counts = np.where(below > 0, above / below, np.nan)
    return found


def _f1(tables: Counts) -> Counts:
    _, fp, fn, tp = _cells(tables)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def _balanced(tables: Counts) -> Counts:
    tn, fp, fn, tp = _cells(tables)
    return (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)) / 2


def _mcc(tables: Counts) -> Counts:
    """Matthews (1975); undefined where a row or column is empty."""
    tn, fp, fn, tp = _cells(tables)
    return _ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def _kappa(tables: Counts) -> Counts:
    """Cohen (1960), of the calls with the truth."""
    tn, fp, fn, tp = _cells(tables)
    n = tn + fp + fn + tp
    chance = _ratio((tp + fn) * (tp + fp) + (tn + fp) * (tn + fn), n * n)
    return _ratio(_ratio(tp + tn, n) - chance, 1 - chance)


def predictive_values(sensitivity: Counts, specificity: Counts, prevalence: float) -> tuple[Counts, Counts]:
    """(PPV, NPV) where that share, 0..1, of the people has the condition (Bayes); NaN where nobody is predicted so."""
    hit, passed = sensitivity * prevalence, specificity * (1 - prevalence)
    return _ratio(hit, hit + (1 - specificity) * (1 - prevalence)), _ratio(
        passed, passed + (1 - sensitivity) * prevalence
    )


def _there(prevalence: float, which: int) -> Callable[[Counts], Counts]:
    def value(tables: Counts) -> Counts:
        tn, fp, fn, tp = _cells(tables)
        return predictive_values(_ratio(tp, tp + fn), _ratio(tn, tn + fp), prevalence)[which]

    return value


def average_precision(asked: OneVsRest) -> float:
    """The area under the precision-recall curve, by steps; NaN without a positive image."""
    weights = np.ones((1, len(asked.scores)))
    return float(weighted_average_precision(weights, asked.scores, asked.positive)[0]) if len(asked.scores) else np.nan


def brier(asked: OneVsRest) -> float:
    """The mean squared distance of probability and truth; NaN without images."""
    return float(((asked.scores - asked.positive) ** 2).mean()) if len(asked.scores) else np.nan


_DERIVED: dict[str, Callable[[Counts], Counts]] = {
    "f1": _f1,
    "balanced_accuracy": _balanced,
    "mcc": _mcc,
    "kappa": _kappa,
}
_OF_SCORES: dict[str, Callable[[OneVsRest], float]] = {"average_precision": average_precision, "brier": brier}
