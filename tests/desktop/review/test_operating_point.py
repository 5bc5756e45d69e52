"""The operating point in the window: no old figure under a new rule, and a choice that stays with its run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from sklearn.metrics import accuracy_score, recall_score

from fineray.errors import StorageUnavailable
from fineray.evaluation.choosing_point import apply_rule
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.evaluation.wording import number
from fineray.project.kept_point import kept_points, point_of
from fineray.project.project import open_project
from fineray.project.run_metrics import Frozen
from fineray.project.runs import (
    FROZEN,
    OPERATING_POINT,
    RunFolder,
    run,
    write_run,
)
from fineray_desktop.main_window import MainWindow
from fineray_desktop.models.run_predictions_model import WAIT
from fineray_desktop.predict.page import MOST_PROBABLE, THRESHOLD, PredictPage
from fineray_desktop.review.fading import is_faded
from fineray_desktop.review.overview import KINDS
from fineray_desktop.review.page import ReviewPage
from tests.support.images import write_image
from tests.support.window import MINUTE, idle, settled

OCCLUSION = 2


def _choose(page: ReviewPage, rule: PointRule) -> None:
    """As a user would: the rule, then its value."""
    panel = page.overview.point
    panel.rule.setCurrentIndex(KINDS.index(rule.kind))
    if panel.value.isVisible():
        panel.value.setValue(rule.value)


def _folder(page: ReviewPage) -> RunFolder:
    assert page.state.run is not None
    return page.state.run.folder


def _old(page: ReviewPage, rule: PointRule) -> list[str]:
    """What the page shows as current though it does not belong to the rule."""
    predictions = page.state.predictions
    assert predictions is not None
    predicted, true = apply_rule(predictions, rule).predicted, predictions.true
    counts = np.zeros((2, 2), dtype=int)
    np.add.at(counts, (true, predicted), 1)
    view, wrong = page.overview, []
    if not is_faded(page.matrix) and [list(row) for row in page.matrix._counts] != counts.tolist():
        wrong.append("matrix")
    if view.right_button.isEnabled() and f"{int(np.trace(counts)):,} right" not in view.right_button.text():
        wrong.append("right")
    if not is_faded(view.accuracy) and view.accuracy.text() != number(float(accuracy_score(true, predicted))):
        wrong.append("accuracy")
    for name, label in (("sensitivity", 1), ("specificity", 0)):
        if not is_faded(view.figures) and view.figures.text(name) != number(
            float(recall_score(true, predicted, pos_label=label))
        ):
            wrong.append(name)
    row_of = {image: row for row, image in enumerate(predictions.images.tolist())}
    for row in range(page.table.rowCount()):
        counts_as = predictions.classes[predicted[row_of[page.table.image(row)]]]
        if page.table.index(row, 3).data() not in (WAIT, counts_as):
            wrong.append(f"row {row}")
    shown = page.image_panel.image
    if shown is not None and "being worked out" not in page.image.title.text():
        counts_as = predictions.classes[predicted[row_of[shown]]]
        if f"Predicted {counts_as} " not in page.image.title.text():
            wrong.append("title")
    judged = page.state.judgement
    of_the_rule = judged is not None and sum(map(sum, judged.confusion)) == len(true)
    of_the_rule = of_the_rule and [list(line) for line in judged.confusion] == counts.tolist()  # type: ignore[union-attr]
    for name, parts in (
        ("curves", page.curves._cards),
        ("subgroups", [page.subgroups.forest]),
        ("plan", [page.plan.answer]),
    ):
        if not of_the_rule and not all(is_faded(part) for part in parts):
            wrong.append(name)
    return wrong


@pytest.mark.integration
def test_no_old_figure_stands_under_a_new_rule_and_figures_overtake_an_overlay(page: ReviewPage, qtbot: QtBot) -> None:
    panel = page.image_panel.explain
    panel.method.setCurrentIndex(OCCLUSION)
    job = panel.question._job
    assert job is not None
    with qtbot.waitSignal(job.reported, timeout=MINUTE):
        pass  # it is under way, and has far to go
    ended: list[str] = []
    job.stopped.connect(lambda: ended.append("overlay given up"))
    page.state.judged.connect(lambda: ended.append("judged" if panel._found is None else "overlay first"))
    assert _old(page, PointRule()) == []
    for rule in (
        PointRule("threshold", "dark", 0.45),
        PointRule("sensitivity", "dark", 0.9),
        PointRule("youden", "dark"),
        PointRule("specificity", "dark", 0.8),
        PointRule(),
    ):
        _choose(page, rule)
        assert page.state.view.rule == rule
        assert _old(page, rule) == [], "at once"
        if rule.kind not in ("threshold", "most probable"):
            assert page.table.index(0, 3).data() == page.table.index(0, 4).data() == WAIT
            assert "Being worked out" in page.shown.text() and "being worked out" in page.overview.point.text.text()
            assert is_faded(page.matrix) and is_faded(page.overview.figures)

        def done(rule: PointRule = rule) -> bool:
            assert _old(page, rule) == [], "in between"
            return page.state.judgement is not None

        qtbot.waitUntil(done, timeout=MINUTE)
        assert not is_faded(page.matrix) and not is_faded(page.overview.figures)
        assert not any(is_faded(each) for each in (*page.curves._cards, page.subgroups.forest, page.plan.answer))
        assert panel._found is None and panel.busy, "the overlay has its turn after the figures"
    assert ended[:2] == ["overlay given up", "judged"] and "overlay first" not in ended
    again = panel.question._job
    assert again is not None and again is not job
    with qtbot.waitSignal(again.stopped, timeout=MINUTE):
        panel.method.setCurrentIndex(0)
    assert not panel.busy


@pytest.mark.integration
def test_an_overlay_is_given_up_when_nobody_looks(page: ReviewPage, window: MainWindow, qtbot: QtBot) -> None:
    panel = page.image_panel.explain
    panel.method.setCurrentIndex(OCCLUSION)
    for leave, come_back in (
        (lambda: window.show_page("Train"), lambda: window.show_page("Review")),
        (lambda: page._step(1), lambda: None),
    ):
        job = panel.question._job
        assert job is not None
        with qtbot.waitSignal(job.reported, timeout=MINUTE):
            pass
        with qtbot.waitSignal(job.stopped, timeout=MINUTE):
            leave()
        come_back()
        assert panel.busy and panel.question._job not in (None, job), "asked again for what is looked at now"
    panel.method.setCurrentIndex(0)


def test_a_choice_stays_with_its_run(page: ReviewPage, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    rule, folder = PointRule("sensitivity", "dark", 0.75), _folder(page)
    _choose(page, rule)
    settled(page, qtbot)
    assert page.state.judgement is not None
    point = page.state.judgement.point
    kept = kept_points(folder)[""]
    assert (kept.rule, kept.point, kept.chosen_on) == (rule, point, "folds")
    assert "Kept with this run" in page.overview.point.text.text()
    window.session.close_project()
    window.open_project(tmp_path / "study")
    window.show_page("Review")
    settled(page, qtbot)
    assert page.state.view.rule == rule and page.overview.point.rule.currentData()[0] == "sensitivity"
    assert page.overview.point.value.value() == 0.75 and page.overview.point.value.isVisible()
    assert _old(page, rule) == [] and page.state.judgement.point == point
    page.chooser.setCurrentText("run-001")
    assert is_faded(page.matrix) and is_faded(page.overview.auc) and page.table.index(0, 3).data() == WAIT, (
        "not its own"
    )
    qtbot.waitUntil(lambda: page.state.run is not None and _folder(page).name == "run-001", timeout=MINUTE)
    settled(page, qtbot)
    assert page.state.view.rule == PointRule() and page.overview.point.rule.currentData()[0] == "most probable"
    predict = window.page("Predict")
    assert isinstance(predict, PredictPage)
    predict.run.setCurrentText("run-001")
    assert "most probable class" in predict.point.text()
    predict.run.setCurrentText("run-002")
    assert f"“dark” from {point.threshold:.3f} on (sensitivity of at least 0.75)" in predict.point.text()


@pytest.mark.integration
def test_predict_applies_the_runs_point_unless_another_is_chosen(
    page: ReviewPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    write_image(tmp_path / "new" / "image.dcm", patient="NEW", level=0.5)
    predict = window.page("Predict")
    assert isinstance(predict, PredictPage)
    predict.take(tmp_path / "new")
    _choose(page, PointRule("threshold", "dark", 0.0))
    settled(page, qtbot)
    window.show_page("Predict")
    assert "“dark” from 0.000 on" in predict.point.text(), "told while the page was there already"
    for choose, expected in (
        (lambda: None, OperatingPoint("dark", 0.0, "threshold given by hand")),
        (lambda: predict.rule.setCurrentIndex(MOST_PROBABLE), OperatingPoint()),
        (
            lambda: (predict.rule.setCurrentIndex(THRESHOLD), predict.threshold.setValue(1.0)),
            OperatingPoint("dark", 1.0, "threshold given by hand"),
        ),
    ):
        choose()
        assert predict.applied == expected
        predict.start_button.click()
        idle(window, qtbot)
        assert predict.found is not None and predict.found.point == expected
        assert expected.in_words() in predict.summary.text() and expected.in_words() in predict.point.text()
    assert predict.found.rows[0].predicted == "bright"
    assert point_of(_folder(page)).threshold == 0.0, "for this time only"


@pytest.mark.parametrize("leave", ["another run", "closing"])
def test_a_choice_by_hand_is_kept_also_when_one_leaves_at_once(
    page: ReviewPage, window: MainWindow, qtbot: QtBot, leave: str
) -> None:
    folder = _folder(page)
    page.overview.point.slider.setValue(430)
    assert not (folder.path / OPERATING_POINT).exists(), "not at every step of the slider"
    if leave == "another run":
        page.chooser.setCurrentText("run-001")
    else:
        window.session.close_project()
    assert kept_points(folder)[""].point == OperatingPoint("dark", 0.43, "threshold given by hand")


@pytest.mark.integration
def test_what_may_not_be_changed_is_looked_at_only(page: ReviewPage, qtbot: QtBot) -> None:
    folder, project = _folder(page), page._session.project
    assert project is not None
    project.read_only = StorageUnavailable("Only to be read", todo="")
    _choose(page, PointRule("threshold", "dark", 0.3))
    settled(page, qtbot)
    assert "not kept" in page.overview.point.text.text() and not (folder.path / OPERATING_POINT).exists()
    project.read_only = None
    fixed = OperatingPoint("dark", 0.6, "by hand")
    (folder.path / FROZEN).write_text(json.dumps(Frozen(fixed, "", "", {}).to_json()))
    _choose(page, PointRule("threshold", "dark", 0.4))
    settled(page, qtbot)
    assert "only looked at" in page.overview.point.text.text() and point_of(folder) == fixed
    page.refresh()
    qtbot.waitUntil(lambda: page.state.view.rule.kind == "fixed", timeout=MINUTE)
    settled(page, qtbot)
    assert page.state.point == fixed and page.overview.point.rule.currentData()[0] == "fixed"


def _made_like(root: Path, change: Callable[[RunFolder, Path], None]) -> str:
    """Another run: the newest, changed."""
    with open_project(root) as project:
        like = run(project, "run-002")

        def write(into: Path) -> None:
            for path in like.path.iterdir():
                shutil.copyfile(path, into / path.name)
            change(like, into)

        return write_run(project, write).name


@pytest.mark.integration
def test_each_finding_has_its_own_point(page: ReviewPage, qtbot: QtBot, tmp_path: Path) -> None:
    def two_findings(like: RunFolder, into: Path) -> None:
        one = like.predictions()
        truth = np.column_stack([one.true == 1, np.arange(len(one.true)) % 3 == 0]).astype(float)
        both = replace(one, classes=("dark", "nodule"), true=np.zeros_like(one.true), truth=truth)
        replace(both, probabilities=np.column_stack([one.probabilities[:, 1]] * 2)).save(into / "predictions.csv")
        made = like.metrics()
        figures = replace(made.figures, classes=("dark", "nodule"), multilabel=True, confusion=())
        (into / "metrics.json").write_text(json.dumps(replace(made, figures=figures).to_json()))

    name = _made_like(tmp_path / "study", two_findings)
    page.refresh(name)
    qtbot.waitUntil(lambda: page.state.run is not None and _folder(page).name == name, timeout=MINUTE)
    settled(page, qtbot)
    for finding, value in (("nodule", 0.3), ("dark", 0.7)):
        page.finding.setCurrentText(finding)
        qtbot.waitUntil(lambda finding=finding: page.state.view.finding == finding, timeout=MINUTE)
        assert page.state.view.rule == PointRule()
        _choose(page, PointRule("threshold", finding, value))
        settled(page, qtbot)
    page.finding.setCurrentText("nodule")
    qtbot.waitUntil(lambda: page.state.view.finding == "nodule", timeout=MINUTE)
    assert page.state.view.rule == PointRule("threshold", "nodule", 0.3)
    assert page.overview.point.value.value() == 0.3
    own = point_of(_folder(page))
    assert (own.of("nodule").threshold, own.of("dark").threshold) == (0.3, 0.7)


@pytest.mark.integration
def test_a_rule_that_cannot_be_applied_leaves_the_one_before(page: ReviewPage, qtbot: QtBot, tmp_path: Path) -> None:
    def one_part(like: RunFolder, into: Path) -> None:
        one = like.predictions()
        replace(one, parts=("test",) * len(one.parts)).save(into / "predictions.csv")

    name = _made_like(tmp_path / "study", one_part)
    page.refresh(name)
    qtbot.waitUntil(lambda: page.state.run is not None and _folder(page).name == name, timeout=MINUTE)
    settled(page, qtbot)
    by_hand = PointRule("threshold", "dark", 0.4)
    _choose(page, by_hand)
    settled(page, qtbot)
    with qtbot.waitSignal(page._session.failed, timeout=MINUTE):
        _choose(page, PointRule("youden", "dark"))
    settled(page, qtbot)
    assert page.state.view.rule == by_hand and page.overview.point.rule.currentData()[0] == "threshold"
    assert page.overview.point.value.value() == 0.4 and kept_points(_folder(page))[""].rule == by_hand
    assert not is_faded(page.matrix)
