"""Page Predict: a run applied to a folder, what it flags, and the table as a file."""

from __future__ import annotations

import csv
from pathlib import Path

from pytestqt.qtbot import QtBot

from fineray_desktop.main_window import MainWindow
from fineray_desktop.predict.page import PredictPage
from tests.support.images import write_image
from tests.support.window import idle


def test_a_run_is_applied_to_new_images(window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path) -> None:
    for number in range(3):
        write_image(tmp_path / "new" / f"{number}.dcm", patient=f"NEW-{number}", level=0.75)
    (tmp_path / "new" / "notes.txt").write_text("no image")
    window.open_project(trained)
    window.show_page("Predict")
    page = window.page("Predict")
    assert isinstance(page, PredictPage)
    assert not page.start_button.isEnabled() and "most probable class" in page.point.text()
    page.take(tmp_path / "new")
    page.start_button.click()
    idle(window, qtbot)
    assert page.found is not None and page.found.scored == 3
    assert [page.table.index(row, 1).data() for row in range(4)] == ["bright"] * 3 + ["not scored"]
    assert "3 images scored, 1 of 4 rows flagged" in page.summary.text()
    page.only_flagged.setChecked(True)
    assert page.table.rowCount() == 1 and "Not a DICOM file" in page.table.index(0, 3).data()
    page.write(tmp_path / "table.csv")
    idle(window, qtbot)
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 4
    page.abstain.setChecked(True)
    page.low.setValue(0.0)
    page.high.setValue(1.0)
    page.start_button.click()
    idle(window, qtbot)
    page.only_flagged.setChecked(False)
    assert {page.table.index(row, 1).data() for row in range(3)} == {"no answer"}


def test_without_a_run_the_page_says_what_to_do(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.start_page.create(tmp_path / "p")
    window.show_page("Predict")
    page = window.page("Predict")
    assert isinstance(page, PredictPage)
    assert page._body.currentIndex() == 0
