"""Two runs on the same images: is one better than the other? (DeLong 1988; Obuchowski 1997; McNemar 1947)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fineray.errors import FinerayError
from fineray.evaluation.bootstrap import patient_weights, percentile_interval, weighted_mean_auc
from fineray.evaluation.intervals import BOOTSTRAP, Estimate
from fineray.evaluation.one_vs_rest import one_vs_rest, patient_numbers
from fineray.evaluation.operating_point import PredictedClasses
from fineray.evaluation.predictions import Predictions
from fineray.evaluation.roc_area import compare_areas

DELONG, MCNEMAR = "paired DeLong-Obuchowski, by patient", "exact McNemar"


class NotComparable(FinerayError):
    """Two runs share no images, or answer other questions."""


@dataclass(frozen=True)
class Test:
    """One figure of both runs, on the images that both predicted out of sample.

    difference: the first less the second; p: two-sided; p_holm: corrected for all the tests of the comparison;
    only_first, only_second: images that one run alone got right (McNemar's discordant pairs), 0 for areas.
    """

    __test__ = False  # no test class, whatever pytest thinks of its name
    what: str
    first: float | None
    second: float | None
    difference: Estimate
    p: float | None
    p_holm: float | None
    method: str
    only_first: int = 0
    only_second: int = 0


@dataclass(frozen=True)
class Comparison:
    """differing: ids of the images that the two runs call differently; warnings: what makes the comparison unfair."""

    first: str
    second: str
    classes: tuple[str, ...]
    images: int
    patients: int
    tests: tuple[Test, ...]
    differing: tuple[int, ...]
    warnings: tuple[str, ...] = ()


def compare(
    first: tuple[str, Predictions, PredictedClasses],
    second: tuple[str, Predictions, PredictedClasses],
    positive: str,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Each run as (name, predictions, what they count as). Of two classes, `positive` is found or missed.

    AUC by paired DeLong; right calls by exact McNemar, separately among images of the class and others; with more
    classes the mean AUC by a paired bootstrap over patients. Holm's correction over all. Raises NotComparable.
    """
    (name, one, calls), (other, two, others) = first, second
    if one.classes != two.classes or one.truth is not None or two.truth is not None:
        raise NotComparable(
            f"{name} and {other} answer different questions", todo="Compare runs on the same classes of one label set."
        )
    _, rows, columns = np.intersect1d(one.images, two.images, return_indices=True)
    same_truth = one.true[rows] == two.true[columns]
    warnings = []
    if not same_truth.all():
        warnings.append(f"{(~same_truth).sum()} images whose label changed between the runs are left out.")
        rows, columns = rows[same_truth], columns[same_truth]
    left = max(len(one.images), len(two.images)) - len(rows)
    if len(rows) == 0:
        raise NotComparable(f"{name} and {other} share no images", todo="Compare runs on the same split.")
    if left:
        warnings.append(f"{left} images that only one of the runs predicted are left out.")
    a, b = one.only(rows), two.only(columns)
    if a.parts != b.parts:
        warnings.append("The runs used different splits; their models learned from different images.")
    right = calls.predicted[rows] == a.true, others.predicted[columns] == b.true
    tests = [_areas(a, b, positive, resamples, seed)]
    if len(a.classes) == 2:
        number = a.classes.index(positive)
        for what, among in (("sensitivity", a.true == number), ("specificity", a.true != number)):
            tests.append(_mcnemar(what, a, right, among, resamples, seed))
    else:
        tests.append(_mcnemar("accuracy", a, right, np.ones(len(rows), dtype=bool), resamples, seed))
    known = [each.p for each in tests if each.p is not None]
    corrected = iter(holm(known))
    return Comparison(
        name,
        other,
        a.classes,
        len(rows),
        len(set(a.patients)),
        tuple(each if each.p is None else replace(each, p_holm=next(corrected)) for each in tests),
        tuple(a.images[calls.predicted[rows] != others.predicted[columns]].tolist()),
        tuple(warnings),
    )


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The two-sided p of no difference, from the discordant pairs alone; 1 where there are none."""
    from scipy.stats import binomtest

    pairs = only_first + only_second
    return float(binomtest(only_first, pairs).pvalue) if pairs else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) correction, in the order given."""
    order = np.argsort(p_values)
    corrected, highest = [0.0] * len(p_values), 0.0
    for place, number in enumerate(order.tolist()):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[number]))
        corrected[number] = highest
    return corrected


def _areas(a: Predictions, b: Predictions, positive: str, resamples: int, seed: int) -> Test:
    if len(a.classes) == 2:
        of_a, of_b = one_vs_rest(a, positive), one_vs_rest(b, positive)
        found = compare_areas(of_a.scores, of_b.scores, of_a.positive, of_a.patients)
        if found is None:
            nothing = Estimate(None, None, None, len(a.true), DELONG)
            return Test("auc", None, None, nothing, None, None, DELONG)
        return Test("auc", found.first, found.second, found.difference, found.p, None, DELONG)
    patients = patient_numbers(a)
    drawn = [
        weighted_mean_auc(weights, a.probabilities, a.true) - weighted_mean_auc(weights, b.probabilities, b.true)
        for weights in patient_weights(a.true, patients, resamples, seed)
    ]
    gaps = np.concatenate(drawn)
    once = np.ones((1, len(a.true)))
    one, two = (float(weighted_mean_auc(once, each.probabilities, each.true)[0]) for each in (a, b))
    difference = Estimate(one - two, *percentile_interval(gaps), len(a.true), BOOTSTRAP)
    return Test("auc", one, two, difference, _bootstrap_p(gaps), None, BOOTSTRAP)


def _mcnemar(
    what: str,
    a: Predictions,
    right: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    among: NDArray[np.bool_],
    resamples: int,
    seed: int,
) -> Test:
    one, two = right[0][among], right[1][among]
    n = len(one)
    if n == 0:
        return Test(what, None, None, Estimate(None, None, None, 0, BOOTSTRAP), None, None, MCNEMAR)
    patients = patient_numbers(a)[among]
    gap = one.astype(np.float64) - two
    gaps = np.concatenate(
        [
            weights @ gap / weights.sum(axis=1)
            for weights in patient_weights(np.zeros(n, dtype=np.int64), patients, resamples, seed)
        ]
    )
    only_first, only_second = int((one & ~two).sum()), int((two & ~one).sum())
    # McNemar's test takes images for independent; where patients have several, the bootstrap over them decides.
    alone = len(np.unique(patients)) == n
    p = mcnemar_exact(only_first, only_second) if alone else _bootstrap_p(gaps)
    difference = Estimate(float(gap.mean()), *percentile_interval(gaps), n, BOOTSTRAP)
    method = MCNEMAR if alone else BOOTSTRAP
    return Test(what, float(one.mean()), float(two.mean()), difference, p, None, method, only_first, only_second)


def _bootstrap_p(gaps: NDArray[np.float64]) -> float:
    """Two-sided, from resamples of a difference."""
    beyond = min(float((gaps <= 0).mean()), float((gaps >= 0).mean()))
    return min(1.0, max(2 * beyond, 1 / len(gaps)))
