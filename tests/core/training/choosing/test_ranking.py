"""Ranking, transferability, search: figures against their definitions, and nobody looks at what is held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from fineray.progress import Monitor, ProgressEvent, Tried
from fineray.project.catalogue import labelled_images
from fineray.project.files.importing import import_folders
from fineray.project.project import Project
from fineray.project.splits import SplitPlan, parts
from fineray.project.splitting.make import make_split
from fineray.training.choosing import ranking, search
from fineray.training.choosing.ranking import NothingToRank, rank
from fineray.training.choosing.search import SearchLearner, parameters_of, suggested
from fineray.training.choosing.transferability import h_score, logme
from fineray.training.model import trained_model
from fineray.training.recipe import HeadSettings, Recipe, for_mode
from fineray.training.train import train
from tests.support.studies import Zoo

QUICK = Recipe(head=HeadSettings(strengths=(1.0, 0.1), inner_folds=2), bootstrap=100)


@pytest.fixture
def study(zoo: Zoo, lent: Callable[[Path], Project]) -> Project:
    return lent(zoo.labelled(12, 2, features=True))


@pytest.mark.parametrize(("images", "width"), [(60, 8), (25, 40)])
def test_logme_is_the_evidence_of_a_bayesian_linear_model(images: int, width: int) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(images, width))
    targets = (features[:, :1] + random.normal(size=(images, 1)) > 0).astype(np.float64)

    def evidence(log_alpha: float, log_beta: float) -> float:
        covariance = features @ features.T / np.exp(log_alpha) + np.eye(images) / np.exp(log_beta)
        return float(multivariate_normal(np.zeros(images), covariance).logpdf(targets[:, 0])) / images

    grid = np.linspace(-3, 8, 45)
    best = max(evidence(alpha, beta) for alpha in grid for beta in grid)
    assert logme(features, targets) == pytest.approx(best, abs=0.02)


def test_more_telling_features_score_higher() -> None:
    random = np.random.default_rng(1)
    labels = np.arange(200) % 2
    noise = random.normal(size=(200, 20))
    scores = []
    for strength in (0.0, 0.5, 2.0):
        features = noise + strength * labels[:, None]
        scores.append((logme(features, np.eye(2)[labels]), h_score(features, labels)))
    assert scores[0] < scores[1] < scores[2]
    assert 0 <= scores[0][1] < 0.5


def test_backbones_are_ranked_without_the_test_part(study: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    split = make_split(study, SplitPlan("holdout"))
    seen: set[int] = set()
    features_of = ranking.features_of

    def spy(project, images, *rest):  # type: ignore[no-untyped-def]
        seen.update(image.id for image in images)
        return features_of(project, images, *rest)

    monkeypatch.setattr(ranking, "features_of", spy)
    found = rank(study, split, ["efficientnet_lite0", "efficientnet_lite1"], Monitor())
    assert seen == {image for image, part in parts(study, split).items() if part != "test"}
    assert {each.backbone for each in found} == {"efficientnet_lite0", "efficientnet_lite1"}
    for each in found:
        assert each.auc is not None and each.auc > 0.8 and each.auc_low is not None and each.auc_high is not None
        assert each.auc_low <= each.auc <= each.auc_high
        assert np.isfinite([each.logme, each.h_score]).all() and each.seconds > 0 and each.images == len(seen)


def test_without_labels_there_is_nothing_to_rank(project: Project, images: Callable[..., Path]) -> None:
    import_folders(project, [images(patients=3, each=1)])
    with pytest.raises(NothingToRank):
        rank(project, None, ["efficientnet_lite0"], Monitor())


@pytest.mark.integration
def test_a_search_is_nested_and_its_model_predicts(study: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    split = make_split(study, SplitPlan(folds=2))
    looked: list[tuple[int, np.ndarray]] = []
    loss = SearchLearner._loss

    def spy(self, tried, learn, judge, fold, *rest):  # type: ignore[no-untyped-def]
        looked.append((fold, learn | judge))
        assert not (learn & judge).any()
        return loss(self, tried, learn, judge, fold, *rest)

    monkeypatch.setattr(SearchLearner, "_loss", spy)

    heard: list[ProgressEvent] = []

    class Ear(Monitor):
        def report(self, what: ProgressEvent) -> None:
            heard.append(what)

    folder = train(study, split, replace(QUICK, search_minutes=0.05), monitor=Ear())
    part_of = parts(study, split)
    held_out = {fold: {image for image, part in part_of.items() if part == str(fold)} for fold in (1, 2)}
    ids = [image.id for image in labelled_images(study)]
    for fold, rows in looked:
        if fold:
            assert not {ids[row] for row in np.flatnonzero(rows)} & held_out[fold], (
                "the fold's own patients are not seen"
            )
    assert {fold for fold, _ in looked} == {0, 1, 2}
    found = folder.metrics().search
    assert set(found) == {"0", "1", "2"} and all(each["trials"] >= 1 for each in found.values())
    assert any(isinstance(what, Tried) for what in heard)
    kept = Recipe.from_json((folder.path / "recipe.json").read_text("utf-8"))
    assert kept.head.kind == found["0"]["head"]
    assert trained_model(folder).predict(study, labelled_images(study), Monitor()).shape == (24, 2)


@pytest.mark.parametrize("mode", ["frozen", "finetune", "scratch"])
def test_the_search_begins_with_the_recipe_itself(mode: str) -> None:
    recipe = for_mode(mode)  # type: ignore[arg-type]
    assert suggested(search.optuna.trial.FixedTrial(parameters_of(recipe)), recipe, 9) == recipe
