"""A label table in the real window: each choice is previewed anew, with its rows; what is on show is applied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from fineray.project.catalogue import counts
from fineray_desktop.curate.page import CuratePage
from fineray_desktop.curate.table_dialog import TableDialog
from fineray_desktop.main_window import MainWindow
from tests.support.window import MINUTE, idle, imported


def _settled(dialog: TableDialog, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not dialog.busy, timeout=MINUTE)


def _check(dialog: TableDialog, *names: str) -> None:
    """Tick these label columns, and no others."""
    items = [dialog.choices.labels.item(line) for line in range(dialog.choices.labels.count())]
    for item in items:
        on = item.text() in names
        item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)


@pytest.mark.integration
def test_choices_are_previewed_and_applied(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    page = imported(window, qtbot, tmp_path / "p", images(patients=6, each=1))
    assert isinstance(page, CuratePage)
    book = Workbook()
    book.active.append(["note", "Note"])
    book.active.append(["x", "y"])
    sheet = book.create_sheet("reading")
    sheet.append(["patient", "score", "grade", "effusion", "nodule"])
    for number in range(6):
        sheet.append([f"pat-{number}", number, ("A", "a", "B", "b", "nan", "B")[number], number % 2, 1])
    book.save(tmp_path / "labels.xlsx")
    dialog = page.labels.look_at(tmp_path / "labels.xlsx")
    choices = dialog.choices
    _settled(dialog, qtbot)
    assert "one name" in dialog.summary.text() and not dialog.apply_button.isEnabled()
    assert [choices.sheet.itemText(line) for line in range(2)] == ["Sheet", "reading"]
    choices.sheet.setCurrentIndex(1)
    choices.sheet.activated.emit(1)
    _settled(dialog, qtbot)
    assert (choices.key.currentText(), choices.kind.currentData()) == ("patient", "patient_id")
    assert dialog.summary.text() == "No row labels an image yet."
    assert choices.rules["case"].text() == "Capital and small letters (5 more)"
    assert dialog.tabs.currentWidget() is dialog.missed
    assert "capital and small letters?" in dialog.missed.item(0, 3).text()
    choices.rules["case"].click()
    _settled(dialog, qtbot)
    assert dialog.summary.text() == "5 of 6 rows label 5 images, into “grade”."
    assert dialog.found.rowCount() == 5 and dialog.found.item(0, 4).text() == "PAT-0"
    assert "nan (1)" in dialog.counts.text() and "A: 2 images of 2 patients" in dialog.counts.text()
    assert choices.mended["missing"].text().endswith("(1)")
    choices.mended["missing"].click()
    _settled(dialog, qtbot)
    assert "nan: 1 images" in dialog.counts.text()
    _check(dialog, "effusion", "nodule")
    _settled(dialog, qtbot)
    assert choices.into.text() == "findings" and "nodule: 6 images" in dialog.counts.text()
    project = window.session.project
    assert project is not None and counts(project).labelled == 0, "a preview applies nothing"
    qtbot.mouseClick(dialog.apply_button, Qt.MouseButton.LeftButton)
    _settled(dialog, qtbot)
    idle(window, qtbot)
    assert page.labels.sets.currentText() == "findings (several findings)"
    assert counts(project).labelled == 6


def test_a_table_that_cannot_be_read_says_why(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    page = imported(window, qtbot, tmp_path / "p", images(patients=2, each=1))
    (tmp_path / "labels.csv").write_text("patient_id,label,Label\nPAT-0,a,b\n")
    dialog = page.labels.look_at(tmp_path / "labels.csv")
    _settled(dialog, qtbot)
    assert "columns B and C" in dialog.summary.text() and "name of its own" in dialog.counts.text()
    assert not dialog.apply_button.isEnabled()
    dialog.reject()
