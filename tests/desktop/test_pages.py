"""Pages in the real window: bad input is said in the window, filters filter, cancelled work goes on later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from fineray.project.catalogue import image_rows
from fineray.project.changes import set_labels
from fineray.project.label_sets import add_label_set, use_label_set
from fineray.project.labels.preview import FromFolders, FromTable
from fineray.project.project import open_project
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.train import train
from fineray_desktop.curate.page import CuratePage
from fineray_desktop.importing.page import DropZone, ImportPage
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from fineray_desktop.train.page import TrainPage
from tests.support.images import write_image
from tests.support.window import MINUTE, idle


def _imported(window: MainWindow, qtbot: QtBot, root: Path, folder: Path) -> CuratePage:
    """Page Curate of a new project that holds the folder's images."""
    window.start_page.create(root)
    importing = window.page("Import")
    assert isinstance(importing, ImportPage)
    importing.import_folders([folder])
    idle(window, qtbot)
    window.show_page("Curate")
    page = window.page("Curate")
    assert isinstance(page, CuratePage)
    idle(window, qtbot)
    return page


def _label_by_folder(page: CuratePage, window: MainWindow, qtbot: QtBot) -> None:
    page.labels.preview(FromFolders())
    idle(window, qtbot)
    page.labels.apply()
    idle(window, qtbot)


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


def test_labels_that_do_not_fit_are_explained(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    page = _imported(window, qtbot, tmp_path / "p", images())
    assert page.images.table.rowCount() == 12

    def preview(text: str) -> str:
        (tmp_path / "labels.csv").write_text(text)
        page.labels.preview(FromTable(tmp_path / "labels.csv"))
        idle(window, qtbot)
        return page.labels.text.text()

    preview("name,kind\na,b\n")
    assert "The columns are name, kind" in window.banner.text
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


def test_checks_show_their_images_and_leave_them_out(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    folder = images(patients=24, each=2)
    write_image(folder / "dark/again", patient="PAT-0", number=0, level=0.75)
    page = _imported(window, qtbot, tmp_path / "p", folder)
    _label_by_folder(page, window, qtbot)
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


def test_images_without_patients_are_asked_about(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for number in range(12):
        write_image(tmp_path / f"images/{number % 2}/{number}", patient="ANON", number=number)
    page = _imported(window, qtbot, tmp_path / "p", tmp_path / "images")
    _label_by_folder(page, window, qtbot)
    page.split.folds.setValue(2)
    page.split.make()
    idle(window, qtbot)
    assert "12 of 12 images carry a patient ID that is blank" in window.banner.text
    page.tabs.setCurrentIndex(1)
    assert page.split.identify_button.isVisible()
    page.split.rule.setCurrentIndex(2)
    page.split.identify()
    idle(window, qtbot)
    assert not page.split.identify_button.isVisible()
    page.split.make()
    idle(window, qtbot)
    assert "12 patients in 12 groups" in page.split.state.text()


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


def test_the_demo_opens_review(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.start_demo(tmp_path / "demo")
    assert not window.start_page.demo_button.isEnabled()
    idle(window, qtbot)
    page = window.page("Review")
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(page.isVisible, timeout=MINUTE)
    qtbot.waitUntil(lambda: page.table.rowCount() > 80, timeout=MINUTE)
    assert window.windowTitle() == "Demo project (synthetic) — Fineray"
