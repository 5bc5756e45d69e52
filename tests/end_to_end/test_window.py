"""The whole job in the real window, with the real worker process and real DICOM files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from fineray.project.labels.preview import FromTable
from fineray_desktop.curate.page import CuratePage
from fineray_desktop.importing.page import ImportPage
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from fineray_desktop.train.page import TrainPage
from tests.support.lateness import Lateness
from tests.support.window import MINUTE, idle


@pytest.mark.alone
def test_the_main_job_on_real_radiographs(window: MainWindow, qtbot: QtBot, tmp_path: Path, cxr: Path) -> None:
    session = window.session
    window.start_page.create(tmp_path / "study")
    assert session.project is not None

    page = window.page("Import")
    assert isinstance(page, ImportPage)
    with Lateness() as importing, qtbot.waitSignal(session.data_changed, timeout=MINUTE):
        page.import_folders([cxr])
    idle(window, qtbot)
    assert page.table.counts()["imported"] == 701
    assert "701 imported" in page.summary.text()
    page.table.save(tmp_path / "files.csv")
    with (tmp_path / "files.csv").open(newline="") as file:
        assert sum(row["result"] == "imported" for row in csv.DictReader(file)) == 701

    window.show_page("Curate")
    curate = window.page("Curate")
    assert isinstance(curate, CuratePage)
    curate.labels.preview(FromTable(cxr / "labels.csv"))
    qtbot.waitUntil(lambda: "Matched images: 701" in curate.labels.text.text(), timeout=MINUTE)
    assert "nothing is applied yet" in curate.labels.text.text()
    assert session.project.db.execute("SELECT count(*) FROM label").fetchone()[0] == 0
    with qtbot.waitSignal(session.data_changed, timeout=MINUTE):
        curate.labels.apply()
    idle(window, qtbot)
    with qtbot.waitSignal(session.data_changed, timeout=MINUTE):
        curate.split.make()
    idle(window, qtbot)
    assert "No patient stands on two sides" in curate.split.state.text()

    window.show_page("Train")
    train = window.page("Train")
    assert isinstance(train, TrainPage)
    qtbot.waitUntil(lambda: "CPU" in train.device.text() or "GPU" in train.device.text(), timeout=MINUTE)
    assert train.start_button.isEnabled()
    with Lateness() as training, qtbot.waitSignal(session.runs_changed, timeout=4 * MINUTE):
        qtbot.mouseClick(train.start_button, Qt.MouseButton.LeftButton)
        assert train.cancel_button.isEnabled()
    assert train.aucs.text().count("Fold") == 5
    assert importing.worst < 0.1, f"the window stood still for {importing.worst:.3f} s during the import"
    assert training.worst < 0.1, f"the window stood still for {training.worst:.3f} s during training"

    review = window.page("Review")
    assert isinstance(review, ReviewPage)
    qtbot.waitUntil(review.isVisible)
    qtbot.waitUntil(lambda: review.table.rowCount() == 701, timeout=MINUTE)
    metrics = session.project.runs_folder / "run-001" / "metrics.json"
    assert metrics.is_file()
    _review_works(review, qtbot)


def _review_works(review: ReviewPage, qtbot: QtBot) -> None:
    """Click the cell of false negatives, look at its images one after the other, change the window."""
    counts = review.matrix._counts
    qtbot.mouseClick(review.matrix, Qt.MouseButton.LeftButton, pos=review.matrix.cell_center(1, 0))
    assert review.table.rowCount() == counts[1][0] > 0
    listed = [[review.table.index(row, column).data() for column in (2, 3)] for row in range(review.table.rowCount())]
    assert not any(true == predicted for true, predicted in listed)
    first = review.view.currentIndex().row()
    qtbot.keyClick(review.image, Qt.Key.Key_Right)
    assert review.view.currentIndex().row() == first + 1
    # The reading process is up now and brings the image at the depth of its DICOM file.
    qtbot.waitUntil(lambda: not review.image_panel.cache.reading, timeout=MINUTE)
    assert review.image.gray is not None
    before = review.image.window_level
    center = QPoint(100, 100)
    viewport = review.image._canvas.viewport()
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=center)
    for step in range(1, 6):
        qtbot.mouseMove(viewport, center + QPoint(10 * step, 0))
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=center + QPoint(50, 0))
    assert review.image.window_level is not None
    assert before is not None
    assert review.image.window_level.width > before.width
    qtbot.keyClick(review.image, Qt.Key.Key_I)
    assert review.image.inverted
    qtbot.keyClick(review.image, Qt.Key.Key_R)
    assert review.image.window_level == before
    assert not review.image.inverted
    qtbot.mouseClick(review.matrix, Qt.MouseButton.LeftButton, pos=review.matrix.cell_center(1, 0))
    assert review.table.rowCount() == 701
