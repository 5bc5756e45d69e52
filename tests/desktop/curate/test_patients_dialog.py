"""Page Curate, Patients…: a folder is chosen on an example path, applied, corrected; hospitals are asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from fineray_desktop.curate.patients_dialog import PatientsDialog
from fineray_desktop.main_window import MainWindow
from tests.support.images import write_image
from tests.support.window import idle, imported


def _opened(window: MainWindow, qtbot: QtBot, page: object) -> PatientsDialog:
    dialog: PatientsDialog = page.split.ask_patients()  # type: ignore[attr-defined]
    qtbot.waitUntil(dialog.apply_button.isEnabled)
    return dialog


@pytest.mark.integration
def test_a_folder_is_chosen_on_an_example_path_and_corrected(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(24):
        path = tmp_path / f"set/train/patient{number // 2:05d}/study{number % 2 + 1}/view1.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(random.integers(0, 255, (24, 24), dtype=np.uint8)).save(path)
    page = imported(window, qtbot, tmp_path / "p", tmp_path / "set")
    page.tabs.setCurrentIndex(1)
    dialog = _opened(window, qtbot, page)
    dialog.way.setCurrentIndex(dialog.way.findData("folder"))
    chips = [each.text() for each in dialog.levels.buttons()]
    assert chips == ["train  ·  1", "patient00000  ·  12", "study1  ·  2"]
    assert dialog.levels.checkedId() == 3, "the folder that holds the file, unless told"
    qtbot.waitUntil(lambda: dialog.apply_button.isEnabled() and dialog.examples.rowCount() == 2)
    dialog.apply_button.click()
    idle(window, qtbot)
    assert window.session.state is not None and window.session.state.counts.patients == 2

    dialog = _opened(window, qtbot, page)
    assert dialog.levels.checkedId() == 3, "it begins with what holds"
    dialog.levels.button(2).click()
    qtbot.waitUntil(lambda: dialog.examples.rowCount() == 12)
    assert dialog.examples.item(3, 1).text() == "patient00003"
    assert "12 patients would be told apart; now it is 2." in dialog.said.text()
    table = tmp_path / "people.csv"
    rows = [f"patient{number // 2:05d}/study{number % 2 + 1}/view1.png,{number // 6}" for number in range(24)]
    table.write_text("\n".join(["file,patient number", *rows]))
    dialog.way.setCurrentIndex(dialog.way.findData("table"))
    assert "Choose the table" in dialog.said.text() and not dialog.apply_button.isEnabled()
    dialog.show_table(table)
    assert dialog.column.currentText() == "patient number"
    qtbot.waitUntil(lambda: "4 patients would be told apart" in dialog.said.text())
    dialog.way.setCurrentIndex(dialog.way.findData("name"))
    dialog.pattern.setText("(")
    qtbot.waitUntil(lambda: "cannot be understood" in dialog.said.text())
    assert not dialog.apply_button.isEnabled()
    dialog.pattern.setText("(patient[0-9]+)/")
    qtbot.waitUntil(dialog.apply_button.isEnabled)
    dialog.apply_button.click()
    idle(window, qtbot)
    assert window.session.state.counts.patients == 12 and not page.split.nameless.isVisible()


@pytest.mark.integration
def test_hospitals_that_share_numbers_are_asked_about(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for number in range(8):
        site = ("North", "South")[number % 2]
        write_image(tmp_path / f"films/{number}", patient=f"{number // 2 + 20}", number=number, InstitutionName=site)
    page = imported(window, qtbot, tmp_path / "p", tmp_path / "films")
    page.tabs.setCurrentIndex(1)
    question = "4 patient IDs occur at several institutions: are they the same people?"
    assert question in page.split.nameless.text()
    dialog = _opened(window, qtbot, page)
    assert dialog.question.text() == question and dialog.same.isVisible()
    dialog.same.setCurrentIndex(dialog.same.findData("site"))
    qtbot.waitUntil(lambda: "8 patients would be told apart" in dialog.said.text())
    qtbot.waitUntil(dialog.apply_button.isEnabled)
    dialog.apply_button.click()
    idle(window, qtbot)
    assert window.session.state is not None and window.session.state.counts.patients == 8
    assert not page.split.nameless.isVisible()
