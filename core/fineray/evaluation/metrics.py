"""The figures of a run, from its out-of-sample predictions."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.binary_metrics import binary_metrics
from fineray.evaluation.bootstrap import (
    patient_weights,
    percentile_interval,
    weighted_auc,
    weighted_confusion,
    weighted_hand_till,
    weighted_mean_auc,
)
from fineray.evaluation.confusion import confusion
from fineray.evaluation.evaluation import ClassMetrics, Evaluation
from fineray.evaluation.intervals import (
    BOOTSTRAP,
    Estimate,
    defined,
    proportion,
)
from fineray.evaluation.one_vs_rest import one_vs_rest, patient_numbers
from fineray.evaluation.operating_point import OperatingPoint
from fineray.evaluation.predictions import Predictions

_OVERALL = ("kappa", "mcc", "balanced_accuracy")  # alike for both of two classes


def evaluate(
    predictions: Predictions, *, resamples: int = 2000, seed: int = 0, point: OperatingPoint | None = None
) -> Evaluation:
    """Work out every figure of out-of-sample predictions, with its 95 % interval.

    An image counts as its most probable class, or as the operating point says; it shows a finding from one half on, or
    from where the finding's own point says.

    Parameters
    ----------
    predictions : Predictions
        Of images that the model did not learn from.
    resamples : int
        Of the bootstrap over patients, for figures without a formula.
    seed : int
        Of the resamples.
    point : OperatingPoint, optional
        In place of the most probable class.

    Returns
    -------
    Evaluation
        Over all classes and of each; undefined figures are None. `to_frame` gives a row a figure.

    Notes
    -----
    Proportions: Wilson's score (Newcombe 1998) at the effective sample size (Rao and Scott 1992). Areas under the ROC
    curve: Obuchowski (1997), DeLong (1988) with one image a patient; with more than two classes the mean over classes,
    and Hand and Till (2001). The rest: percentile bootstrap over patients.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     evaluation = fineray.evaluate(fineray.run(project, "run-001").predictions(), resamples=200)
    >>> evaluation.images, evaluation.patients, evaluation.accuracy.method
    (24, 12, 'Wilson score, by patient')
    >>> list(evaluation.to_frame().columns)
    ['class', 'figure', 'value', 'low', 'high', 'n', 'method']
    """
    if predictions.truth is not None:
        return _evaluate_findings(predictions, predictions.truth, resamples, seed, point or OperatingPoint())
    true, predicted = predictions.true, point.predict(predictions) if point else predictions.predicted
    patients = patient_numbers(predictions)
    each_class = [
        binary_metrics(one_vs_rest(predictions, name), predicted == number, resamples=resamples, seed=seed)
        for number, name in enumerate(predictions.classes)
    ]
    per_class = tuple(
        ClassMetrics(name, len(np.unique(patients[true == number])), figures)
        for number, (name, figures) in enumerate(zip(predictions.classes, each_class, strict=True))
    )
    size = len(predictions.classes)
    of_last = {name: getattr(each_class[-1], name) for name in ("auc", *_OVERALL)}
    nothing = Estimate(None, None, None, len(true), BOOTSTRAP)
    over_classes = _over_classes(predictions, predicted, patients, resamples, seed)
    # Of two classes the figures of either say more: intervals also where no resample differs.
    overall = over_classes if size > 2 else {**over_classes, **of_last, "hand_till": nothing}
    return Evaluation(
        classes=predictions.classes,
        images=len(true),
        patients=int(patients.max()) + 1,
        accuracy=proportion(true == predicted, patients),
        **overall,
        confusion=tuple(map(tuple, confusion(true, predicted, size).tolist())),
        per_class=per_class,
        resamples=resamples,
        seed=seed,
    )


def _evaluate_findings(
    predictions: Predictions, truth: NDArray[np.float64], resamples: int, seed: int, point: OperatingPoint
) -> Evaluation:
    """Each finding on the images in which it is certain, and the mean; patients are drawn for all findings at once."""
    of_each = {
        name: evaluate(predictions.finding(name), resamples=resamples, seed=seed, point=point.of(name))
        for number, name in enumerate(predictions.classes)
        if (~np.isnan(truth[:, number])).any()
    }
    patients = patient_numbers(predictions)
    known = ~np.isnan(truth)
    cuts = np.array([point.of(name).threshold for name in predictions.classes])
    right = (predictions.probabilities >= cuts) == (truth == 1)
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
    nothing = Estimate(None, None, None, len(truth), BOOTSTRAP)
    return Evaluation(
        classes=predictions.classes,
        images=len(truth),
        patients=int(patients.max()) + 1,
        accuracy=proportion(right[known], np.repeat(patients, known.sum(axis=1))),
        auc=Estimate(float(np.mean(areas)) if areas else None, low, high, len(truth), BOOTSTRAP),
        **dict.fromkeys(("balanced_accuracy", "mcc", "kappa", "macro_f1", "hand_till"), nothing),
        confusion=(),
        per_class=tuple(replace(each.per_class[1], name=name) for name, each in of_each.items()),
        resamples=resamples,
        seed=seed,
        multilabel=True,
        findings=of_each,
    )


def _of_tables(tables: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Figures over all classes [resamples] of confusion matrices [resamples, true, predicted]."""
    n, hits = tables.sum(axis=(1, 2)), np.diagonal(tables, axis1=1, axis2=2)
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    right, chance = hits.sum(axis=1), (rows * columns).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt((n**2 - (columns**2).sum(axis=1)) * (n**2 - (rows**2).sum(axis=1)))
        return {
            "kappa": (right * n - chance) / (n**2 - chance),
            "mcc": (right * n - chance) / np.where(spread > 0, spread, np.nan),
            "balanced_accuracy": (hits / rows).mean(axis=1),
            "macro_f1": (2 * hits / (rows + columns)).mean(axis=1),
        }


def _over_classes(
    predictions: Predictions, predicted: NDArray[np.int64], patients: NDArray[np.int64], resamples: int, seed: int
) -> dict[str, Estimate]:
    """Figures over all classes, by a bootstrap over patients."""
    true, size, n = predictions.true, len(predictions.classes), len(predictions.true)

    def figures(weights: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        found = _of_tables(weighted_confusion(weights, true, predicted, size))
        if size > 2:  # of two classes DeLong's area is to be had
            found["auc"] = weighted_mean_auc(weights, predictions.probabilities, true)
            found["hand_till"] = weighted_hand_till(weights, predictions.probabilities, true)
        return found

    blocks: dict[str, list[NDArray[np.float64]]] = {}
    for weights in patient_weights(true, patients, resamples, seed):
        for name, values in figures(weights).items():
            blocks.setdefault(name, []).append(values)
    return {
        name: Estimate(
            defined(value[0]),
            *(percentile_interval(np.concatenate(blocks[name])) if name in blocks else (None, None)),
            n,
            BOOTSTRAP,
        )
        for name, value in figures(np.ones((1, n))).items()
    }
