"""Whole evaluations against scikit-learn, published tables and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import f1_score, precision_recall_fscore_support, roc_auc_score

from fineray.evaluation.bootstrap import patient_weights, weighted_auc
from fineray.evaluation.metrics import evaluate
from fineray.evaluation.predictions import Predictions


def _predictions(true: np.ndarray, probabilities: np.ndarray, patients: np.ndarray | None = None) -> Predictions:
    n = len(true)
    owners = np.arange(n) if patients is None else patients
    names = tuple(f"class {number}" for number in range(probabilities.shape[1]))
    return Predictions(
        names,
        np.arange(n),
        tuple(f"P{owner:05d}" for owner in owners),
        ("1",) * n,
        true.astype(np.int64),
        probabilities,
    )


def _binary(confusion: list[list[int]]) -> Predictions:
    true = np.repeat([0, 0, 1, 1], [count for row in confusion for count in row])
    predicted = np.repeat([0, 1, 0, 1], [count for row in confusion for count in row])
    return _predictions(true, np.stack([1 - predicted, predicted], axis=1) * 0.8 + 0.1)


@pytest.mark.parametrize(
    ("confusion", "accuracy"), [([[661, 246], [36, 207]], 0.7548), ([[663, 34], [46, 407]], 0.9304)]
)
def test_accuracies_of_published_tables(confusion: list[list[int]], accuracy: float) -> None:
    found = evaluate(_binary(confusion), resamples=100)
    assert found.accuracy.value == pytest.approx(accuracy, abs=5e-5)
    assert [list(row) for row in found.confusion] == confusion


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_figures_of_each_class_agree_with_scikit_learn(classes: int) -> None:
    random = np.random.default_rng(classes)
    true = random.integers(0, classes, 200)
    probabilities = random.dirichlet(np.ones(classes), 200) + np.eye(classes)[true] * 0.3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = evaluate(_predictions(true, probabilities), resamples=200)
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(true, predicted)
    for number, each in enumerate(each.figures for each in found.per_class):
        assert each.ppv.value == pytest.approx(precision[number])
        assert each.sensitivity.value == pytest.approx(recall[number])
        assert each.f1.value == pytest.approx(f1[number])
        assert each.positives == support[number]
        specificity = (predicted[true != number] != number).mean()
        assert each.specificity.value == pytest.approx(specificity)
        assert each.auc.value == pytest.approx(roc_auc_score(true == number, probabilities[:, number]))
        for figure in (each.ppv, each.sensitivity, each.specificity, each.f1, each.auc):
            assert figure.low is not None
            assert figure.high is not None
            assert figure.low <= figure.value <= figure.high  # type: ignore[operator]
    if classes > 2:
        assert found.auc.value == pytest.approx(roc_auc_score(true, probabilities, multi_class="ovr"))
        assert found.auc.low is not None


@pytest.mark.parametrize(
    ("rows", "macro", "confusion"),
    [
        (np.arange(150), 0.9223333333, ((50, 0, 0), (2, 36, 12), (1, 13, 36))),
        (np.r_[0:70, 100:150], 0.9240833333, ((50, 0, 0), (1, 12, 7), (1, 13, 36))),
    ],
)
def test_three_irises(rows: np.ndarray, macro: float, confusion: tuple[tuple[int, ...], ...]) -> None:
    flowers = load_iris()
    petals, kinds = flowers.data[rows, :2], flowers.target[rows]
    means = np.stack([flowers.data[flowers.target == kind, :2].mean(axis=0) for kind in range(3)])
    distance = ((petals[:, None] - means) ** 2).sum(axis=2)
    scores = np.exp(-distance) / np.exp(-distance).sum(axis=1, keepdims=True)
    found = evaluate(_predictions(kinds, scores), resamples=100)
    assert found.confusion == confusion
    assert found.auc.value == pytest.approx(macro, abs=1e-9)


def test_a_class_that_is_never_predicted_has_no_precision() -> None:
    found = evaluate(_binary([[10, 0], [5, 0]]), resamples=100)
    second = found.per_class[1].figures
    assert second.ppv.value is None
    assert second.sensitivity.value == 0
    assert second.f1.value == 0


def test_resamples_draw_whole_patients_and_keep_every_class() -> None:
    random = np.random.default_rng(0)
    patients = np.repeat(np.arange(30), 3)
    true = np.where(patients < 4, 1, 0)
    (weights,) = patient_weights(true, patients, 500, seed=1)
    assert weights.shape == (500, 90)
    by_patient = weights.reshape(500, 30, 3)
    assert (by_patient == by_patient[:, :, :1]).all()
    assert (by_patient[:, :4, 0].sum(axis=1) == 4).all()
    assert (by_patient[:, 4:, 0].sum(axis=1) == 26).all()
    again = next(iter(patient_weights(true, patients, 500, seed=1)))
    np.testing.assert_array_equal(weights, again)
    scores = np.round(random.random(90), 1)
    for row, area in zip(weights[:20], weighted_auc(weights[:20], scores, true == 1), strict=True):
        assert area == pytest.approx(roc_auc_score(true, scores, sample_weight=row))


def test_f1_intervals_agree_with_a_plain_bootstrap() -> None:
    random = np.random.default_rng(3)
    true = np.arange(120) % 2
    probabilities = np.clip(0.5 + 0.35 * (true - 0.5) + random.normal(0, 0.25, 120), 0.01, 0.99)
    both = np.stack([1 - probabilities, probabilities], axis=1)
    found = evaluate(_predictions(true, both), resamples=2000, seed=5).per_class[1].figures.f1
    predicted = both.argmax(axis=1)
    plain = []
    for _ in range(2000):
        rows = np.concatenate([random.choice(np.flatnonzero(true == label), 60) for label in (0, 1)])
        plain.append(f1_score(true[rows], predicted[rows]))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(plain, [2.5, 97.5])), abs=0.02)


def test_intervals_do_not_depend_on_pseudonyms() -> None:
    random = np.random.default_rng(9)
    true = random.integers(0, 2, 80)
    chances = random.dirichlet([1, 1], 80)
    owners = np.arange(80) // 2
    shuffled = random.permutation(40)[owners]
    first, second = (evaluate(_predictions(true, chances, each), resamples=300) for each in (owners, shuffled))
    assert first.per_class[1].figures.f1 == second.per_class[1].figures.f1
