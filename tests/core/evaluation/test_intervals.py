"""Figures and intervals against published numbers and independent implementations."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from fineray.evaluation.intervals import Z, proportion, wilson
from fineray.evaluation.roc_area import auc, auc_variance

# Published areas and intervals of pROC's aneurysmal subarachnoid haemorrhage data (113 patients, 41 poor outcomes).
ASAH = {"wfns": 0.823678861788618, "s100b": 0.731368563685637, "ndka": 0.611957994579946}
ASAH_NDKA_INTERVAL = (0.501244999271703, 0.722670989888189)


@pytest.fixture
def tumours() -> tuple[np.ndarray, np.ndarray]:
    data = load_breast_cancer()
    return data.data, data.target == 0


@pytest.mark.parametrize(("marker", "published"), ASAH.items())
def test_areas_published_by_proc(marker: str, published: float, shared_file: Callable[[str], Path]) -> None:
    with shared_file("oracles-aSAH.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    poor = np.array([row["outcome"] == "Poor" for row in rows])
    assert (len(rows), poor.sum()) == (113, 41)
    scores = np.array([float(row[marker]) for row in rows])
    found = auc(scores, poor, np.arange(len(rows)))
    assert found.value == pytest.approx(published, abs=1e-12)
    if marker == "ndka":
        assert (found.low, found.high) == pytest.approx(ASAH_NDKA_INTERVAL, abs=1e-12)


@pytest.mark.parametrize(
    ("column", "area", "error"),
    [(1, 0.7758244807, 0.01973431), (4, 0.7220416468, 0.02126625), (8, 0.6985624438, 0.02241952)],
)
def test_areas_and_errors_on_the_tumours(
    tumours: tuple[np.ndarray, np.ndarray], column: int, area: float, error: float
) -> None:
    features, malignant = tumours
    value, variance = auc_variance(features[:, column], malignant, np.arange(len(malignant)))
    assert value == pytest.approx(area, abs=1e-10)
    assert variance is not None
    assert math.sqrt(variance) == pytest.approx(error, abs=1e-8)
    if column == 1:
        found = auc(features[:, column], malignant, np.arange(len(malignant)))
        assert (found.low, found.high) == pytest.approx((0.7371459378, 0.8145030237), abs=1e-9)


def test_copies_of_an_image_add_no_certainty(tumours: tuple[np.ndarray, np.ndarray]) -> None:
    features, malignant = tumours
    scores, patients = features[:, 1], np.arange(len(malignant))
    four = [np.repeat(each, 4) for each in (scores, malignant, patients)]
    _, clustered = auc_variance(*four)
    _, naive = auc_variance(four[0], four[1], np.arange(len(four[0])))
    assert clustered is not None
    assert naive is not None
    assert math.sqrt(clustered) == pytest.approx(0.0197343131, abs=1e-10)
    assert math.sqrt(naive) == pytest.approx(0.0098535, abs=1e-7)
    _, pairs = auc_variance(scores, malignant, patients // 2)
    assert pairs is not None
    assert math.sqrt(pairs) == pytest.approx(0.0214020646, abs=1e-10)


def test_ct_ratings_of_hanley_and_mcneil() -> None:
    ratings = np.concatenate(
        [np.repeat(np.arange(1, 6), (33, 6, 6, 11, 2)), np.repeat(np.arange(1, 6), (3, 2, 2, 11, 33))]
    )
    abnormal = np.repeat([False, True], [58, 51])
    value, variance = auc_variance(ratings.astype(float), abnormal, np.arange(len(abnormal)))
    assert variance is not None
    assert value == pytest.approx(0.8931710615, abs=1e-10)
    assert math.sqrt(variance) == pytest.approx(0.0307244084, abs=1e-10)


def test_an_interval_stays_between_zero_and_one() -> None:
    truth = np.array([0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1], dtype=bool)
    scores = np.array([0.1, 0.35, 0.24, 0.8, 0.2, 0.85, 0.13, 0.85, 0.74, 0.58, 0.71, 0.25])
    found = auc(scores, truth, np.arange(12))
    assert found.value == pytest.approx(0.708, abs=5e-4)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high < 1  # type: ignore[operator]


def test_areas_of_the_scikit_learn_example_and_without_a_class() -> None:
    truth, scores = np.array([0, 0, 1, 1], bool), np.array([0.1, 0.4, 0.35, 0.8])
    assert auc(scores, truth, np.arange(4)).value == 0.75
    assert auc(scores, np.zeros(4, bool), np.arange(4)).value is None
    perfect = auc(np.arange(4.0), truth, np.arange(4))
    assert perfect.value == perfect.high == 1
    assert perfect.low is not None
    assert perfect.low < 0.5, "two patients a class prove little"


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_areas_agree_with_scikit_learn(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    truth = np.append(random.random(n) < 0.5, [True, False])
    scores = np.round(random.normal(size=n + 2) + truth, 1)
    value, _ = auc_variance(scores, truth, np.arange(n + 2))
    assert value == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1),
    ],
)
def test_proportions_of_newcombe(hits: int, n: int, low: float, high: float) -> None:
    found = proportion(np.arange(n) < hits, np.arange(n))
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert (found.low, found.high) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-12)


def test_images_of_one_patient_widen_the_interval_and_never_narrow_it() -> None:
    random = np.random.default_rng(0)
    patients = np.repeat(np.arange(60), 4)
    alike = (random.random(60) < 0.7)[patients]
    single = proportion(alike[::4], np.arange(60))
    clustered = proportion(alike, patients)
    naive = proportion(alike, np.arange(240))
    assert clustered.value == single.value
    assert clustered.low == pytest.approx(single.low, abs=0.003)
    assert clustered.low is not None
    assert naive.low is not None
    assert clustered.low < naive.low
    apart = np.tile([True, True, False, True], 60)
    assert proportion(apart, patients).low == naive_low(apart)
    everyone = proportion(np.ones(240, bool), patients)
    assert everyone.low == pytest.approx(wilson(1, 60)[0])


def naive_low(hits: np.ndarray) -> float:
    return wilson(float(hits.mean()), len(hits))[0]


@pytest.mark.integration
def test_the_clustered_interval_covers() -> None:
    """Of 400 simulated studies with correlated images about 95 % of the intervals hold the truth."""
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(400):
        chance = random.beta(3, 1.5, size=50)
        patients = np.repeat(np.arange(50), random.integers(1, 6, size=50))
        found = proportion(random.random(len(patients)) < chance[patients], patients)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 3 / 4.5 <= found.high
    assert 0.92 <= covered / 400 <= 0.985


def test_z_is_the_normal_quantile() -> None:
    from scipy.stats import norm

    assert pytest.approx(norm.ppf(0.975), abs=1e-15) == Z
