"""The new last layer is the logistic regression that scikit-learn finds, chosen inside training data only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from core.training.head import Head, Span, Standardisation, fit_linear, mean_log_loss
from core.training.recipe import Recipe, RecipeUnusable
from core.training.selection import fit_head


def _data(n: int, width: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    features = random.normal(size=(n, width)).astype(np.float32)
    features[:, :classes] += np.eye(classes)[labels] * 1.5
    return features * 7 + 3, labels, np.arange(n) // 2


@pytest.mark.parametrize(("n", "width", "classes"), [(120, 10, 2), (60, 300, 2), (90, 40, 4)])
def test_heads_agree_with_scikit_learn(n: int, width: int, classes: int) -> None:
    features, labels, _ = _data(n, width, classes)
    standardised = Standardisation.of(features).apply(features)
    strength = 0.05
    span = Span.of(standardised)
    fit = fit_linear(standardised @ span.basis, labels, classes, strength)
    ours = Head(Standardisation.of(features), span.basis @ fit.weight, fit.bias).probabilities(features)
    theirs = LogisticRegression(C=1 / (strength * n), tol=1e-8, max_iter=5000).fit(standardised, labels)
    if classes == 2:
        # scikit-learn's two-class form has one weight vector where ours has two of half the size, which the penalty
        # sees as half: twice its strength gives the same function.
        theirs = LogisticRegression(C=2 / (strength * n), tol=1e-8, max_iter=5000).fit(standardised, labels)
    np.testing.assert_allclose(ours, theirs.predict_proba(standardised), atol=2e-3)
    np.testing.assert_allclose(ours.sum(axis=1), 1)


def test_a_feature_that_never_varies_does_no_harm() -> None:
    features, _, _ = _data(40, 5, 2)
    features[:, 4] = 11
    standardisation = Standardisation.of(features)
    assert standardisation.scale[4] == 1
    assert np.isfinite(standardisation.apply(features)).all()


def test_a_head_survives_a_round_trip(tmp_path: Path) -> None:
    features, labels, patients = _data(60, 8, 3)
    head = fit_head(features, labels, patients, 3, Recipe()).head
    head.save(tmp_path / "head.safetensors")
    again = Head.load(tmp_path / "head.safetensors")
    np.testing.assert_array_equal(again.probabilities(features), head.probabilities(features))


def test_the_strength_with_the_least_validation_loss_is_chosen() -> None:
    features, labels, patients = _data(160, 20, 2)
    tried = []
    found = fit_head(features, labels, patients, 2, Recipe(), on_tried=lambda s, loss: tried.append((s, loss)))
    assert tuple(tried) == found.losses
    assert found.strength == min(found.losses, key=lambda pair: pair[1])[0]
    assert {strength for strength, _ in found.losses} == set(Recipe().strengths)


def test_validation_images_choose_but_are_not_learned_from() -> None:
    features, labels, patients = _data(100, 10, 2)
    extra, extra_labels, _ = _data(40, 10, 2, seed=5)
    found = fit_head(features, labels, patients, 2, Recipe(), (extra, extra_labels))
    standardisation = Standardisation.of(features)
    np.testing.assert_array_equal(found.head.standardisation.mean, standardisation.mean)
    alone = fit_linear(standardisation.apply(features), labels, 2, found.strength)
    np.testing.assert_allclose(found.head.weight, alone.weight, atol=1e-3)
    checked = [
        mean_log_loss(
            fit_linear(standardisation.apply(features), labels, 2, strength), standardisation.apply(extra), extra_labels
        )
        for strength in (1.0, 0.1)
    ]
    losses = dict(found.losses)
    assert (losses[1.0], losses[0.1]) == pytest.approx(tuple(checked), abs=1e-3)


def test_labels_without_meaning_give_no_skill() -> None:
    """The guard against leakage: with shuffled labels, held-out patients are predicted no better than by chance."""
    areas = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        features = random.normal(size=(120, 200)).astype(np.float32)
        labels, patients = random.integers(0, 2, 120), np.arange(120) // 2
        held_out = patients % 3 == 0
        head = fit_head(features[~held_out], labels[~held_out], patients[~held_out], 2, Recipe()).head
        chances = head.probabilities(features[held_out])[:, 1]
        truth = labels[held_out] == 1
        areas.append(float((chances[truth][:, None] > chances[~truth]).mean()))
    assert 0.4 < np.mean(areas) < 0.6


def test_a_class_of_one_patient_gets_the_strongest_regularisation() -> None:
    features, labels, patients = _data(20, 5, 2)
    patients = np.where(labels == 1, 99, patients)
    assert fit_head(features, labels, patients, 2, Recipe()).strength == max(Recipe().strengths)


@settings(max_examples=40)
@given(
    st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=5),
    st.integers(2, 9),
    st.integers(0, 99),
    st.integers(100, 9999),
)
def test_recipes_survive_a_round_trip(strengths: list[float], folds: int, seed: int, resamples: int) -> None:
    recipe = Recipe(strengths=tuple(strengths), inner_folds=folds, seed=seed, bootstrap=resamples)
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "strengths": [1], "unknown": 3}'])
def test_foreign_recipes_are_refused(text: str) -> None:
    with pytest.raises(RecipeUnusable):
        Recipe.from_json(text)
    with pytest.raises(RecipeUnusable):
        Recipe(strengths=())
