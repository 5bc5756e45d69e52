"""The operating point that belongs to a run: kept, read back, applied, fixed, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from fineray.errors import StorageUnavailable
from fineray.evaluation.choosing_point import choose_point
from fineray.evaluation.operating_point import OperatingPoint, PointRule, RuleKind
from fineray.evaluation.predictions import Predictions
from fineray.project.chosen_point import point_by_rule
from fineray.project.kept_point import (
    KeptPoint,
    PointFixed,
    fixed_point,
    keep_point,
    kept_points,
    point_of,
    rule_of,
    write_kept,
)
from fineray.project.project import Project
from fineray.project.run_metrics import Frozen
from fineray.project.runs import (
    FROZEN,
    OPERATING_POINT,
    PACKAGE,
    VALIDATION_PREDICTIONS,
    RunDamaged,
    RunFolder,
    write_run,
)
from fineray.review.judging import predictions_at_point
from fineray.review.query import ReviewQuery

RULES = [
    PointRule("youden", "yes"),
    PointRule("sensitivity", "yes", 0.9),
    PointRule("specificity", "no", 0.9),
    PointRule("cost", "yes", 5.0),
    PointRule("threshold", "yes", 0.3),
]


@pytest.fixture
def make_run(project: Project, predicted: Callable[..., Predictions]) -> Callable[..., RunFolder]:
    """make_run(several=False): a run folder with predictions in three folds, without a model."""
    random = np.random.default_rng(3)
    truth = np.arange(120) % 2
    scores = np.clip(0.35 + 0.2 * truth + random.normal(0, 0.15, 120), 0.01, 0.99)
    one = predicted(truth.tolist(), scores.tolist(), parts=3)
    other = np.clip(0.25 + 0.1 * (np.arange(120) % 3 == 0) + random.normal(0, 0.1, 120), 0.01, 0.99)
    both = replace(
        one,
        classes=("effusion", "nodule"),
        true=np.zeros(120, dtype=np.int64),
        probabilities=np.column_stack([scores, other]),
        truth=np.column_stack([truth, np.arange(120) % 3 == 0]).astype(float),
    )

    def make(multilabel: bool = False) -> RunFolder:
        shown = both if multilabel else one

        def write(into: Path) -> None:
            shown.save(into / "predictions.csv")
            facts = {"classes": shown.classes, "multilabel": multilabel, "auc": {}, "split": {"kind": "folds"}}
            (into / "metrics.json").write_text(json.dumps(facts))

        return write_run(project, write)

    return make


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_a_kept_point_is_the_runs_own(project: Project, make_run: Callable[..., RunFolder], rule: PointRule) -> None:
    folder, another = make_run(), make_run()
    assert point_of(folder) == OperatingPoint() and rule_of(folder) == PointRule(), "a run of before has none"
    point = point_by_rule(folder, rule)
    assert point == choose_point(folder.predictions(), rule)
    keep_point(project, folder, rule, point)
    again = RunFolder(folder.path)
    assert point_of(again) == point == point_by_rule(again, None) and rule_of(again) == rule
    kept = kept_points(again)[""]
    assert kept.chosen_on == ("hand" if rule.kind == "threshold" else "folds") and kept.chosen
    assert kept_points(another) == {} and point_of(another) == OperatingPoint(), "another run inherits nothing"
    assert kept_points(make_run()) == {}, "nor does a later one"
    _, predicted = predictions_at_point(again, ReviewQuery(folder.name, rule_of(again), rule.positive))
    assert predicted.point == point
    if rule.kind != "threshold":
        assert set(predicted.thresholds) == {"1", "2", "3"}, "each fold is called by what the others say"
    keep_point(project, folder, PointRule(), OperatingPoint())
    assert not (folder.path / OPERATING_POINT).exists() and point_of(folder) == OperatingPoint()


def test_every_rule_that_can_be_chosen_was_tried() -> None:
    assert {rule.kind for rule in RULES} | {"most probable", "fixed"} == set(get_args(RuleKind))


def test_chosen_on_the_validation_part(project: Project, make_run: Callable[..., RunFolder]) -> None:
    folder, rule = make_run(), RULES[1]
    half = folder.predictions().only(np.arange(120) < 60)
    half.save(folder.path / VALIDATION_PREDICTIONS)
    point = point_by_rule(folder, rule)
    assert point == choose_point(half, rule)
    keep_point(project, folder, rule, point)
    assert kept_points(folder)[""].chosen_on == "validation"


def test_each_finding_has_its_own(project: Project, make_run: Callable[..., RunFolder]) -> None:
    folder = make_run(multilabel=True)
    shown = folder.predictions()
    rule = PointRule("sensitivity", "nodule", 0.9)
    point = choose_point(shown.finding("nodule"), rule)
    keep_point(project, folder, rule, point, "nodule")
    assert rule_of(folder, "nodule") == rule and rule_of(folder, "effusion") == PointRule()
    own = point_of(folder)
    assert own.of("nodule") == point and own.of("effusion") == OperatingPoint()
    assert own == OperatingPoint.from_json(json.loads(json.dumps(own.to_json())))
    named = own.names(shown.classes, shown.probabilities, multilabel=True)
    for row, (effusion, nodule) in enumerate(shown.probabilities.tolist()):
        there = [name for name, on in (("effusion", effusion >= 0.5), ("nodule", nodule >= point.threshold)) if on]
        assert named[row] == ("|".join(there) or "none")
    every = point_by_rule(folder, PointRule("youden"))
    assert set(every.findings) == {"effusion", "nodule"}
    assert every.of("effusion") == choose_point(shown.finding("effusion"), PointRule("youden", "effusion"))
    by_hand = point_by_rule(folder, PointRule("threshold", "", 0.2))
    assert {each.threshold for each in by_hand.findings.values()} == {0.2}
    assert {name: each.positive for name, each in by_hand.findings.items()} == {
        "effusion": "effusion",
        "nodule": "nodule",
    }
    keep_point(project, folder, PointRule(), OperatingPoint(), "nodule")
    assert kept_points(folder) == {}


def test_a_frozen_run_keeps_what_it_was_frozen_with(project: Project, make_run: Callable[..., RunFolder]) -> None:
    folder, rule = make_run(), RULES[0]
    keep_point(project, folder, rule, point_by_rule(folder, rule))
    fixed = OperatingPoint("yes", 0.25, "by hand")
    (folder.path / FROZEN).write_text(json.dumps(Frozen(fixed, "", "", {}).to_json()))
    with pytest.raises(PointFixed):
        keep_point(project, folder, PointRule("threshold", "yes", 0.9), OperatingPoint("yes", 0.9))
    assert point_of(folder) == fixed == fixed_point(folder) and rule_of(folder) == rule
    write_kept(folder, {})
    assert rule_of(folder) == PointRule("fixed", "yes", 0.25), "of a run frozen by an earlier version"
    _, predicted = predictions_at_point(folder, ReviewQuery(folder.name, rule_of(folder)))
    assert predicted.point == fixed and predicted.thresholds == {}


def test_a_brought_point_counts_until_another_is_chosen(project: Project, make_run: Callable[..., RunFolder]) -> None:
    folder, brought = make_run(), OperatingPoint("no", 0.7, "elsewhere")
    (folder.path / PACKAGE).write_text(json.dumps({"point": brought.to_json()}))
    assert point_of(folder) == brought and rule_of(folder) == PointRule("fixed", "no", 0.7)
    keep_point(project, folder, PointRule(), OperatingPoint())
    assert point_of(folder) == OperatingPoint() and rule_of(folder) == PointRule(), "a choice too, and it is kept"
    keep_point(project, folder, PointRule("fixed", "no", 0.7), brought)
    assert kept_points(folder) == {} and point_of(folder) == brought


def test_a_project_that_may_only_be_read_keeps_nothing(project: Project, make_run: Callable[..., RunFolder]) -> None:
    folder = make_run()
    project.read_only = StorageUnavailable("The disk may only be read", todo="Ask for the right to write.")
    with pytest.raises(StorageUnavailable):
        keep_point(project, folder, RULES[-1], OperatingPoint("yes", 0.3))
    assert not (folder.path / OPERATING_POINT).exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(format=2),
        lambda told: told.pop("points"),
        lambda told: told["points"][""]["point"].update(threshold=7),
        lambda told: told["points"][""].pop("rule"),
        lambda told: told["points"][""].update(rule={"kind": "youden", "extra": 1}),
    ],
)
def test_a_damaged_file_is_named(
    project: Project, make_run: Callable[..., RunFolder], change: Callable[[dict[str, Any]], object]
) -> None:
    folder = make_run()
    keep_point(project, folder, RULES[-1], OperatingPoint("yes", 0.3))
    told = json.loads((folder.path / OPERATING_POINT).read_text("utf-8"))
    assert told["format"] == 1 and told["points"][""]["point"] == {
        "positive": "yes",
        "threshold": 0.3,
        "chosen_by": "most probable class",
    }
    change(told)
    (folder.path / OPERATING_POINT).write_text(json.dumps(told))
    with pytest.raises(RunDamaged) as refused:
        point_of(folder)
    assert OPERATING_POINT in refused.value.where


def test_kept_points_survive_a_round_trip(make_run: Callable[..., RunFolder]) -> None:
    folder = make_run(multilabel=True)
    points = {
        name: KeptPoint(PointRule("cost", name, 3.5), OperatingPoint(name, 0.125, "least cost"), "folds", "2026-01-01")
        for name in ("effusion", "nodule")
    }
    write_kept(folder, points)
    assert kept_points(folder) == points
