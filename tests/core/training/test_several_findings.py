"""Several findings that may stand side by side: split, learned, judged one by one, sealed, and read back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fineray.evaluation.choosing_point import choose_point
from fineray.evaluation.metrics import evaluate
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.evaluation.predictions import Predictions
from fineray.package.contents import export_package
from fineray.package.opening import open_package
from fineray.package.verifying import verify_package, verify_run
from fineray.progress import Monitor
from fineray.project.catalogue import image_rows, labelled_images
from fineray.project.changes import set_labels
from fineray.project.files.importing import import_folders
from fineray.project.kept_point import keep_point, point_of, rule_of
from fineray.project.label_sets import active_label_set, add_label_set, use_label_set
from fineray.project.project import Project, open_project
from fineray.project.runs import run
from fineray.project.splits import SplitPlan, parts
from fineray.project.splitting.make import make_split
from fineray.project.splitting.sealing import seal_test
from fineray.project.splitting.strata import strata_of_labels
from fineray.review.judging import judge
from fineray.review.query import ReviewQuery
from fineray.training.data import targets_of
from fineray.training.opening import freeze, freeze_by_rule, open_test
from fineray.training.recipe import (
    AugmentSettings,
    HeadSettings,
    LossSettings,
    Recipe,
    Tuning,
)
from fineray.training.train import train

RECIPE = Recipe(head=HeadSettings(strengths=(1.0, 0.1), inner_folds=2), bootstrap=100)


@pytest.fixture
def study(project: Project, images: Callable[..., Path]) -> Project:
    """Bright images show `effusion`; every third patient a doubtful `nodule`, every fourth a certain one."""
    import_folders(project, [images(patients=16, each=2)])
    add_label_set(project, "signs", "multi")
    use_label_set(project, "signs")
    patients = sorted({row.patient for row in image_rows(project)})
    for row in image_rows(project):
        number = patients.index(row.patient)
        pixels = project.pixels.read(row.stored_at)
        found = ["effusion"] if pixels.mean() > 110 else []
        found += ["nodule"] if number % 4 == 0 else ["nodule?"] if number % 3 == 0 else []
        set_labels(project, {row.id: "|".join(found) or "none"}, "signs")
    return project


def test_rare_findings_are_spread_over_the_folds(study: Project) -> None:
    split = make_split(study, SplitPlan(folds=2))
    part_of = parts(study, split)
    shown = {part_of[image.id] for image in labelled_images(study) if "nodule" in image.label.split("|")}
    assert shown == {"1", "2"}
    chosen = active_label_set(study)
    assert strata_of_labels(["effusion|nodule", "effusion", "effusion", "nodule?", "none"], chosen).tolist() == [
        *("nodule", "effusion", "effusion", "none", "none")
    ]


def test_doubtful_findings_are_left_out_or_softened_and_never_judge(study: Project) -> None:
    labels, chosen = ["effusion", "nodule?", "effusion?|nodule"], active_label_set(study)
    found = targets_of(labels, chosen, LossSettings())
    assert found.classes == ("effusion", "nodule")
    np.testing.assert_array_equal(found.judged, found.learned)
    np.testing.assert_array_equal(found.judged, [[1, 0], [0, np.nan], [np.nan, 1]])
    softened = targets_of(labels, chosen, LossSettings(uncertain="softened", certainty=0.8))
    np.testing.assert_array_equal(softened.learned, [[1, 0], [0, 0.8], [0.8, 1]])
    assert np.isnan(softened.judged).sum() == 2


@pytest.mark.parametrize("mode", ["frozen", pytest.param("finetune", marks=pytest.mark.integration)])
def test_each_finding_is_learned_and_judged(study: Project, mode: str) -> None:
    split = make_split(study, SplitPlan(folds=2))
    tuning = Tuning(frozen_stages=7, epochs=1, batch=8)
    loss = LossSettings(balance="weights", uncertain="softened")
    recipe = replace(RECIPE, mode=mode, tuning=tuning, loss=loss, augment=AugmentSettings(views=1))
    folder = train(study, split, recipe)
    predictions, found = folder.predictions(), folder.metrics().figures
    assert predictions.classes == ("effusion", "nodule") and predictions.truth is not None
    assert found.multilabel and set(found.findings) == {"effusion", "nodule"} and not found.confusion
    effusion = found.findings["effusion"]
    assert effusion.auc.value > 0.95 and effusion.images == 32
    doubtful = int(np.isnan(predictions.truth[:, 1]).sum())
    assert doubtful and found.findings["nodule"].images == 32 - doubtful
    assert found.auc.low <= found.auc.value <= found.auc.high
    mean = np.mean([each.auc.value for each in found.findings.values()])
    assert found.auc.value == pytest.approx(mean)


def test_predictions_survive_a_round_trip(tmp_path: Path) -> None:
    truth = np.array([[1.0, 0.0], [np.nan, 1.0], [0.0, 0.0]])
    chances = np.array([[0.9, 0.2], [0.4, 0.7], [0.1, 0.6]])
    kept = Predictions(
        ("a", "b"), np.arange(3), ("P", "Q", "R"), ("1",) * 3, np.zeros(3, dtype=np.int64), chances, truth
    )
    kept.save(tmp_path / "p.csv")
    again = Predictions.load(tmp_path / "p.csv")
    np.testing.assert_array_equal(again.truth, truth)  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.probabilities, chances)
    one = again.finding("a")
    assert one.classes == ("no a", "a") and one.images.tolist() == [0, 2] and one.true.tolist() == [1, 0]
    assert evaluate(again, resamples=100).findings["a"].auc.value == 1.0


def test_a_sealed_test_set_of_findings_opens(study: Project) -> None:
    seal_test(study, SplitPlan(test_share=0.25))
    name = train(study, make_split(study, SplitPlan(folds=2)), RECIPE).name
    freeze(study, name, OperatingPoint())
    figures = open_test(study, name, Monitor()).figures
    assert figures.multilabel and "effusion" in figures.findings and figures.images >= 6


def test_the_sealed_test_calls_each_finding_at_its_own_point(study: Project, tmp_path: Path) -> None:
    seal_test(study, SplitPlan(test_share=0.25))
    folder = train(study, make_split(study, SplitPlan(folds=2)), RECIPE)
    rule = PointRule("sensitivity", "nodule", 1.0)
    keep_point(study, folder, rule, choose_point(folder.predictions().finding("nodule"), rule), "nodule")
    effusion = PointRule("threshold", "effusion", 1.0)
    keep_point(study, folder, effusion, OperatingPoint("effusion", 1.0, "by hand"), "effusion")
    freeze_by_rule(study, folder.name, None)  # with what is kept
    point = folder.frozen()
    assert point is not None and point.point == point_of(folder)
    cut = point.point.of("nodule").threshold
    assert point.point.of("effusion").threshold == 1.0 and cut != 0.5
    figures = open_test(study, folder.name, Monitor())
    predictions = folder.test_predictions()
    unlike = 0
    for number, (name, threshold) in enumerate((("effusion", 1.0), ("nodule", cut))):
        shown = predictions.finding(name)
        counted = np.array(figures.figures.findings[name].confusion)
        chances = shown.probabilities[:, 1]
        for cutting, same in ((threshold, True), (0.5, False)):
            expected = np.zeros((2, 2), dtype=int)
            np.add.at(expected, (shown.true, (chances >= cutting).astype(int)), 1)
            if same:
                assert counted.tolist() == expected.tolist(), name
            else:
                unlike += counted.tolist() != expected.tolist()
        assert predictions.classes[number] == name
    assert unlike, "at one half the counts are others"
    with (folder.path / "test_predictions.csv").open(encoding="utf-8") as file:
        predicted = [row["predicted_findings"] for row in csv.DictReader(file)]
    assert predicted == point.point.names(predictions.classes, predictions.probabilities, multilabel=True)
    assert len(verify_run(folder)) == 3
    judged = judge(study, folder, ReviewQuery(folder.name, PointRule(), on_test=True, finding="nodule"), Monitor())
    assert [list(row) for row in judged.confusion] == [
        list(row) for row in figures.figures.findings["nodule"].confusion
    ]
    capsule = tmp_path / "c.frpkg"
    export_package(study, folder, capsule, kind="study")
    assert sum("follow from the predictions" in each.what for each in verify_package(capsule, Monitor())) == 2
    there = open_package(capsule, tmp_path / "there")
    with open_project(there.project) as project:
        assert point_of(run(project, there.run)) == point.point, "each finding's point travels along"


def test_a_rule_freezes_every_finding(study: Project) -> None:
    seal_test(study, SplitPlan(test_share=0.25))
    folder = train(study, make_split(study, SplitPlan(folds=2)), RECIPE)
    freeze_by_rule(study, folder.name, PointRule("youden"))
    own = point_of(folder)
    for name in ("effusion", "nodule"):
        assert own.of(name) == choose_point(folder.predictions().finding(name), PointRule("youden", name))
        assert rule_of(folder, name) == PointRule("youden", name), "held-out images are called fold by fold still"
