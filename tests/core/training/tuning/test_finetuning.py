"""Fine-tuning: what is frozen stays bit for bit, runs are out of sample and repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fineray.backbones.catalogue import DEFAULT_BACKBONE, backbone
from fineray.backbones.cutting import CannotCut, LearningPart, cut
from fineray.backbones.surgery import FeatureNetwork, pretrained
from fineray.evaluation.operating_point import OperatingPoint
from fineray.progress import (
    HeadStep,
    Monitor,
    Paused,
    ProgressEvent,
    Resumed,
    Validated,
)
from fineray.project.catalogue import labelled_images
from fineray.project.project import Project
from fineray.project.runs import RunFolder
from fineray.project.splits import Split, SplitPlan
from fineray.project.splitting.make import make_split
from fineray.project.splitting.sealing import seal_test
from fineray.training.choosing.controls import run_controls
from fineray.training.model import trained_model
from fineray.training.opening import freeze, open_test
from fineray.training.recipe import (
    FROM_SCRATCH,
    AugmentSettings,
    HeadSettings,
    LossSettings,
    Recipe,
    RecipeUnusable,
    Tuning,
)
from fineray.training.train import train
from fineray.training.tuning.finetuning import TrainingDiverged, Tuner, rate_share
from fineray.training.tuning.rate_finder import find_rate, steepest
from fineray.training.tuning.views import AugmentedViews
from tests.support.studies import Zoo
from tests.support.tiny import TINY, add_tiny, wild

QUICK = Tuning(frozen_stages=6, epochs=2, batch=8)
RECIPE = Recipe(
    mode="finetune",
    head=HeadSettings(strengths=(1.0,), inner_folds=2),
    augment=AugmentSettings(views=1),
    bootstrap=100,
    tuning=QUICK,
)
STAGES = backbone(DEFAULT_BACKBONE).stages
# Mechanics need no trained weights: three of the six stages of a tiny network learn.
SMALL = replace(RECIPE, backbone=TINY, tuning=replace(QUICK, frozen_stages=3))


@pytest.fixture
def study(zoo: Zoo, lent: Callable[[Path], Project], tmp_path: Path) -> Project:
    add_tiny(tmp_path)
    return lent(zoo.labelled(12, 2, features=True))


@pytest.fixture
def halves(study: Project) -> Split:
    return make_split(study, SplitPlan(folds=2))


@pytest.fixture(scope="module")
def whole() -> FeatureNetwork:
    return pretrained(backbone(DEFAULT_BACKBONE))[0]


class Stopper(Monitor):
    """Listens, and pauses once it has heard of so many steps."""

    def __init__(self, after: int = 10**9) -> None:
        self.heard: list[ProgressEvent] = []
        self.after = after

    def report(self, what: ProgressEvent) -> None:
        self.heard.append(what)

    def check(self) -> None:
        if sum(isinstance(what, HeadStep) for what in self.heard) > self.after:
            raise Paused

    def of(self, kind: type) -> list[ProgressEvent]:
        return [what for what in self.heard if isinstance(what, kind)]


def model(folder: RunFolder) -> bytes:
    return (folder.path / "network.safetensors").read_bytes() + (folder.path / "head.safetensors").read_bytes()


@pytest.mark.parametrize("stages", [0, 1, 4, 6, 8])
def test_both_sides_of_the_cut_give_the_features_of_the_whole(whole: FeatureNetwork, stages: int) -> None:
    frozen, learning = cut(whole, backbone(DEFAULT_BACKBONE), stages)
    images = torch.rand(3, 1, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        got = learning(*frozen(images)) if frozen else learning(images, images.new_zeros((3, 0)))
        torch.testing.assert_close(got, whole(images), rtol=1e-4, atol=1e-4)
    assert isinstance(learning, LearningPart)


def test_a_cut_outside_the_network_is_refused(whole: FeatureNetwork) -> None:
    for stages in (-1, len(STAGES)):
        with pytest.raises(CannotCut, match="cannot be frozen"):
            cut(whole, backbone(DEFAULT_BACKBONE), stages)


def test_a_tuned_run_is_out_of_sample_repeats_and_leaves_the_frozen_part_alone(
    study: Project, halves: Split, whole: FeatureNetwork
) -> None:
    first, second = (train(study, halves, RECIPE) for _ in range(2))
    assert first.predictions().patients == second.predictions().patients
    np.testing.assert_array_equal(first.predictions().probabilities, second.predictions().probabilities)
    assert model(first) == model(second)
    assert len(first.predictions().images) == 24
    before, after = whole.network.state_dict(), load_file(first.path / "network.safetensors")
    frozen = tuple(f"{name}." for stage in STAGES[:6] for name in stage.modules)
    assert not [name for name in after if name.startswith(frozen)], "frozen stages are not even written"
    changed = [name for name in after if not torch.equal(after[name], before[name])]
    assert changed and all(not name.endswith(("running_mean", "running_var")) for name in changed)
    images = labelled_images(study)
    again = trained_model(first).predict(study, images, Monitor())
    assert again.shape == (24, 2) and np.allclose(again.sum(axis=1), 1)
    assert not list(study.root.glob(".views-*")), "views go with the training"
    assert not list(study.runs_folder.glob(".unfinished-*")), "and so do checkpoints"


@pytest.mark.integration
def test_norms_take_the_images_statistics_where_wished_and_frozen_stages_never_do(
    study: Project, halves: Split, whole: FeatureNetwork
) -> None:
    done = train(study, halves, replace(RECIPE, tuning=replace(QUICK, norms="images")))
    before, after = whole.network.state_dict(), load_file(done.path / "network.safetensors")
    moved = {name for name in after if name.endswith("running_mean") and not torch.equal(after[name], before[name])}
    assert moved and not [name for name in moved if name.startswith("blocks.4")]


@pytest.mark.integration
def test_tuning_starts_from_the_head_of_the_frozen_features(study: Project, halves: Split) -> None:
    ear = Stopper()
    still = replace(RECIPE, tuning=replace(QUICK, learning_rate=1e-9, head_rate=1e-9, dropout=0.0))
    tuned = train(study, halves, still, monitor=ear).predictions()
    frozen = train(study, halves, replace(RECIPE, mode="frozen")).predictions()
    assert np.corrcoef(tuned.probabilities[:, 0], frozen.probabilities[:, 0])[0, 1] > 0.9
    losses = [step.training_loss for step in ear.of(HeadStep)]  # type: ignore[attr-defined]
    assert len(losses) == 2 * 2 * 1 + 2 * 3 and all(np.isfinite(losses))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"augment": AugmentSettings(views=0, test_views=2, crop=0.1, flip=True)},
        {"head": replace(SMALL.head, kind="mlp", hidden=8), "loss": LossSettings(kind="focal", balance="sampling")},
        {"head": replace(SMALL.head, kind="cosine"), "pooling": "mean and deviation"},
        {"input_size": 256, "tuning": replace(SMALL.tuning, gradual=True, source_pull=1.0)},
    ],
    ids=["fresh views", "mlp and focal", "cosine", "larger input"],
)
def test_settings_train_and_predict_again(study: Project, halves: Split, change: dict[str, object]) -> None:
    recipe = replace(SMALL, **{"tuning": replace(SMALL.tuning, epochs=1), **change})  # type: ignore[arg-type]
    folder = train(study, halves, recipe)
    images = labelled_images(study)
    one = trained_model(folder).predict(study, images, Monitor())
    np.testing.assert_allclose(one.sum(axis=1), 1)
    np.testing.assert_array_equal(one, trained_model(folder).predict(study, images, Monitor()))


def test_later_stages_learn_first_where_unfreezing_is_gradual(
    study: Project, halves: Split, whole: FeatureNetwork
) -> None:
    tuning = replace(SMALL.tuning, gradual=True, epochs=1, batch=4, averaging=0.0)
    heard = Stopper()
    groups: list[list[float]] = []
    step = Tuner.step

    def watched(self: Tuner, *given: object) -> float:
        value = step(self, *given)  # type: ignore[arg-type]
        groups.append([group["lr"] for group in self.optimiser.param_groups])
        return value

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tuner, "step", watched)
        train(study, halves, replace(SMALL, tuning=tuning), monitor=heard)
    first, last = groups[0], groups[2]
    assert first[1] > 0 and first[2] == first[3] == 0, "head and last stage first"
    assert all(rate > 0 for rate in last)


def test_from_scratch_starts_from_random_weights_with_the_same_split(study: Project, halves: Split) -> None:
    tuning = replace(FROM_SCRATCH, epochs=1, batch=8)
    done = train(study, halves, replace(SMALL, mode="scratch", tuning=tuning))
    assert done.metrics().mode == "scratch"
    assert len(done.predictions().images) == 24


@pytest.mark.slow
def test_anew_forgets_what_was_begun_and_another_recipe_never_sees_it(study: Project, halves: Split) -> None:
    with pytest.raises(Paused):
        train(study, halves, SMALL, monitor=Stopper(3))
    for other, anew in ((replace(SMALL, seed=1), False), (SMALL, True)):
        ear = Stopper()
        train(study, halves, other, anew, monitor=ear)
        assert not ear.of(Resumed)
    assert not list(study.runs_folder.glob(".unfinished-*"))


def test_early_stopping_keeps_the_best_epoch_and_calibrates(study: Project) -> None:
    split = make_split(study, SplitPlan("holdout", seed=1))
    ear = Stopper()
    tuning = replace(SMALL.tuning, epochs=6, patience=1, learning_rate=1e-7, head_rate=1e-7)
    folder = train(study, split, replace(SMALL, tuning=tuning), monitor=ear)
    epochs = [what.epoch for what in ear.of(Validated)]  # type: ignore[attr-defined]
    assert epochs and len(epochs) <= 6
    assert folder.metrics().temperature != 1.0, "validation data gave a temperature"
    folds = make_split(study, SplitPlan(folds=2))
    ear = Stopper()
    folder = train(study, folds, replace(SMALL, tuning=replace(SMALL.tuning, validation=0.34)), monitor=ear)
    assert {what.fold for what in ear.of(Validated)} == {0, 1, 2}  # type: ignore[attr-defined]


def test_a_full_memory_cuts_the_batch_and_goes_on(
    study: Project, halves: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = train(study, halves, SMALL)
    learning = AugmentedViews.learning
    sizes: list[int] = []

    def small(self: AugmentedViews, rows: np.ndarray, epoch: int) -> object:
        if len(rows) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.append(len(rows))
        return learning(self, rows, epoch)

    monkeypatch.setattr(AugmentedViews, "learning", small)
    cut_up = train(study, halves, replace(SMALL, bootstrap=101))
    assert set(sizes) == {2}
    one, two = load_file(plain.path / "network.safetensors"), load_file(cut_up.path / "network.safetensors")
    for name in one:
        torch.testing.assert_close(one[name].float(), two[name].float(), rtol=1e-2, atol=2e-3)
    monkeypatch.setattr(
        AugmentedViews, "learning", lambda self, rows, epoch: (_ for _ in ()).throw(torch.OutOfMemoryError("x"))
    )
    with pytest.raises(torch.OutOfMemoryError):
        train(study, halves, replace(SMALL, bootstrap=102))


def test_a_loss_that_is_no_number_stops_with_the_cause(study: Project, halves: Split) -> None:
    with pytest.raises(TrainingDiverged, match="The loss became") as caught:
        train(study, halves, wild(SMALL))
    assert "lower learning rate" in caught.value.todo


def test_a_tuned_run_opens_the_sealed_test_set(study: Project) -> None:
    seal_test(study, SplitPlan(test_share=0.25))
    name = train(study, make_split(study, SplitPlan(folds=2)), SMALL).name
    assert "network.safetensors" in freeze(study, name, OperatingPoint()).hashes
    assert open_test(study, name, Monitor()).figures.images == 6


def test_the_rate_finder_tries_rates_and_keeps_nothing(study: Project, halves: Split) -> None:
    curve = find_rate(study, halves, SMALL, Monitor())
    assert len(curve.rates) == len(curve.losses) > 10
    assert curve.rates[0] <= curve.suggested < curve.rates[-1]
    assert not list(study.runs_folder.glob("*"))
    with pytest.raises(RecipeUnusable, match="no learning rate"):
        find_rate(study, halves, replace(SMALL, mode="frozen"), Monitor())
    assert steepest([1e-4, 1e-3, 1e-2, 1e-1, 1.0], [1.0, 0.95, 0.3, 0.25, 9.0]) == pytest.approx(1e-2, rel=10)


@pytest.mark.slow
def test_controls_stand_beside_a_run_and_shuffled_labels_teach_nothing(study: Project, halves: Split) -> None:
    recipe = replace(RECIPE, mode="frozen", tuning=replace(QUICK, epochs=1))
    found = {control.what: control for control in run_controls(study, halves, recipe, Monitor())}
    assert list(found) == ["frozen", "unfrozen", "from scratch", "shuffled labels"]
    assert found["frozen"].auc is not None and found["frozen"].auc > 0.9
    shuffled = found["shuffled labels"]
    assert shuffled.low is not None and shuffled.high is not None
    assert shuffled.sound == (shuffled.low <= 0.5 <= shuffled.high)


def test_the_schedule_warms_up_and_ends_at_zero() -> None:
    rates = [rate_share(Tuning(warm_up=0.1), step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1, abs=0.01) and max(rates) == pytest.approx(1.0, abs=0.03)
    assert rates[99] < 0.01


@pytest.mark.parametrize("change", [{"epochs": 0}, {"slower": 0.0}, {"learning_rate": -1.0}, {"validation": 0.9}])
def test_impossible_tunings_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(RecipeUnusable):
        Recipe(mode="finetune", tuning=replace(Tuning(), **change))


def test_recipes_of_earlier_formats_say_so() -> None:
    old = '{"format": 1, "backbone": "efficientnet_lite0", "mode": "frozen", "strengths": [1.0], "inner_folds": 5}'
    with pytest.raises(RecipeUnusable, match="earlier version"):
        Recipe.from_json(old)
