"""Labels and checks in the real window: what does not fit is said, keys label, everything is undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from fineray.project.labels.preview import FromTable
from fineray_desktop.curate.page import CuratePage
from fineray_desktop.main_window import MainWindow
from fineray_desktop.train.page import TrainPage
from tests.support.images import write_image
from tests.support.window import idle, imported, label_by_folder


def test_labels_that_do_not_fit_are_explained(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    page = imported(window, qtbot, tmp_path / "p", images())
    assert page.images.table.rowCount() == 12

    def preview(text: str) -> str:
        (tmp_path / "labels.csv").write_text(text)
        page.labels.preview(FromTable(tmp_path / "labels.csv"))
        idle(window, qtbot)
        return page.labels.text.text()

    preview("name\na\n")
    assert "The columns are name" in window.banner.text
    assert "Matched images: 0" in preview("name,kind\na,b\n")
    assert "No column names images of this project" in page.labels.warning.text()
    assert "Matched images: 0" in preview("patient_id,label\nNOBODY,x\n")
    assert not page.labels.apply_button.isEnabled()
    preview("patient_id,label\nPAT-0,x\nPAT-1,x\n")
    assert "training needs at least two classes" in page.labels.warning.text()
    page.labels.apply()
    idle(window, qtbot)
    assert "Every label says “x”" in window.banner.text
    rows = "".join(f"PAT-{number},{'x' if number else 'y'}\n" for number in range(6))
    preview(f"patient_id,label\n{rows}")
    assert "images of one patient only" in page.labels.warning.text()
    page.labels.apply()
    idle(window, qtbot)
    page.split.make()
    idle(window, qtbot)
    assert "Class “y” has images of 1 patient" in window.banner.text
    window.show_page("Train")
    train = window.page("Train")
    assert isinstance(train, TrainPage)
    assert not train.start_button.isEnabled()
    assert "split them by patient first" in train.ready.text()


@pytest.mark.integration
def test_checks_show_their_images_and_leave_them_out(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    folder = images(patients=24, each=2)
    write_image(folder / "dark/again", patient="PAT-0", number=0, level=0.75)
    page = imported(window, qtbot, tmp_path / "p", folder)
    label_by_folder(page, window, qtbot)
    assert page.checks.run_button.isEnabled()
    assert "Not checked yet" in page.checks.state.text()
    page.checks.run()
    idle(window, qtbot)
    page.tabs.setCurrentIndex(2)
    links = {each.text(): each for each in page.checks.findChildren(QPushButton)}
    assert "findings to look at" in page.checks.state.text()
    assert "Show 1 image" in links
    links["Show 1 image"].click()
    assert page.images.table.rowCount() == 1
    assert page.images._count.text() == "1 of 49 images"
    page.images.all_button.click()
    assert page.images.table.rowCount() == 49
    links["Leave out"].click()
    idle(window, qtbot)
    assert [page.images.table.index(row, 4).data() for row in range(49)].count("Left out") == 1
    assert window.undo_action.text() == "&Undo: Leaving out 1 image"
    window.undo_action.trigger()
    idle(window, qtbot)
    assert "Left out" not in {page.images.table.index(row, 4).data() for row in range(49)}


def test_labelling_by_keyboard_and_undo(window: MainWindow, qtbot: QtBot, trained: Path) -> None:
    window.open_project(trained)
    window.show_page("Curate")
    page = window.page("Curate")
    assert isinstance(page, CuratePage)
    idle(window, qtbot)
    labels = [page.images.table.index(row, 2).data() for row in range(32)]
    wanted = "dark" if labels[0] == "bright" else "bright"
    page.images.view.selectRow(0)
    page.images.view.setFocus()
    qtbot.keyClick(page.images.view, Qt.Key.Key_1 if wanted == "bright" else Qt.Key.Key_2)
    assert page.images.table.index(0, 2).data() == wanted
    assert page.images.selected() == [page.images.table.image(0)], "the selection stays"
    idle(window, qtbot)
    assert window.undo_action.text() == f"&Undo: Labelling 1 image “{wanted}”"
    page.images.view.selectAll()
    qtbot.keyClick(page.images.view, Qt.Key.Key_Delete)
    assert {page.images.table.index(row, 2).data() for row in range(32)} == {""}
    page.images.view.clearSelection()
    page.images.view.selectRow(3)
    qtbot.keyClick(page.images.view, Qt.Key.Key_X)
    assert page.images.table.index(3, 4).data() == "Left out"
    qtbot.keyClick(page.images.view, Qt.Key.Key_B)
    assert page.images.table.index(3, 4).data() != "Left out"
    for _ in range(4):
        idle(window, qtbot)
        window.undo_action.trigger()
    assert [page.images.table.index(row, 2).data() for row in range(32)] == labels
    for title in ("&Undo: Making a split", "&Undo: Labels for 32 images"):
        idle(window, qtbot)
        assert window.undo_action.text() == title
        window.undo_action.trigger()
    idle(window, qtbot)
    assert {page.images.table.index(row, 2).data() for row in range(32)} == {""}, "the first labels, before the change"
    assert not window.undo_action.isEnabled()


@pytest.mark.integration
def test_images_without_patients_are_asked_about(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for number in range(12):
        write_image(tmp_path / f"images/{number % 2}/{number}", patient="ANON", number=number)
    page = imported(window, qtbot, tmp_path / "p", tmp_path / "images")
    label_by_folder(page, window, qtbot)
    page.split.folds.setValue(2)
    page.split.make()
    idle(window, qtbot)
    assert "12 of 12 images carry a patient ID that is blank" in window.banner.text
    page.tabs.setCurrentIndex(1)
    assert page.split.nameless.isVisible()
    dialog = page.split.ask_patients()
    qtbot.waitUntil(dialog.apply_button.isEnabled)
    dialog.way.setCurrentIndex(dialog.way.findData("image"))
    qtbot.waitUntil(dialog.apply_button.isEnabled)
    assert "12 patients would be told apart; now it is 1." in dialog.said.text()
    dialog.apply_button.click()
    idle(window, qtbot)
    assert not page.split.nameless.isVisible()
    page.split.make()
    idle(window, qtbot)
    assert "12 patients in 12 groups" in page.split.state.text()
