"""Page Import in the real window: bad input is said, rows are filtered, cancelled work goes on later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from pytestqt.qtbot import QtBot

from fineray_desktop.importing.page import DropZone, ImportPage
from fineray_desktop.main_window import MainWindow
from tests.support.images import write_image
from tests.support.replicas import chexpert
from tests.support.window import MINUTE, idle


def test_a_folder_without_a_readable_file_is_explained(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.start_page.create(tmp_path / "p")
    page = window.page("Import")
    assert isinstance(page, ImportPage)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/letter.txt").write_text("Dear colleague")
    page.import_folders([tmp_path / "docs"])
    assert not page.choose_button.isEnabled()
    idle(window, qtbot)
    assert "None of the 1 files is an X-ray" in window.banner.text
    assert [page.table.index(0, column).data() for column in (1, 2)] == ["skipped", "Not a DICOM file"]
    assert page.choose_button.isEnabled()


def test_dropped_folders_are_imported_and_filtered(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    window.start_page.create(tmp_path / "p")
    page = window.page("Import")
    assert isinstance(page, ImportPage)
    (images() / "readme").write_text("x")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "images"))])
    zone = page.findChild(DropZone)
    assert zone is not None
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), copy, data, left, none)
    zone.dragEnterEvent(enter)
    assert enter.isAccepted()
    zone.dropEvent(QDropEvent(QPoint(5, 5).toPointF(), copy, data, left, none))
    idle(window, qtbot)
    assert "12 imported, 1 skipped, of 13 files" in page.summary.text()
    page.result_filter.setCurrentIndex(2)
    assert page.table.rowCount() == 1
    page.result_filter.setCurrentIndex(0)
    page.search.setText("bright")
    assert page.table.rowCount() == 6


@pytest.mark.integration
def test_a_cancelled_import_says_that_it_can_go_on(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    window.start_page.create(tmp_path / "p")
    page = window.page("Import")
    assert isinstance(page, ImportPage)
    folder = images(patients=60, each=5)
    page.import_folders([folder])
    qtbot.waitUntil(lambda: page.table.rowCount() > 0, timeout=MINUTE)
    qtbot.mouseClick(window.job_bar.cancel, Qt.MouseButton.LeftButton)
    idle(window, qtbot)
    kept = page.table.rowCount()
    assert 0 < kept < 300
    assert "Stopped; what was read is kept" in page.summary.text()
    page.import_folders([folder])
    idle(window, qtbot)
    assert page.table.counts()["imported"] == 300


@pytest.mark.integration
def test_the_doctor_shows_kinds_before_and_after(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    folder = images(patients=4, each=1)
    write_image(folder / "bright/inverse", patient="INV", number=1, PhotometricInterpretation="MONOCHROME1")
    window.start_page.create(tmp_path / "p")
    page = window.page("Import")
    assert isinstance(page, ImportPage)
    page.import_folders([folder])
    idle(window, qtbot)
    page.tabs.setCurrentIndex(1)
    doctor = page.doctor
    assert doctor.table.rowCount() == 3
    kinds = {(doctor.table.index(row, 0).data(), doctor.table.index(row, 3).data()) for row in range(3)}
    assert kinds == {("bright", "MONOCHROME2"), ("bright", "MONOCHROME1"), ("dark", "MONOCHROME2")}
    qtbot.waitUntil(lambda: not doctor.after.pixmap().isNull(), timeout=MINUTE)
    inverse = next(row for row in range(3) if doctor.table.index(row, 3).data() == "MONOCHROME1")
    shown = doctor.after.pixmap().cacheKey()
    doctor.view.selectRow(inverse)
    qtbot.waitUntil(lambda: doctor.after.pixmap().cacheKey() != shown, timeout=MINUTE)
    before, after = (each.pixmap().toImage().pixelColor(40, 40).lightness() for each in (doctor.before, doctor.after))
    assert abs(before - (255 - after)) < 40
    doctor.test_codecs()
    qtbot.waitUntil(lambda: "come out right" in doctor.result.text(), timeout=MINUTE)


@pytest.mark.integration
def test_closing_a_project_stops_its_job(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    window.start_page.create(tmp_path / "p")
    page = window.page("Import")
    assert isinstance(page, ImportPage)
    page.import_folders([images(patients=60, each=5)])
    qtbot.waitUntil(lambda: page.table.rowCount() > 0, timeout=MINUTE)
    window.session.close_project()
    idle(window, qtbot)
    assert window.session.project is None
    window.open_project(tmp_path / "p")
    assert 0 < page.table.rowCount() < 300


@pytest.mark.integration
def test_a_published_collection_is_noticed_shown_and_taken_over(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    chexpert(tmp_path / "set")
    window.start_page.create(tmp_path / "p")
    page = window.page("Import")
    assert isinstance(page, ImportPage)
    page.import_folders([tmp_path / "set"])
    idle(window, qtbot)
    assert page.collection.isVisible() and "looks like CheXpert" in page.collection.text.text()
    dialog = page.collection.ask()
    assert dialog is not None
    told = "\n".join(dialog.lines)
    assert "name 4 patients and 5 images" in told and "Edema 3" in told and "view1_frontal.jpg: 1." in told
    dialog.accept()
    idle(window, qtbot)
    state = window.session.state
    assert state is not None and state.counts.patients == 3 and state.counts.labelled == 5
    assert "Taken over. findings: 5 images; 3 patients." in page.collection.text.text()

    page.import_folders([tmp_path / "set"])
    idle(window, qtbot)
    assert page.collection.take_button.isVisible(), "it is offered anew"
    page.read_again()
    idle(window, qtbot)
    assert "5 imported" in page.summary.text()


@pytest.mark.integration
def test_a_folder_like_any_other_says_nothing(
    window: MainWindow, qtbot: QtBot, images: Callable[..., Path], tmp_path: Path
) -> None:
    window.start_page.create(tmp_path / "p")
    page = window.page("Import")
    assert isinstance(page, ImportPage)
    page.import_folders([images(patients=2, each=1)])
    idle(window, qtbot)
    assert not page.collection.isVisible()
