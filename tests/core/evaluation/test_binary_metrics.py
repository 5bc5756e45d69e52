"""Figures at an operating point, their intervals, curves and calibration against published numbers and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    matthews_corrcoef,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)
from statsmodels.stats.proportion import proportion_confint

from fineray.evaluation.binary_metrics import (
    average_precision,
    binary_metrics,
    brier,
    predictive_values,
)
from fineray.evaluation.bootstrap import weighted_hand_till
from fineray.evaluation.calibration import calibration
from fineray.evaluation.choosing_point import NoOperatingPoint, apply_rule, choose_point
from fineray.evaluation.curves import curves, net_benefit
from fineray.evaluation.intervals import clopper_pearson, difference, proportion
from fineray.evaluation.one_vs_rest import OneVsRest, one_vs_rest
from fineray.evaluation.operating_point import PointRule
from fineray.evaluation.predictions import Predictions
from fineray.evaluation.roc_area import auc, auc_variance
from fineray.evaluation.subgroups import subgroups

Maker = Callable[..., Predictions]


def _asked(truth: list[int] | np.ndarray, scores: list[float] | np.ndarray) -> OneVsRest:
    return OneVsRest("yes", np.asarray(scores, dtype=float), np.asarray(truth) == 1, np.arange(len(truth)))


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0, 0.1684),
                                   (1, 29, 0.0009, 0.1776)]
)  # fmt: skip
def test_clopper_pearson_newcombe_1998(hits: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(hits / n, n) == pytest.approx((low, high), abs=5e-5)
    assert clopper_pearson(hits / n, n) == pytest.approx(proportion_confint(hits, n, method="beta"), abs=1e-9)


def test_difference_by_newcombe_10() -> None:
    found = difference((56, 70), (48, 80))
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_youden_on_texture_as_proc_gives_it() -> None:
    data = load_breast_cancer()
    texture, truth = data.data[:, list(data.feature_names).index("mean texture")], 1 - data.target
    top = texture.max()
    n = len(truth)
    predictions = Predictions(
        ("benign", "malignant"),
        np.arange(n),
        tuple(map(str, range(n))),
        ("test",) * n,
        truth.astype(np.int64),
        np.column_stack([1 - texture / top, texture / top]),
    )
    point = choose_point(predictions, PointRule("youden", "malignant"))
    assert point.threshold * top == pytest.approx(19.32)
    asked = one_vs_rest(predictions, "malignant")
    for method, of_hit in (("wilson", (0.692606, 0.807766)), ("clopper-pearson", (0.691106, 0.811057))):
        found = binary_metrics(asked, point.predict(predictions) == 1, method=method, resamples=50)
        cells = (found.true_positives, found.false_negatives, found.true_negatives, found.false_positives)
        assert cells == (160, 52, 256, 101)
        # statsmodels gives 0.8077617 too: the last digits of the published bound are off
        assert (found.sensitivity.low, found.sensitivity.high) == pytest.approx(of_hit, abs=5e-6)
    assert found.specificity.value == pytest.approx(0.717087, abs=5e-7)
    wilson = proportion((point.predict(predictions) == 0)[truth == 0], np.arange((truth == 0).sum()))
    assert (wilson.low, wilson.high) == pytest.approx((0.668245, 0.761306), abs=5e-7)


def test_scikit_learns_classics() -> None:
    asked = _asked([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    assert average_precision(asked) == pytest.approx(0.8333333, abs=1e-7)
    assert brier(_asked([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3])) == pytest.approx(0.0375)
    found = binary_metrics(_asked([1, 1, 1, 0], [1, 0, 1, 1]), np.array([1, 0, 1, 1]) == 1, resamples=20)
    assert found.mcc.value == pytest.approx(-1 / 3)
    found = binary_metrics(_asked([0, 1, 0, 0, 1, 0], [0] * 6), np.array([0, 1, 0, 0, 0, 1]) == 1, resamples=20)
    assert found.balanced_accuracy.value == pytest.approx(0.625)


def test_an_interval_is_clipped_pauc() -> None:
    truth = np.array([0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1]) == 1
    scores = np.array([0.1, 0.35, 0.24, 0.8, 0.2, 0.85, 0.13, 0.85, 0.74, 0.58, 0.71, 0.25])
    found = auc(scores, truth, np.arange(12))
    assert found.value == pytest.approx(0.708, abs=5e-4)
    assert 0 < found.low < found.value < found.high <= 1
    area, variance = auc_variance(scores, truth, np.arange(12))
    half = 1.959963984540054 * np.sqrt(variance)
    assert (area - half, area + half) == pytest.approx((0.378, 1.0390520), abs=5e-4), "what is published, unclipped"


@pytest.mark.parametrize(
    ("rows", "pairwise"),
    [(np.arange(150), 0.9223333333), (np.r_[0:70, 100:150], 0.9070333333)],
)
def test_hand_till_keeps_its_direction(rows: np.ndarray, pairwise: float) -> None:
    x, y = load_iris(return_X_y=True)
    x = x[:, :2]
    means = np.array([x[y == number].mean(axis=0) for number in range(3)])
    x, y = x[rows], y[rows]
    scores = np.exp(-((x[:, None] - means) ** 2).sum(axis=2))
    scores /= scores.sum(axis=1, keepdims=True)
    found = float(weighted_hand_till(np.ones((1, len(y))), scores, y)[0])
    assert found == pytest.approx(pairwise, abs=1e-9)
    assert found == pytest.approx(roc_auc_score(y, scores, multi_class="ovo"))


def test_predictive_values_by_bayes() -> None:
    ppv, _ = predictive_values(np.array(0.9), np.array(0.9), 0.01)
    assert float(ppv) == pytest.approx(0.0833333, abs=1e-7)
    asked = _asked([1] * 100 + [0] * 100, [0.9] * 90 + [0.1] * 10 + [0.1] * 90 + [0.9] * 10)
    found = binary_metrics(asked, asked.scores > 0.5, prevalence=0.01, resamples=500)
    assert found.ppv_there.value == pytest.approx(0.0833333, abs=1e-7)
    assert found.ppv_there.low < 0.0833333 < found.ppv_there.high < found.ppv.low


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(8, 60), st.floats(0.05, 0.95))
def test_figures_agree_with_scikit_learn(seed: int, n: int, threshold: float) -> None:
    random = np.random.default_rng(seed)
    truth = np.r_[0, 1, random.integers(0, 2, n - 2)]
    scores = np.round(np.clip(random.normal(0.35 + 0.25 * truth, 0.25), 0.001, 0.999), 2)  # with ties
    asked, predicted = _asked(truth, scores), scores >= threshold
    found = binary_metrics(asked, predicted, resamples=0)
    assert found.average_precision.value == pytest.approx(average_precision_score(truth, scores))
    assert found.auc.value == pytest.approx(roc_auc_score(truth, scores))
    assert found.brier.value == pytest.approx(brier_score_loss(truth, scores))
    assert found.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert found.f1.value == pytest.approx(f1_score(truth, predicted, zero_division=0.0))
    if 0 < predicted.sum() < n:
        assert found.mcc.value == pytest.approx(matthews_corrcoef(truth, predicted))
        assert found.kappa.value == pytest.approx(cohen_kappa_score(truth, predicted))
    assert found.f1.low is None, "a preview has no interval"


def test_intervals_of_a_faultless_test_are_no_certainty() -> None:
    asked = _asked([1] * 10 + [0] * 10, [0.9] * 10 + [0.1] * 10)
    found = binary_metrics(asked, asked.scores > 0.5)
    for name in ("f1", "balanced_accuracy", "mcc", "kappa", "sensitivity", "npv", "auc"):
        estimate = getattr(found, name)
        assert estimate.value == 1 and estimate.high == pytest.approx(1) and 0.2 < estimate.low < 0.9, name


def _texture() -> tuple[np.ndarray, np.ndarray]:
    data = load_breast_cancer()
    x, y = data.data[:, list(data.feature_names).index("mean texture")], 1 - data.target
    fitted = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(x[:, None], y)
    assert (fitted.intercept_[0], fitted.coef_[0, 0]) == pytest.approx((-5.12577241, 0.23464058), abs=1e-4)
    return -5.12577241 + 0.23464058 * x, y


def test_calibration_of_a_distorted_logit() -> None:
    logit, y = _texture()
    expit = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    found = calibration(_asked(y, expit(logit)), resamples=200)
    assert found.brier.value == pytest.approx(0.1923211901, abs=1e-8)
    assert (found.slope.value, found.intercept.value) == pytest.approx((1, 0), abs=1e-6)
    assert found.slope.low < 1 < found.slope.high
    off = _asked(y, expit(1.5 * logit + 0.5))
    found = calibration(off, resamples=200)
    assert (found.slope.value, found.intercept.value) == pytest.approx((2 / 3, -1 / 3), abs=1e-6)
    assert found.in_the_large.value == pytest.approx(-0.26465458, abs=1e-6)
    assert found.brier.value == pytest.approx(0.1923865281, abs=1e-8)
    assert found.observed_expected.value == pytest.approx(0.8933448986, abs=1e-7)
    assert net_benefit(off, 0.2) == pytest.approx(0.2552724077, abs=1e-9)
    assert net_benefit(off, 0.4) == pytest.approx(0.1605155243, abs=1e-9)
    drawn = curves(off, resamples=50)
    assert drawn.net_benefit.y[19] == pytest.approx(0.2552724077, abs=1e-9)
    assert (drawn.treat_all.y[19], drawn.treat_all.y[39]) == pytest.approx((0.2157293497, -0.0456942004), abs=1e-9)
    assert len(found.bins) == 10 and sum(each.observed.n for each in found.bins) == len(y)
    assert len(found.curve.x) == len(found.curve.low) == len(found.curve.high)


def test_expected_calibration_error_as_torchmetrics_gives_it() -> None:
    scores, truth = np.array([0.25, 0.25, 0.55, 0.75, 0.75]), np.array([0, 0, 1, 1, 1]) == 1
    found = calibration(_asked(truth.astype(int), scores), resamples=20)  # no bin of ten holds two of them
    assert found is not None and found.ece.value == pytest.approx(0.29, abs=1e-7)


def test_classes_wholly_apart_have_no_slope() -> None:
    found = calibration(_asked([0] * 20 + [1] * 20, [0.2] * 20 + [0.8] * 20), resamples=50)
    assert found.slope.value is None and found.intercept.value is None
    assert calibration(_asked([1, 1], [0.2, 0.3])) is None and curves(_asked([1, 1], [0.2, 0.3])) is None


def test_curves_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, 300)
    asked = _asked(truth, np.clip(random.normal(0.4 + 0.2 * truth, 0.2), 0, 1))
    found = curves(asked, resamples=200)
    false, hit, _ = roc_curve(truth, asked.scores, drop_intermediate=False)
    assert found.roc.y == pytest.approx(np.interp(found.roc.x, false, hit), abs=0.02)
    for line in (found.roc, found.precision_recall, found.net_benefit):
        inside = (np.array(line.low) - 0.02 <= np.array(line.y)) & (np.array(line.y) <= np.array(line.high) + 0.02)
        assert inside.mean() > 0.97
    precision, recall, _ = precision_recall_curve(truth, asked.scores)
    for x, y in zip(found.precision_recall.x, found.precision_recall.y, strict=True):
        reached = recall >= x - 1e-12
        assert y == pytest.approx(precision[reached][-1]), "the first step that reaches it"
    assert sum(found.histogram.positive) == truth.sum() and found.prevalence == truth.mean()


def test_a_threshold_is_never_chosen_where_it_is_applied(predicted: Maker) -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 400)
    noise = predicted(truth, random.uniform(size=400), parts=5)
    rule = PointRule("sensitivity", "yes", 0.9)
    found = apply_rule(noise, rule)
    parts = np.array(noise.parts)
    for name in "12345":
        others = choose_point(noise.only(parts != name), rule)
        assert found.thresholds[name] == others.threshold
        assert (found.predicted[parts == name] == others.predict(noise.only(parts == name))).all()
    youden = PointRule("youden", "yes")
    flattered = (choose_point(noise, youden).predict(noise) == truth).mean()
    assert (apply_rule(noise, youden).predicted == truth).mean() < flattered, "on noise, honest is worse"
    test = predicted(truth, noise.probabilities[:, 1])
    with pytest.raises(NoOperatingPoint, match="images that it is applied to"):
        apply_rule(test, rule)
    validation = predicted([0, 1] * 50, np.linspace(0, 1, 100))
    assert apply_rule(test, rule, validation).point == choose_point(validation, rule)


def test_operating_points_reach_what_they_promise(predicted: Maker) -> None:
    random = np.random.default_rng(2)
    truth = random.integers(0, 2, 300)
    some = predicted(truth, np.clip(random.normal(0.4 + 0.2 * truth, 0.2), 0.001, 0.999))
    asked = one_vs_rest(some, "yes")
    for wanted in (0.5, 0.9, 0.99, 1.0):
        point = choose_point(some, PointRule("sensitivity", "yes", wanted))
        assert (asked.scores[asked.positive] >= point.threshold).mean() >= wanted
        point = choose_point(some, PointRule("specificity", "yes", wanted))
        assert (asked.scores[~asked.positive] < point.threshold).mean() >= wanted
    dear, cheap = (choose_point(some, PointRule("cost", "yes", worth)).threshold for worth in (20, 0.05))
    assert dear < cheap, "the dearer a miss, the sooner an image is called"


def test_a_subgroup_on_which_the_model_fails_is_found_and_small_ones_are_marked() -> None:
    random = np.random.default_rng(3)
    truth = random.integers(0, 2, 600)
    group = np.array(["A"] * 290 + ["B"] * 290 + ["C"] * 20)
    scores = np.where(group == "B", random.uniform(size=600), np.clip(random.normal(0.3 + 0.4 * truth, 0.2), 0, 1))
    asked = _asked(truth, scores)
    harmless = random.choice(["x", "y"], 600)
    found = subgroups(
        asked,
        scores > 0.5,
        {"g": ("Group", group.tolist()), "h": ("Harmless", harmless.tolist()), "one": ("One", ["a"] * 600)},
    )
    assert [each.attribute for each in found] == ["g", "h"], "a single value is no subgroup"
    assert [each.small for each in found[0].subgroups] == [False, False, True]
    assert found[0].p_holm == pytest.approx(min(1, 2 * found[0].p)) and found[0].p_holm < 1e-6
    assert found[1].p_holm > 0.01
    assert sum(each.images for each in found[0].subgroups) == 600


@pytest.mark.integration
def test_the_test_of_subgroups_keeps_its_level() -> None:
    below = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        truth = random.integers(0, 2, 240)
        scores = random.normal(truth, 1.0)
        asked = OneVsRest("yes", scores, truth == 1, np.arange(240) // 2)
        of_patient = random.choice(["a", "b", "c"], 120)
        (found,) = subgroups(asked, scores > 0.5, {"g": ("G", np.repeat(of_patient, 2).tolist())})
        below += found.p < 0.05
    assert below <= 22, "5 % of 200, with room for chance"
