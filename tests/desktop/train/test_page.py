"""Page Train in the real window: settings, views, ranking, weights, controls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PySide6.QtWidgets import QLabel, QLineEdit
from pytestqt.qtbot import QtBot
from torchvision.models import get_model

from fineray.training.recipe import (
    FROM_SCRATCH,
    Recipe,
    Tuning,
    for_mode,
)
from fineray.training.results import Control
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from fineray_desktop.train.controls_dialog import ControlsDialog
from fineray_desktop.train.page import TrainPage
from fineray_desktop.train.rank_dialog import RankDialog
from fineray_desktop.train.recipe_dialog import RecipeDialog
from fineray_desktop.train.weights_dialog import WeightsDialog
from tests.support.window import MINUTE, idle


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot, trained: Path) -> TrainPage:
    window.open_project(trained)
    window.show_page("Train")
    page = window.page("Train")
    assert isinstance(page, TrainPage)
    idle(window, qtbot, 2 * MINUTE)
    return page


def _texts(page: TrainPage) -> str:
    return " ".join(each.text() for each in page.about.findChildren(QLabel))


def test_backbones_tell_where_they_come_from(page: TrainPage) -> None:
    assert page.start_button.isEnabled()
    assert "ImageNet" in _texts(page) and "3,371,008" in _texts(page) and "on this computer" in _texts(page)
    page.chooser.setCurrentIndex(page.chooser.findData("resnet50"))
    assert not page.start_button.isEnabled()
    assert "weights of ResNet-50 are not on this computer" in page.ready.text()


def test_what_learns_is_chosen_and_tuned(window: MainWindow, qtbot: QtBot, page: TrainPage) -> None:
    assert not page.epochs.isVisible() and page.recipe() == Recipe()
    page.mode.setCurrentIndex(2)
    assert page.recipe().mode == "scratch" and page.recipe().tuning == FROM_SCRATCH
    assert not page.frozen_stages.isVisible()
    page.mode.setCurrentIndex(1)
    page.frozen_stages.setValue(7)
    page.epochs.setValue(1)
    assert page.recipe().tuning == replace(Tuning(), frozen_stages=7, epochs=1)
    page.start()
    idle(window, qtbot, 2 * MINUTE)
    review = window.page("Review")
    assert isinstance(review, ReviewPage)
    qtbot.waitUntil(lambda: review.table.rowCount() == 32, timeout=MINUTE)
    assert review.chooser.currentText() == "run-002"
    assert page.aucs.text().count("Fold") == 4


@pytest.mark.integration
def test_settings_are_edited_and_views_of_ones_own_images_are_shown(
    window: MainWindow, qtbot: QtBot, page: TrainPage
) -> None:
    page.mode.setCurrentIndex(1)
    page.settings_button.click()
    dialog = page.findChild(RecipeDialog)
    assert dialog is not None and dialog.tabs.isTabEnabled(3)
    qtbot.waitUntil(lambda: dialog._views.count() == 12, timeout=MINUTE)
    first = dialog._views.itemAt(0).widget()
    assert isinstance(first, QLabel) and not first.pixmap().isNull()
    augment, tuning = dialog.forms["augment"], dialog.forms["tuning"]
    augment.controls["rotation"].setValue(20)  # type: ignore[union-attr]
    rate = tuning.controls["learning_rate"]
    assert isinstance(rate, QLineEdit)
    rate.setText("fast")
    dialog.accept()
    assert dialog.isVisible() and "no number" in dialog.problem.text()
    rate.setText("-1")
    dialog.accept()
    assert dialog.isVisible() and "“Learning rate”. It has to be a number, above 0" in dialog.problem.text()
    rate.setText("2e-3")
    qtbot.waitUntil(lambda: first is not dialog._views.itemAt(0).widget(), timeout=MINUTE)
    dialog.accept()
    assert page.recipe().tuning.learning_rate == 2e-3 and page.recipe().augment.rotation == 20
    assert "Rotation up to: 20" in page.changed.text() and "Learning rate: 0.002" in page.changed.text()
    page.mode.setCurrentIndex(0)
    assert page.recipe() == Recipe() and not page.changed.text()
    page.mode.setCurrentIndex(1)
    page.settings_button.click()
    again = page.findChildren(RecipeDialog)[-1]
    again.reset()
    again.accept()
    assert page.recipe() == for_mode("finetune")


@pytest.mark.integration
def test_a_rate_is_found_by_a_short_trial(window: MainWindow, qtbot: QtBot, page: TrainPage) -> None:
    page.mode.setCurrentIndex(1)
    page.frozen_stages.setValue(7)
    page.settings_button.click()
    dialog = page.findChild(RecipeDialog)
    assert dialog is not None
    dialog.find_rate.click()
    assert not dialog.find_rate.isEnabled()
    qtbot.waitUntil(dialog.find_rate.isEnabled, timeout=2 * MINUTE)
    dialog.accept()
    assert 1e-6 <= page.recipe().tuning.learning_rate <= 1
    assert dialog.rate_chart._points["Trial"][0][0] == pytest.approx(1e-6)


@pytest.mark.slow
def test_installed_backbones_are_compared_and_one_is_used(window: MainWindow, qtbot: QtBot, page: TrainPage) -> None:
    page.compare_button.click()
    dialog = page.findChild(RankDialog)
    assert dialog is not None and not dialog.use.isEnabled()
    dialog.start_button.click()
    qtbot.waitUntil(lambda: dialog.table.rowCount() == 3, timeout=2 * MINUTE)
    rows = [[dialog.table.item(row, column).text() for column in range(6)] for row in range(3)]
    assert {row[0] for row in rows} == {f"EfficientNet-Lite{number}" for number in range(3)}
    assert all(" to " in row[2] for row in rows) and "On 32 images" in dialog.note.text()
    dialog.table.selectRow(2)
    dialog.use.click()
    assert page.chooser.currentText() == rows[2][0]


@pytest.mark.integration
def test_weights_are_added_and_bad_files_are_explained(
    window: MainWindow, qtbot: QtBot, page: TrainPage, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    path = tmp_path / "hands.pth"
    torch.save(get_model("resnet18", num_classes=3).state_dict(), path)
    page.weights_button.click()
    dialog = page.findChild(WeightsDialog)
    assert dialog is not None
    dialog.add.click()
    assert "Choose a weight file" in dialog.note.text()
    dialog.file.setText(str(path))
    dialog.add.click()
    qtbot.waitUntil(lambda: "does not know this weight file" in dialog.note.text(), timeout=MINUTE)
    dialog.unknown.setChecked(True)
    dialog.backbone.setText("resnet18")
    dialog.add.click()
    assert "Write down a title" in dialog.note.text()
    dialog.title.setText("Hands")
    dialog.task.setText("Bone age")
    qtbot.waitUntil(dialog.add.isEnabled, timeout=MINUTE)
    dialog.add.click()
    qtbot.waitUntil(lambda: "Added: Hands" in dialog.note.text(), timeout=MINUTE)
    dialog.reject()
    page.chooser.setCurrentIndex(page.chooser.findData("Hands"))
    assert "Bone age" in _texts(page) and page.start_button.isEnabled()


@pytest.mark.slow
@pytest.mark.timeout(900)  # four trainings
def test_controls_are_shown_side_by_side(window: MainWindow, qtbot: QtBot, page: TrainPage) -> None:
    page.mode.setCurrentIndex(1)
    page.epochs.setValue(1)
    page.controls_button.click()
    qtbot.waitUntil(lambda: page.findChild(ControlsDialog) is not None, timeout=4 * MINUTE)
    dialog = page.findChild(ControlsDialog)
    assert dialog is not None and dialog.table.rowCount() == 4
    runs = [dialog.table.item(row, 3).text() for row in range(4)]
    assert runs == ["run-002", "run-003", "run-004", "run-005"]
    dialog.reject()
    unsound = ControlsDialog((Control("shuffled labels", "run-009", 0.9, 0.8, 1.0, False),), page)
    assert "does not cover 0.5" in unsound.verdict.text()
