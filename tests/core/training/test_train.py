"""Training on real files: features once, out-of-sample predictions only, a whole run on the disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fineray.backbones.weights import WeightsNotInstalled
from fineray.progress import (
    Cancelled,
    FoldDone,
    HeadStep,
    Monitor,
    Progress,
    ProgressEvent,
    StrengthTried,
)
from fineray.project.catalogue import labelled_images
from fineray.project.project import Project
from fineray.project.runs import runs
from fineray.project.splits import SplitPlan, parts
from fineray.project.splitting.make import make_split
from fineray.training import learners
from fineray.training.dataset import SplitOutdated
from fineray.training.features import STAGE_FEATURES
from fineray.training.head.head import Head
from fineray.training.preprocessing import to_input
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.train import train
from tests.support.studies import Zoo

QUICK = Recipe(head=HeadSettings(strengths=(1.0, 0.1), inner_folds=2), bootstrap=100)


class Recorder(Monitor):
    def __init__(self) -> None:
        self.reports: list[ProgressEvent] = []

    def report(self, what: ProgressEvent) -> None:
        self.reports.append(what)


@pytest.fixture
def study(zoo: Zoo, lent: Callable[[Path], Project]) -> Project:
    return lent(zoo.labelled(16, 2))


def test_a_run_in_folds_is_whole_and_out_of_sample(study: Project) -> None:
    split = make_split(study, SplitPlan(folds=4))
    monitor = Recorder()
    folder = train(study, split, QUICK, monitor=monitor)
    assert {path.name for path in folder.path.iterdir()} == {
        "head.safetensors",
        *(f"head-fold-{number}.safetensors" for number in range(1, 5)),
        "metrics.json",
        "predictions.csv",
        "recipe.json",
        "split.json",
    }
    predictions = folder.predictions()
    assert len(predictions.images) == 32
    part_of = parts(study, split)
    assert predictions.parts == tuple(part_of[image] for image in predictions.images.tolist())
    metrics = folder.metrics()
    assert metrics.figures.auc.value > 0.95, "bright and dark images are easy to tell apart"
    assert metrics.split.hash == split.hash
    assert metrics.backbone.weights_sha256.startswith("579344248a93")
    assert Recipe.from_json((folder.path / "recipe.json").read_text()) == QUICK
    assert Head.load(folder.path / "head.safetensors").state["weight"].shape == (2, 2096)
    assert json.loads((folder.path / "split.json").read_text())["plan"]["folds"] == 4
    done = [each for each in monitor.reports if isinstance(each, FoldDone)]
    assert [each.fold for each in done] == [1, 2, 3, 4]
    assert sum(each.images for each in done) == 32
    assert {each.fold for each in monitor.reports if isinstance(each, HeadStep)} == {0, 1, 2, 3, 4}
    assert {each.strength for each in monitor.reports if isinstance(each, StrengthTried)} == {1.0, 0.1}


def test_heads_never_see_the_patients_they_predict(study: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    split = make_split(study, SplitPlan(folds=4))
    learned: list[set[int]] = []
    fit = learners.fit_head

    def spy(examples, *rest, **more):  # type: ignore[no-untyped-def]
        learned.append(set(examples.groups.tolist()))
        return fit(examples, *rest, **more)

    monkeypatch.setattr(learners, "fit_head", spy)
    folder = train(study, split, QUICK)
    predictions = folder.predictions()
    numbers: dict[int, int] = {}
    for image in labelled_images(study):
        numbers.setdefault(image.patient_id, len(numbers))
    patient_of = {image.id: numbers[image.patient_id] for image in labelled_images(study)}
    for part, trained_on in zip("1234", learned, strict=False):
        held_out = {
            patient_of[image]
            for image, p in zip(predictions.images.tolist(), predictions.parts, strict=True)
            if p == part
        }
        assert held_out
        assert not held_out & trained_on
        assert held_out | trained_on == set(numbers.values())
    assert learned[4] == set(numbers.values()), "the final head learns from all"


def test_features_are_computed_once_for_each_content(study: Project) -> None:
    split = make_split(study, SplitPlan(folds=4))
    first, second = Recorder(), Recorder()
    one = train(study, split, QUICK, monitor=first)
    computed = [each for each in first.reports if isinstance(each, Progress) and each.stage == STAGE_FEATURES]
    assert computed[0].done == 0
    two = train(study, split, QUICK, monitor=second)
    again = [each for each in second.reports if isinstance(each, Progress) and each.stage == STAGE_FEATURES]
    assert [each.done for each in again] == [32]
    np.testing.assert_array_equal(one.predictions().probabilities, two.predictions().probabilities)
    assert [folder.name for folder in runs(study)] == ["run-002", "run-001"]


def test_a_holdout_is_judged_on_the_test_part_only(study: Project) -> None:
    split = make_split(study, SplitPlan("holdout"))
    predictions = train(study, split, QUICK).predictions()
    test = {image for image, part in parts(study, split).items() if part == "test"}
    assert set(predictions.images.tolist()) == test
    assert set(predictions.parts) == {"test"}


def test_cancelling_keeps_the_features_and_no_half_run(study: Project) -> None:
    split = make_split(study, SplitPlan(folds=4))

    class Impatient(Monitor):
        def __init__(self) -> None:
            self.computed = 0

        def report(self, what: ProgressEvent) -> None:
            if isinstance(what, Progress) and what.stage == STAGE_FEATURES:
                self.computed = what.done

        def check(self) -> None:
            if self.computed >= 16:
                raise Cancelled

    with pytest.raises(Cancelled):
        train(study, split, QUICK, monitor=Impatient())
    assert runs(study) == []
    assert not list(study.runs_folder.iterdir())
    monitor = Recorder()
    train(study, split, QUICK, monitor=monitor)
    computed = [each for each in monitor.reports if isinstance(each, Progress) and each.stage == STAGE_FEATURES]
    assert computed[0].done == 16


def test_labels_that_changed_and_weights_that_lack_are_said(study: Project) -> None:
    split = make_split(study, SplitPlan(folds=4))
    with pytest.raises(WeightsNotInstalled):
        train(study, split, Recipe(backbone="resnet50"))
    study.db.execute("DELETE FROM label WHERE image_id = 3")
    with pytest.raises(SplitOutdated):
        train(study, split, QUICK)


@pytest.mark.parametrize(("rows", "columns"), [(512, 512), (512, 300), (40, 512), (1, 7)])
def test_an_input_shows_the_whole_image(rows: int, columns: int) -> None:
    image = np.full((rows, columns), 200, np.uint8)
    square = to_input(image, 224)
    assert square.shape == (224, 224)
    assert square.dtype == np.uint8
    share = (square > 100).mean()
    assert share == pytest.approx(min(rows, columns) / max(rows, columns), abs=0.01)
