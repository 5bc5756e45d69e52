"""Fine-tuning: what is frozen stays bit for bit, the cut proves itself, the run is out of sample and repeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.backbones.catalogue import DEFAULT_BACKBONE, backbone
from core.backbones.cutting import CannotCut, cut
from core.backbones.surgery import FeatureNetwork, pretrained
from core.evaluation.operating_point import OperatingPoint
from core.progress import Cancelled, HeadStep, Monitor, Report
from core.project.catalogue import labelled_images
from core.project.importing import import_folders
from core.project.labels import apply_labels, preview_folders
from core.project.project import Project
from core.project.sealing import seal_test
from core.project.splits import SplitPlan
from core.project.splitting import make_split
from core.training.augmentation import Augmentation
from core.training.finetuning import Schedule, TrainingDiverged
from core.training.predicting import probabilities_of
from core.training.recipe import FROM_SCRATCH, Recipe, RecipeUnusable, Tuning
from core.training.sealed_test import freeze, open_test
from core.training.training import train

QUICK = Tuning(frozen_stages=6, epochs=2, batch=8, views=1)
RECIPE = Recipe(mode="finetune", strengths=(1.0,), inner_folds=2, bootstrap=100, tuning=QUICK)


@pytest.fixture
def study(project: Project, films: Callable[..., Path]) -> Project:
    import_folders(project, [films(patients=12, each=2)], Monitor())
    apply_labels(project, preview_folders(project))
    return project


@pytest.fixture(scope="module")
def whole() -> FeatureNetwork:
    network, _ = pretrained(backbone(DEFAULT_BACKBONE))
    assert isinstance(network, FeatureNetwork)
    return network


@pytest.mark.parametrize("stages", [0, 1, 4, 6, 8])
def test_both_sides_of_the_cut_give_the_features_of_the_whole(whole: FeatureNetwork, stages: int) -> None:
    chosen = backbone(DEFAULT_BACKBONE)
    frozen, learning = cut(whole, chosen, stages)
    images = torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        got = learning(*frozen(images)) if frozen else learning(images, images.new_zeros((3, 0)))
        torch.testing.assert_close(got, whole(images), rtol=1e-4, atol=1e-4)
    learned = sum(parameter.numel() for parameter in learning.parameters())
    assert learned == sum(stage.parameters for stage in chosen.stages[stages:])


def test_a_cut_outside_the_network_is_refused(whole: FeatureNetwork) -> None:
    chosen = backbone(DEFAULT_BACKBONE)
    for stages in (-1, len(chosen.stages)):
        with pytest.raises(CannotCut, match="cannot be frozen"):
            cut(whole, chosen, stages)


def test_a_tuned_run_is_out_of_sample_repeats_and_leaves_the_frozen_part_alone(
    study: Project, whole: FeatureNetwork
) -> None:
    split = make_split(study, SplitPlan(folds=2))
    first, second = (train(study, split, RECIPE, Monitor()) for _ in range(2))
    assert first.predictions().patients == second.predictions().patients
    np.testing.assert_array_equal(first.predictions().probabilities, second.predictions().probabilities)
    assert (first.path / "network.safetensors").read_bytes() == (second.path / "network.safetensors").read_bytes()
    assert len(first.predictions().images) == 24
    before, after = whole.network.state_dict(), load_file(first.path / "network.safetensors")
    frozen = tuple(f"{name}." for stage in backbone(DEFAULT_BACKBONE).stages[:6] for name in stage.modules)
    assert not [name for name in after if name.startswith(frozen)], "frozen stages are not even written"
    changed = [name for name in after if not torch.equal(after[name], before[name])]
    assert changed and all(not name.endswith(("running_mean", "running_var")) for name in changed)
    images = labelled_images(study)
    again = probabilities_of(study, first, images, Monitor())
    assert again.shape == (24, 2) and np.allclose(again.sum(axis=1), 1)
    assert not list(study.root.glob(".views-*")), "views go with the training"


def test_tuning_starts_from_the_head_of_the_frozen_features(study: Project) -> None:
    split = make_split(study, SplitPlan(folds=2))
    losses: list[float] = []

    class Ear(Monitor):
        def report(self, what: Report) -> None:
            if isinstance(what, HeadStep):
                losses.append(what.training_loss)

    still = replace(RECIPE, tuning=replace(QUICK, learning_rate=1e-9, head_rate=1e-9, dropout=0.0))
    tuned = train(study, split, still, Ear()).predictions()
    frozen = train(study, split, replace(RECIPE, mode="frozen"), Monitor()).predictions()
    assert np.corrcoef(tuned.probabilities[:, 0], frozen.probabilities[:, 0])[0, 1] > 0.9
    assert len(losses) == 2 * 2 * 1 + 2 * 3 and all(np.isfinite(losses))


def test_from_scratch_starts_from_random_weights_with_the_same_split(study: Project) -> None:
    tuning = replace(FROM_SCRATCH, epochs=1, batch=8, views=0)
    split = make_split(study, SplitPlan(folds=2))
    done = train(study, split, replace(RECIPE, mode="scratch", tuning=tuning), Monitor())
    assert done.metrics()["mode"] == "scratch"
    assert len(done.predictions().images) == 24


def test_training_can_be_cancelled_and_leaves_nothing(study: Project) -> None:
    split = make_split(study, SplitPlan(folds=2))

    class Impatient(Monitor):
        steps = 0

        def report(self, what: Report) -> None:
            self.steps += isinstance(what, HeadStep)

        def check(self) -> None:
            if self.steps > 1:
                raise Cancelled

    with pytest.raises(Cancelled):
        train(study, split, RECIPE, Impatient())
    assert not list(study.root.glob(".views-*")) and not list(study.runs_folder.iterdir())


def test_a_loss_that_is_no_number_stops_with_the_cause(study: Project) -> None:
    split = make_split(study, SplitPlan(folds=2))
    wild = replace(QUICK, learning_rate=1e18, head_rate=1e18, epochs=20, warm_up=0.0)
    with pytest.raises(TrainingDiverged, match="The loss became") as caught:
        train(study, split, replace(RECIPE, tuning=wild), Monitor())
    assert "lower learning rate" in caught.value.todo


def test_a_tuned_run_opens_the_sealed_test_set(study: Project) -> None:
    seal_test(study, SplitPlan(test_share=0.25))
    name = train(study, make_split(study, SplitPlan(folds=2)), RECIPE, Monitor()).name
    assert "network.safetensors" in freeze(study, name, OperatingPoint()).hashes
    assert open_test(study, name, Monitor())["images"] == 6


def test_views_stay_films_and_repeat_with_their_seed() -> None:
    film = np.zeros((64, 64), dtype=np.uint8)
    film[20:44, 20:30] = 200
    looks = [Augmentation(64, 3, flip=False)(film) for _ in range(2)]
    np.testing.assert_array_equal(*looks)
    many = Augmentation(64, 3, flip=False)
    for _ in range(30):
        look = many(film)
        assert look.dtype == np.uint8 and look.shape == film.shape
        columns = np.flatnonzero(look.max(axis=0) > 100)
        assert 10 < columns.mean() < 34, "the bar stays on its side: nothing is mirrored"


def test_the_schedule_warms_up_and_ends_at_zero() -> None:
    schedule = Schedule(Tuning(warm_up=0.1))
    rates = [schedule.rate(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1, abs=0.01) and max(rates) == pytest.approx(1.0, abs=0.03)
    assert rates[99] < 0.01


@pytest.mark.parametrize("change", [{"epochs": 0}, {"slower": 0.0}, {"learning_rate": -1.0}, {"views": 99}])
def test_impossible_tunings_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(RecipeUnusable):
        Recipe(mode="finetune", tuning=replace(Tuning(), **change))


def test_recipes_of_the_first_format_are_read() -> None:
    old = '{"format": 1, "backbone": "efficientnet_lite0", "mode": "frozen", "strengths": [1.0], "inner_folds": 5, '
    recipe = Recipe.from_json(old + '"seed": 3, "bootstrap": 2000}')
    assert (recipe.mode, recipe.seed, recipe.tuning) == ("frozen", 3, Tuning())
