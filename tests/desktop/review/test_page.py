"""Page Review: every figure follows cell, subgroup and operating point, and explanations, readings and reports work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from fineray.evaluation.choosing_point import apply_rule
from fineray.evaluation.operating_point import PointRule
from fineray.evaluation.wording import number
from fineray.project.attributes import attribute_values
from fineray.project.catalogue import image_rows
from fineray.project.changes import set_labels
from fineray.project.labels.readings import decisions, readings
from fineray.project.labels.revisions import revisions
from fineray.project.project import open_project
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.train import train
from fineray_desktop import keys
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.beside_dialog import BesideDialog
from fineray_desktop.review.compare_dialog import CompareDialog
from fineray_desktop.review.desk_dialog import DeskDialog
from fineray_desktop.review.map_dialog import MapDialog
from fineray_desktop.review.mean_map_dialog import MeanMapDialog
from fineray_desktop.review.page import ReviewPage
from fineray_desktop.review.report_dialog import ReportDialog, WrittenDialog
from tests.support.studies import Zoo, lend
from tests.support.window import MINUTE, idle


def _settled(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: page.state.judgement is not None and not page.busy, timeout=MINUTE)


def _listed(page: ReviewPage) -> list[int]:
    return [page.table.image(row) for row in range(page.table.rowCount())]


def test_the_cell_of_false_negatives_lists_exactly_those_images(page: ReviewPage, qtbot: QtBot) -> None:
    predictions = page.state.predictions
    assert predictions is not None
    for true, predicted in ((1, 0), (0, 1), (0, 0)):
        qtbot.mouseClick(page.matrix, Qt.MouseButton.LeftButton, pos=page.matrix.cell_center(true, predicted))
        wanted = predictions.images[(predictions.true == true) & (predictions.predicted == predicted)]
        assert set(_listed(page)) == set(wanted.tolist())
    assert len(wanted)
    page.clear_button.click()
    page.overview.wrong_button.click()
    wrong = set(predictions.images[predictions.true != predictions.predicted].tolist())
    assert set(_listed(page)) == wrong and wrong
    scores = [float(page.table.index(row, 4).data()) for row in range(page.table.rowCount())]
    assert scores == sorted(scores, reverse=True), "the most confident first"


def test_moving_the_operating_point_changes_each_figure_as_scikit_learn_has_it(page: ReviewPage, qtbot: QtBot) -> None:
    predictions = page.state.predictions
    assert predictions is not None
    truth, scores = predictions.true, predictions.probabilities[:, 1]
    shown = page.overview.figures
    for step in (250, 480, 520, 700):
        page.overview.point.slider.setValue(step)
        calls = (scores >= step / 1000).astype(int)
        expected = {
            "sensitivity": recall_score(truth, calls),
            "specificity": recall_score(truth, calls, pos_label=0),
            "accuracy": accuracy_score(truth, calls),
            "f1": f1_score(truth, calls),
            "balanced_accuracy": balanced_accuracy_score(truth, calls),
            "auc": roc_auc_score(truth, scores),
        }
        if 0 < calls.sum() < len(calls):
            expected["ppv"] = precision_score(truth, calls)
            expected["npv"] = precision_score(truth, calls, pos_label=0)
            expected["mcc"] = matthews_corrcoef(truth, calls)
            expected["kappa"] = cohen_kappa_score(truth, calls)
        for name, value in expected.items():
            assert shown.text(name) == number(float(value)), (step, name)
        assert [sum(row) for row in page.matrix._counts] == np.bincount(truth).tolist()
        assert page.matrix._counts[1][1] == int(calls[truth == 1].sum())
    assert "flatter" in page.overview.point.text.text(), "chosen on the very images that are judged"
    _settled(page, qtbot)
    judged = page.state.judgement
    assert judged is not None and judged.figures.sensitivity.low is not None
    assert "to" in page.overview.figures._cells["f1"][2].text()  # type: ignore[attr-defined]


@pytest.mark.integration
def test_a_rule_is_applied_to_each_fold_from_the_others(page: ReviewPage, qtbot: QtBot) -> None:
    predictions = page.state.predictions
    assert predictions is not None
    point = page.overview.point
    point.rule.setCurrentIndex(2)
    point.value.setValue(0.75)
    _settled(page, qtbot)
    expected = apply_rule(predictions, PointRule("sensitivity", "dark", 0.75))
    assert (page.state.predicted == expected.predicted).all()
    assert page.matrix._counts[1][1] == int(((expected.predicted == 1) & (predictions.true == 1)).sum())
    assert "by fold, each chosen on the others" in point.text.text()
    point.positive.setCurrentText("bright")
    _settled(page, qtbot)
    assert page.state.judgement is not None and page.state.judgement.positive == "bright"
    point.prevalence.setValue(10)
    _settled(page, qtbot)
    assert page.state.judgement.figures.ppv_there.value is not None
    assert page.overview.figures.text("ppv_there") == number(page.state.judgement.figures.ppv_there.value)


def test_a_subgroup_is_followed_by_list_matrix_and_curves(page: ReviewPage, qtbot: QtBot) -> None:
    predictions, project = page.state.predictions, page._session.project
    assert predictions is not None and project is not None
    makers = attribute_values(project, "manufacturer")
    acme = {image for image in predictions.images.tolist() if makers[image] == "ACME"}
    page.tabs.setCurrentIndex(2)
    place = page.subgroups.forest.line_center("manufacturer", "ACME").toPoint()
    qtbot.mouseClick(page.subgroups.forest, Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: set(_listed(page)) == acme, timeout=MINUTE)
    assert sum(map(sum, page.matrix._counts)) == len(acme) == 32
    assert page.bar.value.currentData() == "ACME" and "ACME" in page.shown.text()
    page.bar.choose_subgroup("", "")
    qtbot.waitUntil(lambda: page.subgroups.forest.isVisible() and page.table.rowCount() == 48, timeout=MINUTE)
    assert {key for key, _ in keys.SUBGROUPS} == {"↑ ↓", "Enter"}
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Return):
        qtbot.keyClick(page.subgroups.forest, key)
    qtbot.waitUntil(lambda: bool(page.state.view.attribute and page.state.view.value), timeout=MINUTE)
    _settled(page, qtbot)
    judged = page.state.judgement
    assert judged is not None and judged.images == 32
    assert sum(judged.curves.histogram.positive) + sum(judged.curves.histogram.negative) == 32
    page.bar.value.setCurrentIndex(0)
    qtbot.waitUntil(lambda: page.table.rowCount() == 48, timeout=MINUTE)
    page.bar.attribute.setCurrentIndex(0)
    assert not page.bar.value.isVisible()


def test_a_label_is_corrected_from_here_and_the_run_marked(page: ReviewPage, window: MainWindow, qtbot: QtBot) -> None:
    project = page._session.project
    assert project is not None
    assert not page.overview.older.isVisible()
    page.image_panel.tabs.setCurrentIndex(2)
    image = page.image_panel.image
    assert image is not None
    before = page.image_panel.label.currentText()
    page.image_panel.label.setCurrentIndex(1 - page.image_panel.label.currentIndex())
    page.image_panel.label.activated.emit(page.image_panel.label.currentIndex())
    qtbot.waitUntil(lambda: page.overview.older.isVisible(), timeout=MINUTE)
    assert "1 have been changed since" in page.overview.older.text()
    (revision,) = revisions(project, image)
    assert revision.before == before != revision.after
    page.list.setCurrentIndex(page.list.findData("changed"))
    assert _listed(page) == [image]
    assert "Changed" in page.image_panel.history.text()
    page.image_panel.note.setText("rotated")
    page.image_panel.note.editingFinished.emit()
    page.list.setCurrentIndex(page.list.findData("noted"))
    assert _listed(page) == [image]
    page.list.setCurrentIndex(page.list.findData("uncertain"))
    predictions = page.state.predictions
    assert predictions is not None
    gap = np.abs(predictions.probabilities[:, 1] - 0.5)
    assert _listed(page)[0] == int(predictions.images[np.argmin(gap)])
    page.list.setCurrentIndex(page.list.findData("doubtful"))
    qtbot.waitUntil(lambda: page._doubtful is not None, timeout=MINUTE)
    assert set(_listed(page)) == {each.image for each in page._doubtful or ()}
    window._undo()
    page.state.fresh_labels()
    qtbot.waitUntil(lambda: not page.overview.older.isVisible(), timeout=MINUTE)


@pytest.mark.integration
def test_an_overlay_shows_or_says_why_not(page: ReviewPage, qtbot: QtBot) -> None:
    panel = page.image_panel.explain
    panel.method.setCurrentIndex(1)
    qtbot.waitUntil(lambda: panel._found is not None, timeout=MINUTE)
    found = panel._found
    assert found is not None and found.held_out
    if found.problems:
        assert page.image.evidence is None and "not to be read" in panel.badge.text()
        panel.anyway_button.click()
    assert page.image.evidence is not None and page.image._overlay.isVisible()
    panel.opacity.setValue(30)
    assert page.image._overlay.opacity() == pytest.approx(0.3)
    page.image.turn()
    assert page.image._overlay.image.shape[0] == found.evidence.shape[1] * 8, "the overlay turns with the image"
    qtbot.keyClick(page.image, Qt.Key.Key_Right)
    assert page.image.evidence is None, "another image, another map"
    qtbot.waitUntil(lambda: panel._found is not None, timeout=MINUTE)
    panel.method.setCurrentIndex(0)
    assert page.image.evidence is None
    page._mean_map("dark")
    dialog = page.findChild(MeanMapDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: "Mean over 48 images" in dialog.text.text(), timeout=MINUTE)
    assert dialog.view.evidence is not None
    dialog.reject()


@pytest.mark.integration
def test_alike_images_and_the_map_lead_to_images(page: ReviewPage, qtbot: QtBot) -> None:
    page.image_panel.tabs.setCurrentIndex(1)
    near = page.image_panel.near
    qtbot.waitUntil(lambda: near.list.count() == 8, timeout=MINUTE)
    wanted = near.list.item(2).data(Qt.ItemDataRole.UserRole)
    near.list.itemActivated.emit(near.list.item(2))
    assert _listed(page) == [wanted] and page.image_panel.image == wanted
    page.clear_button.click()
    page._map()
    dialog = page.findChild(MapDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: "t-SNE" in dialog.text.text(), timeout=MINUTE)
    dialog.show_images.emit([wanted])
    assert _listed(page) == [wanted]
    dialog.reject()


@pytest.mark.integration
def test_the_reader_desk_hides_the_score_until_a_reading_is_saved(
    page: ReviewPage, window: MainWindow, qtbot: QtBot
) -> None:
    project, predictions = page._session.project, page.state.predictions
    assert project is not None and predictions is not None
    page._desk()
    desk = page.findChild(DeskDialog)
    assert desk is not None
    desk.next()
    assert desk.image is None and "signed" in desk.view.note.text()
    desk.reader.setText("AB")
    desk.next()
    image = desk.image
    assert image is not None
    row = predictions.images.tolist().index(image)
    score = f"{predictions.probabilities[row].max():.3f}"

    def visible() -> str:
        from PySide6.QtWidgets import QLabel

        return " ".join(each.text() for each in desk.findChildren(QLabel) if each.isVisible())

    assert score not in visible() and predictions.patients[row] not in visible() and "Model" not in visible()
    assert readings(project, "run-002") == []
    qtbot.keyClick(desk, Qt.Key.Key_2)
    assert score in visible() and "You: dark" in visible()
    (reading,) = readings(project, "run-002")
    assert (reading.reader, reading.image, reading.value) == ("AB", image, "dark")
    qtbot.keyClick(desk, Qt.Key.Key_1)
    assert len(readings(project, "run-002")) == 1, "a saved reading stays"
    for _ in range(14):
        desk.next_button.click()
        desk.save("dark")
    desk.tabs.setCurrentIndex(1)
    assert "AB and the labels: kappa" in desk.kappa.text() and "AB and the model: kappa" in desk.kappa.text()
    key = int(desk.differences.item(0, 0).text())
    desk.differences.selectRow(0)
    desk._decide_selected("dark")
    assert "needs a reason" in desk.decided.text()
    desk.reason.setText("seen again")
    desk.decider.setText("CD")
    desk._decide_selected("dark")
    (decision,) = decisions(project)
    assert (decision.image, decision.label, decision.decided, decision.decided_by) == (key, "bright", "dark", "CD")
    assert desk.differences.item(0, 4).text() == "dark"
    desk.reject()
    qtbot.waitUntil(lambda: page.overview.older.isVisible(), timeout=MINUTE)


@pytest.mark.integration
def test_runs_are_compared_and_their_differences_listed(page: ReviewPage, qtbot: QtBot) -> None:
    page._compare()
    dialog = page.findChild(CompareDialog)
    assert dialog is not None
    assert not dialog.scratch_button.isEnabled() and "No run of this project" in dialog.scratch_button.toolTip()
    qtbot.waitUntil(lambda: dialog.found is not None, timeout=MINUTE)
    found = dialog.found
    assert found is not None and [each.what for each in found.tests] == ["auc", "sensitivity", "specificity"]
    assert dialog.table.rowCount() == 3
    if found.differing:
        dialog.differ_button.click()
        assert set(_listed(page)) == set(found.differing)
    else:
        dialog.reject()


@pytest.mark.integration
def test_a_report_is_written_from_the_page(page: ReviewPage, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    page._report()
    dialog = page.findChild(ReportDialog)
    assert dialog is not None
    dialog.parts.setChecked(True)
    dialog.write(tmp_path / "report.pdf")
    idle(window, qtbot)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "report files" / "roc.svg").is_file()
    written = page.findChild(WrittenDialog)
    assert written is not None and written.path == tmp_path / "report.pdf"
    written.reject()


@pytest.mark.integration
def test_the_learning_curve_and_the_planner(page: ReviewPage, window: MainWindow, qtbot: QtBot) -> None:
    page.tabs.setCurrentIndex(3)
    assert "you need" in page.plan.answer.text()
    before = page.plan.answer.text()
    page.plan.wished.setValue(0.4)
    assert page.plan.answer.text() != before
    page.plan.learn_button.click()
    idle(window, qtbot)
    curve = page.plan._curve
    assert curve is not None and len(curve.points) >= 3
    assert [each.patients for each in curve.points] == sorted(each.patients for each in curve.points)
    assert page.plan.chart.isVisible() and "last step" in page.plan.learned.text()


def test_the_image_is_turned_measured_and_magnified(page: ReviewPage, qtbot: QtBot) -> None:
    view = page.image
    qtbot.waitUntil(lambda: not page.image_panel.cache.reading, timeout=MINUTE)
    wide, tall = view.shown_size
    qtbot.keyClick(view, Qt.Key.Key_T)
    assert view.shown_size == pytest.approx((tall, wide))
    qtbot.keyClick(view, Qt.Key.Key_H)
    assert "mirrored" in view._values.text()
    qtbot.keyClick(view, Qt.Key.Key_R)
    assert view.shown_size == (wide, tall) and not view.mirrored
    qtbot.keyClick(view, Qt.Key.Key_L)
    assert view.ruler.text == f"{0.3 * wide * 0.2:.1f} mm", "40 columns of 0.2 mm"
    qtbot.keyClick(view, Qt.Key.Key_L)
    assert not view.ruler.shown
    stated = view.window_level
    for key in (Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4):
        qtbot.keyClick(view, key)
        assert view.window_level != stated
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.window_level == stated
    qtbot.keyClick(view, Qt.Key.Key_M)
    middle = view._canvas.viewport().rect().center()
    qtbot.mouseMove(view._canvas.viewport(), middle + QPoint(3, 3))
    qtbot.mouseMove(view._canvas.viewport(), middle)
    view._pointed(view._canvas.mapToScene(middle))
    assert view.lens.isVisible() and not view.lens.pixmap().isNull()
    qtbot.keyClick(view, Qt.Key.Key_Z)
    box = view.canvas_box
    assert box.viewRect().width() == pytest.approx(box.rect().width(), rel=0.02), (
        "a pixel of the image is one of the screen"
    )


@pytest.mark.integration
def test_the_next_image_comes_from_the_cache(page: ReviewPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not page.image_panel.cache.reading, timeout=MINUTE)
    following = page.table.image(1)
    assert following in page.image_panel.cache._kept, "read ahead"
    page._step(1)
    assert page.image_panel.image == following and page.image.gray is page.image_panel.cache._kept[following].gray
    page._beside(following)
    dialog = page.findChild(BesideDialog)
    assert dialog is not None and dialog.windowTitle() == "Side by side"
    assert dialog is not None and dialog.other.count() == 1
    qtbot.waitUntil(lambda: dialog.right.gray is not None, timeout=MINUTE)
    dialog.reject()


@pytest.mark.integration
def test_three_classes_are_judged_one_against_the_rest(
    window: MainWindow, qtbot: QtBot, zoo: Zoo, tmp_path: Path, home: Path
) -> None:
    with open_project(lend(zoo.overlapping(), tmp_path / "three", home)) as project:
        rows = sorted(image_rows(project), key=lambda row: row.patient)
        set_labels(project, {row.id: "grey" for row in rows if int(row.patient[1:]) % 3 == 0}, "x")
        recipe = Recipe(head=HeadSettings(strengths=(1.0,), inner_folds=2), bootstrap=100)
        train(project, make_split(project, SplitPlan(folds=2)), recipe)
    window.open_project(tmp_path / "three")
    window.show_page("Review")
    page = window.page("Review")
    assert isinstance(page, ReviewPage)
    _settled(page, qtbot)
    predictions = page.state.predictions
    assert predictions is not None and predictions.classes == ("bright", "dark", "grey")
    assert not page.overview.point.rule.isEnabled() and not page.overview.point.slider.isEnabled()
    assert "most probable one counts" in page.overview.point.text.text()
    assert page.overview.overall.isVisible() and page.overview.overall.text("hand_till") != "not defined"
    mean = np.mean([roc_auc_score(predictions.true == n, predictions.probabilities[:, n]) for n in range(3)])
    assert page.overview.auc.text() == number(float(mean))
    for number_of, name in enumerate(predictions.classes):
        page.overview.point.positive.setCurrentText(name)
        area = roc_auc_score(predictions.true == number_of, predictions.probabilities[:, number_of])
        assert page.overview.figures.text("auc") == number(float(area))
    _settled(page, qtbot)
    assert page.state.judgement is not None and page.state.judgement.positive == "grey"


@pytest.mark.integration
def test_one_fold_alone_can_be_looked_at(page: ReviewPage, qtbot: QtBot) -> None:
    predictions = page.state.predictions
    assert predictions is not None
    page.bar.choose_subgroup("part", "2")
    qtbot.waitUntil(lambda: page.table.rowCount() < 48, timeout=MINUTE)
    assert set(_listed(page)) == set(predictions.images[np.array(predictions.parts) == "2"].tolist())
    assert page.bar.value.currentText().startswith("Fold 2 (")
    _settled(page, qtbot)
    assert page.state.judgement is not None and page.state.judgement.images == page.table.rowCount()
