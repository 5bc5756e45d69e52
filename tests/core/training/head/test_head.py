"""The new last layer is the logistic regression that scikit-learn finds, chosen inside training data only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from fineray.training.head.head import (
    Head,
    Problem,
    Span,
    Standardisation,
    fit_layer,
    new_layer,
    outputs,
)
from fineray.training.head.loss import element_weights, images_weigh, total_loss
from fineray.training.head.selection import Examples, fit_head
from fineray.training.head.temperature import temperature
from fineray.training.recipe import (
    HeadKind,
    HeadSettings,
    LossSettings,
    Recipe,
    RecipeUnusable,
)

PLAIN = LossSettings()


def _examples(n: int, width: int, classes: int, seed: int = 0, multilabel: bool = False) -> Examples:
    random = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    features = random.normal(size=(n, width)).astype(np.float32)
    features[:, :classes] += np.eye(classes)[labels] * 1.5
    targets = np.eye(classes)[labels]
    return Examples(features[None] * 7 + 3, targets, np.arange(n) // 2, labels, multilabel)


def _problem(examples: Examples, loss: LossSettings = PLAIN) -> Problem:
    standardised = Standardisation.of(examples.features[0]).apply(examples.features[0])
    weights = element_weights(examples.targets, loss, examples.multilabel)
    return Problem(torch.from_numpy(standardised), examples.targets, weights, examples.multilabel)


@pytest.mark.parametrize(("n", "width", "classes"), [(120, 10, 2), (60, 300, 2), (90, 40, 4)])
def test_heads_agree_with_scikit_learn(n: int, width: int, classes: int) -> None:
    examples = _examples(n, width, classes)
    features, labels = examples.features[0], examples.strata
    standardised = Standardisation.of(features).apply(features)
    span = Span.of(standardised)
    reduced = replace(_problem(examples), features=torch.from_numpy(span.reduce(standardised)))
    layer = new_layer(HeadSettings(), reduced, 0)
    fit_layer(layer, reduced, PLAIN, strength := 0.05)
    ours = Head(Standardisation.of(features), "linear", span.state(layer)).probabilities(features)
    # scikit-learn's two-class form has one weight vector where ours has two of half the size, which the penalty sees
    # as half: twice its strength gives the same function.
    doubled = 2 if classes == 2 else 1
    theirs = LogisticRegression(C=doubled / (strength * n), tol=1e-8, max_iter=5000).fit(standardised, labels)
    np.testing.assert_allclose(ours, theirs.predict_proba(standardised), atol=2e-3)
    np.testing.assert_allclose(ours.sum(axis=1), 1)


def test_findings_side_by_side_are_one_logistic_regression_each() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(200, 6)).astype(np.float32)
    targets = (features[:, :3] + random.normal(size=(200, 3)) > 0).astype(np.float64)
    targets[::7, 1] = np.nan  # a doubtful finding says nothing of itself
    examples = Examples(features[None], targets, np.arange(200), np.zeros(200, dtype=np.int64), True)
    problem = _problem(examples)
    layer = new_layer(HeadSettings(), problem, 0)
    fit_layer(layer, problem, PLAIN, 0.03)
    for column in range(3):
        known = ~np.isnan(targets[:, column])
        # ours is the mean over images and findings of the loss, a third of it each, with the same penalty
        own = LogisticRegression(C=1 / (0.03 * 3 * _total(problem) / 1), tol=1e-9, max_iter=5000)
        own.fit(problem.features[known], targets[known, column])
        np.testing.assert_allclose(
            outputs(layer, problem.features)[:, column], own.decision_function(problem.features), atol=5e-2
        )


def _total(problem: Problem) -> float:
    return float(images_weigh(problem.weights, problem.multilabel).sum())


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("kind", ["cross-entropy", "focal"])
def test_the_loss_is_what_it_says(kind: str, multilabel: bool) -> None:
    random = np.random.default_rng(1)
    logits = torch.from_numpy(random.normal(size=(5, 3)))
    targets = torch.eye(3, dtype=torch.float64)[[0, 1, 2, 1, 0]]
    weights = torch.from_numpy(random.uniform(size=(5, 3))) if multilabel else torch.rand(5, 1).double().expand(5, 3)
    found = float(total_loss(logits, targets, weights, LossSettings(kind=kind, gamma=2.0), multilabel))  # type: ignore[arg-type]
    chances = torch.sigmoid(logits) if multilabel else torch.softmax(logits, dim=1)
    by_hand = 0.0
    for row in range(5):
        for column in range(3):
            chance, truth = float(chances[row, column]), float(targets[row, column])
            right = chance if truth else 1 - chance
            if truth or multilabel:
                by_hand -= float(weights[row, column]) * np.log(right) * ((1 - right) ** 2 if kind == "focal" else 1)
    assert found == pytest.approx(by_hand, rel=1e-9)


def test_balanced_classes_weigh_alike() -> None:
    targets = np.eye(2)[[0] * 9 + [1]]
    for balance in ("weights", "sampling"):
        weights = element_weights(targets, LossSettings(balance=balance), False)  # type: ignore[arg-type]
        assert weights[:9, 0].sum() == pytest.approx(weights[9:, 0].sum()) and weights[:, 0].sum() == pytest.approx(10)
    findings = np.array([[1.0, np.nan], [0, 0], [0, 1], [0, 0]])
    weights = element_weights(findings, LossSettings(balance="weights"), True)
    assert weights[0, 1] == 0 and weights[0, 0] == pytest.approx(weights[1:, 0].sum())


@pytest.mark.parametrize("kind", ["linear", "mlp", "cosine"])
def test_every_kind_of_head_learns_and_survives_a_round_trip(tmp_path: Path, kind: HeadKind) -> None:
    examples, fresh = _examples(160, 30, 3), _examples(90, 30, 3, seed=4)
    recipe = Recipe(head=HeadSettings(kind=kind, strengths=(10.0, 1.0, 0.1), inner_folds=2, hidden=8))
    head = fit_head(examples, (10, 20), recipe).head
    right = (head.probabilities(fresh.features[0]).argmax(axis=1) == fresh.strata).mean()
    assert right > 0.6, "chance is 0.33"
    head.save(tmp_path / "head.safetensors")
    again = Head.load(tmp_path / "head.safetensors")
    np.testing.assert_array_equal(again.probabilities(fresh.features[0]), head.probabilities(fresh.features[0]))
    assert (again.kind, again.temperature, again.classes) == (kind, head.temperature, 3)


def test_every_stage_weighs_alike() -> None:
    features = np.random.default_rng(0).normal(size=(500, 110)) * np.linspace(1, 9, 110) + 5
    standardised = Standardisation.of(features, (10, 100)).apply(features)
    lengths = (standardised**2).mean(axis=0)
    assert lengths[:10].sum() == pytest.approx(lengths[10:].sum()) == pytest.approx(55)


def test_a_feature_that_never_varies_does_no_harm() -> None:
    features = _examples(40, 5, 2).features[0].copy()
    features[:, 4] = 11
    standardisation = Standardisation.of(features)
    assert standardisation.scale[4] == 1
    assert np.isfinite(standardisation.apply(features)).all()


def test_the_strength_with_the_least_validation_loss_is_chosen() -> None:
    tried: list[tuple[float, float]] = []
    found = fit_head(_examples(160, 20, 2), (20,), Recipe(), on_tried=lambda s, loss: tried.append((s, loss)))
    assert tuple(tried) == found.losses
    assert found.strength == min(found.losses, key=lambda pair: pair[1])[0]
    strengths = [strength for strength, _ in found.losses]
    assert strengths == sorted(Recipe().head.strengths, reverse=True)[: len(strengths)]
    least = min(loss for _, loss in found.losses)
    assert least in [loss for _, loss in found.losses[:-2]] or len(strengths) == len(Recipe().head.strengths)


def test_validation_images_choose_but_are_not_learned_from() -> None:
    examples, extra = _examples(100, 10, 2), _examples(40, 10, 2, seed=5)
    found = fit_head(examples, (10,), Recipe(), extra)
    standardisation = Standardisation.of(examples.features[0])
    np.testing.assert_array_equal(found.head.standardisation.mean, standardisation.mean)
    problem = _problem(examples)
    layer = new_layer(HeadSettings(), problem, 0)
    fit_layer(layer, problem, PLAIN, found.strength)
    np.testing.assert_allclose(found.head.state["weight"], layer.weight.detach().numpy(), atol=1e-3)  # type: ignore[union-attr]
    logits = outputs(layer, torch.from_numpy(standardisation.apply(extra.features[0])))
    loss = -np.log(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))[np.arange(40), extra.strata].mean()
    assert dict(found.losses)[found.strength] == pytest.approx(loss, abs=1e-3)
    assert found.head.temperature == pytest.approx(temperature(logits, extra.targets, False), abs=0.02)


def test_all_views_are_learned_from_and_none_straddles_an_inner_fold() -> None:
    examples = _examples(60, 12, 2)
    noisy = examples.features + np.random.default_rng(3).normal(size=examples.features.shape).astype(np.float32)
    doubled = replace(examples, features=np.concatenate([examples.features, noisy]))
    found = fit_head(doubled, (12,), Recipe())
    stacked = doubled.features.reshape(120, 12)
    np.testing.assert_allclose(found.head.standardisation.mean, stacked.mean(axis=0), rtol=1e-5)
    # the image itself twice changes nothing: held-out losses are of the images, fitted on the same mean loss
    same = fit_head(replace(examples, features=np.concatenate([examples.features] * 2)), (12,), Recipe())
    once = fit_head(examples, (12,), Recipe())
    np.testing.assert_allclose([b for _, b in same.losses], [b for _, b in once.losses], rtol=1e-3)


def test_temperature_of_logits_twice_too_large() -> None:
    """Logits that are twice too large need the temperature 2."""
    random = np.random.default_rng(0)
    true = random.normal(size=(4000, 1)) * 2
    for multilabel in (False, True):
        chance = 1 / (1 + np.exp(-true))
        if multilabel:
            best = temperature(2 * true, chance, True)
        else:
            best = temperature(2 * np.hstack([-true / 2, true / 2]), np.hstack([1 - chance, chance]), False)
        assert best == pytest.approx(2.0, abs=1e-4)
    assert temperature(np.zeros((3, 1)), np.full((3, 1), np.nan), True) == 1.0


def test_labels_without_meaning_give_no_skill() -> None:
    """The guard against leakage: with shuffled labels, held-out patients are predicted no better than by chance."""
    areas = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        features = random.normal(size=(120, 200)).astype(np.float32)
        labels, patients = random.integers(0, 2, 120), np.arange(120) // 2
        held_out = patients % 3 == 0
        examples = Examples(features[None], np.eye(2)[labels], patients, labels, False)
        head = fit_head(examples.rows(~held_out), (200,), Recipe()).head
        chances = head.probabilities(features[held_out])[:, 1]
        truth = labels[held_out] == 1
        areas.append(float((chances[truth][:, None] > chances[~truth]).mean()))
    assert 0.4 < np.mean(areas) < 0.6


def test_a_class_of_one_patient_gets_the_strongest_regularisation() -> None:
    examples = _examples(20, 5, 2)
    patients: NDArray[np.int64] = np.where(examples.strata == 1, 99, examples.groups)
    assert fit_head(replace(examples, groups=patients), (5,), Recipe()).strength == max(Recipe().head.strengths)


@settings(max_examples=40)
@given(
    st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=5),
    st.integers(2, 9),
    st.integers(0, 99),
    st.integers(100, 9999),
    st.sampled_from([0, 224, 512, 1024]),
)
def test_recipes_survive_a_round_trip(strengths: list[float], folds: int, seed: int, resamples: int, side: int) -> None:
    head = HeadSettings(strengths=tuple(strengths), inner_folds=folds)
    recipe = Recipe(head=head, seed=seed, bootstrap=resamples, input_size=side)
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 3}', '{"format": 1, "strengths": [1], "unknown": 3}'])
def test_foreign_recipes_are_refused(text: str) -> None:
    with pytest.raises(RecipeUnusable):
        Recipe.from_json(text)


@pytest.mark.parametrize("side", [100, 225, 2048])
def test_impossible_inputs_are_refused(side: int) -> None:
    with pytest.raises(RecipeUnusable, match="224 to 1024"):
        Recipe(input_size=side)
    with pytest.raises(RecipeUnusable, match="strength"):
        Recipe(head=HeadSettings(strengths=()))
