"""Comparing runs against published tests (pROC, R, MLstatkit, pauc)."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from fineray.evaluation.comparison import (
    NotComparable,
    compare,
    holm,
    mcnemar_exact,
)
from fineray.evaluation.operating_point import OperatingPoint, PredictedClasses
from fineray.evaluation.predictions import Predictions
from fineray.evaluation.roc_area import compare_areas

Maker = Callable[..., Predictions]


def _area(first: np.ndarray, second: np.ndarray, positive: np.ndarray):
    found = compare_areas(first, second, positive, np.arange(len(positive)))
    assert found is not None
    return found


def test_paired_markers_of_aneurysms_proc(shared_file: Callable[[str], Path]) -> None:
    with shared_file("oracles-aSAH.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    poor = np.array([row["outcome"] == "Poor" for row in rows])
    marker = {name: np.array([float(row[name]) for row in rows]) for name in ("wfns", "s100b", "ndka")}
    found = _area(marker["wfns"], marker["s100b"], poor)
    assert found.z == pytest.approx(2.20898359144091, abs=1e-10)
    assert found.p == pytest.approx(0.0271757822291882, abs=1e-10)
    assert (found.difference.low, found.difference.high) == pytest.approx((0.0104061769564846, 0.174214419249478))
    found = _area(marker["wfns"], marker["ndka"], poor)
    assert (found.z, found.p) == pytest.approx((2.79777591868904, 0.00514557970691098), abs=1e-10)


def test_tumours_as_proc_gives_them() -> None:
    data = load_breast_cancer()
    column = {name: data.data[:, number] for number, name in enumerate(data.feature_names)}
    texture, smooth, symmetric = (column[f"mean {name}"] for name in ("texture", "smoothness", "symmetry"))
    found = _area(texture, smooth, data.target == 0)
    assert found.difference.value == pytest.approx(0.0537828339, abs=1e-9)
    assert (found.z, found.p) == pytest.approx((1.7133449373, 0.0866490998), abs=1e-8)
    found = _area(smooth, symmetric, data.target == 0)
    assert (found.z, found.p) == pytest.approx((1.0626754698, 0.2879291489), abs=1e-8)


def test_tiny_delong_mlstatkit_and_pauc() -> None:
    truth = np.array([0, 1, 0, 1]) == 1
    a, b = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.2, 0.3, 0.4, 0.7])
    found = _area(a, b, truth)
    assert (found.first, found.second) == (1.0, 0.75)
    assert (found.z, found.p) == pytest.approx((0.7071068, 0.4795001), abs=1e-6)
    same = _area(a, a * 2, truth)
    assert (same.z, same.p) == (0.0, 1.0), "two perfect ones do not differ"
    truth = np.array([0, 0, 1, 1, 0, 1, 0]) == 1
    one, two = np.array([0.1, 0.35, 0.4, 0.8, 0.2, 0.75, 0.1]), np.array([0.5, 0.92, 0.1, 0.1, 0.8, 0.95, 0.9])
    found = _area(one, two, truth)
    assert (found.first, found.second) == pytest.approx((1.0, 1 / 3))
    assert (found.z, found.p) == pytest.approx((2.0, 0.0455003), abs=1e-6)


def test_mcnemar_as_r_gives_it() -> None:
    assert mcnemar_exact(86, 150) == pytest.approx(3.715936e-5, rel=1e-6)
    assert mcnemar_exact(6, 16) == pytest.approx(0.0524788, abs=1e-7)
    assert mcnemar_exact(0, 0) == 1.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_agrees_with_statsmodels(b: int, c: int) -> None:
    if b + c:
        assert mcnemar_exact(b, c) == pytest.approx(float(mcnemar([[9, b], [c, 9]], exact=True).pvalue))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())


def _predicted(predictions: Predictions) -> PredictedClasses:
    return PredictedClasses(predictions.predicted, OperatingPoint(), {})


def test_runs_are_compared_among_diseased_and_healthy_apart(predicted: Maker) -> None:
    truth = [1] * 20 + [0] * 30
    one = predicted(truth, [0.9] * 18 + [0.2] * 2 + [0.1] * 24 + [0.7] * 6)
    two = predicted(truth, [0.9] * 10 + [0.2] * 10 + [0.1] * 29 + [0.7])
    found = compare(("a", one, _predicted(one)), ("b", two, _predicted(two)), "yes")
    tests = {each.what: each for each in found.tests}
    assert (tests["sensitivity"].only_first, tests["sensitivity"].only_second) == (8, 0)
    assert (tests["specificity"].only_first, tests["specificity"].only_second) == (0, 5)
    assert tests["sensitivity"].p == pytest.approx(2 * 0.5**8)
    assert len(found.differing) == 13 and not found.warnings
    assert all(each.p_holm >= each.p for each in found.tests)
    assert tests["sensitivity"].difference.low > 0 > tests["specificity"].difference.high


def test_a_run_beside_itself_does_not_differ(predicted: Maker) -> None:
    one = predicted([1, 0] * 20, np.random.default_rng(0).uniform(size=40), [n // 4 for n in range(40)])
    found = compare(("a", one, _predicted(one)), ("a", one, _predicted(one)), "yes")
    assert [each.p for each in found.tests] == [1.0, 1.0, 1.0] and found.differing == ()
    assert {each.method for each in found.tests[1:]} == {"bootstrap over patients"}


def test_what_makes_a_comparison_unfair_is_said(predicted: Maker) -> None:
    one, two = predicted([1, 0] * 10, [0.6, 0.4] * 10), predicted([1, 0] * 9, [0.6, 0.4] * 9)
    found = compare(("a", one, _predicted(one)), ("b", two, _predicted(two)), "yes")
    assert found.images == 18 and "only one of the runs" in found.warnings[0]
    other = predicted([0, 1] * 10, [0.6, 0.4] * 10)
    with pytest.raises(NotComparable, match="share no images"):
        compare(("a", one, _predicted(one)), ("b", other, _predicted(other)), "yes")
