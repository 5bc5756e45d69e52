"""The review's lists: filtered, sorted, a finding at a time, and without the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from fineray.project.catalogue import image_rows
from fineray.project.changes import set_labels
from fineray.project.label_sets import add_label_set, use_label_set
from fineray.project.project import open_project
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.train import train
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from tests.support.window import MINUTE, idle


def test_review_filters_and_sorts(window: MainWindow, qtbot: QtBot, trained: Path) -> None:
    window.open_project(trained)
    window.show_page("Review")
    page = window.page("Review")
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(lambda: page.table.rowCount() == 32, timeout=MINUTE)
    assert "none of whom the model had seen (4 folds by patient)" in page.overview.basis.text()
    patient = page.table.index(0, 1).data()
    page.search.setText(patient)
    assert page.table.rowCount() == 2
    page.clear_button.click()
    assert page.table.rowCount() == 32
    page.view.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    chances = [float(page.table.index(row, 4).data()) for row in range(32)]
    assert chances == sorted(chances, reverse=True)
    page.list.setCurrentIndex(1)
    wrong = page.table.rowCount()
    page.list.setCurrentIndex(2)
    assert wrong + page.table.rowCount() == 32
    qtbot.waitUntil(lambda: page.table.index(0, 0).data(Qt.ItemDataRole.DecorationRole) is not None, timeout=MINUTE)


@pytest.mark.integration
def test_review_shows_one_of_several_findings_at_a_time(window: MainWindow, qtbot: QtBot, trained: Path) -> None:
    with open_project(trained) as project:
        add_label_set(project, "signs", "multi")
        use_label_set(project, "signs")
        patients = sorted({row.patient for row in image_rows(project)})
        signs = ("effusion", "effusion|nodule", "nodule?", "none")
        labels = {row.id: signs[patients.index(row.patient) % 4] for row in image_rows(project)}
        set_labels(project, labels, "signs")
        recipe = Recipe(head=HeadSettings(strengths=(1.0,), inner_folds=2), bootstrap=100)
        train(project, make_split(project, SplitPlan(folds=2)), recipe)
    window.open_project(trained)
    window.show_page("Review")
    page = window.page("Review")
    assert isinstance(page, ReviewPage)
    idle(window, qtbot)
    qtbot.waitUntil(lambda: not page.busy, timeout=MINUTE)
    assert page.chooser.currentText() == "run-002" and page.finding.isVisible()
    assert [page.finding.itemText(number) for number in range(page.finding.count())] == ["effusion", "nodule"]
    assert page.table.rowCount() == 32
    page.finding.setCurrentIndex(1)
    qtbot.waitUntil(lambda: not page.busy, timeout=MINUTE)
    assert page.table.rowCount() == 24, "images on which the finding is doubtful judge nothing"
    page.chooser.setCurrentText("run-001")
    qtbot.waitUntil(lambda: not page.finding.isVisible() and page.table.rowCount() == 32, timeout=MINUTE)


@pytest.mark.integration
def test_review_without_the_files_shows_the_stored_pixels(
    window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "images").rename(tmp_path / "moved away")
    window.open_project(trained)
    window.show_page("Review")
    page = window.page("Review")
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(lambda: "Stored 8-bit copy" in page.image.note.text(), timeout=MINUTE)
    assert page.image.gray is not None
