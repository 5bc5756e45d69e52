"""Page Curate: label sets, readers, the wall over the table's selection, sealing and opening a test set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from fineray.project.blanking import blanked_regions
from fineray.project.changes import set_labels
from fineray.project.files.importing import import_folders
from fineray.project.label_sets import add_label_set
from fineray.project.labels.preview import FromAttribute, FromTable
from fineray.project.project import create_project, open_project
from fineray_desktop.curate.export_dialog import ExportDialog
from fineray_desktop.curate.image_dialog import ImageDialog
from fineray_desktop.curate.label_set_dialog import LabelSetDialog
from fineray_desktop.curate.page import CuratePage
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.overview import KINDS
from fineray_desktop.review.page import ReviewPage
from tests.support.window import MINUTE, idle, imported


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot, trained: Path) -> CuratePage:
    """Page Curate of a study of 32 images with a split and a run."""
    window.open_project(trained)
    window.show_page("Curate")
    found = window.page("Curate")
    assert isinstance(found, CuratePage)
    idle(window, qtbot)
    return found


def test_the_wall_shares_the_selection_of_the_table(window: MainWindow, qtbot: QtBot, page: CuratePage) -> None:
    wall, images = page.images.wall, page.images
    images.wall_button.click()
    assert wall.isVisible() and not images.view.isVisible()
    qtbot.mouseClick(wall.viewport(), Qt.MouseButton.LeftButton, pos=wall.tile(1).center())
    assert images.selected() == [images.table.image(1)]
    shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
    qtbot.mouseClick(wall.viewport(), Qt.MouseButton.LeftButton, shift, wall.tile(3).center())
    assert images.selected() == [images.table.image(row) for row in (1, 2, 3)]
    qtbot.mouseClick(wall.viewport(), Qt.MouseButton.LeftButton, control, wall.tile(2).center())
    assert sorted(images.selected()) == sorted(images.table.image(row) for row in (1, 3))
    qtbot.keyClick(wall, Qt.Key.Key_2)
    idle(window, qtbot)
    assert {images.table.row(row).label for row in (1, 3)} == {"dark"}
    qtbot.keyClick(wall, Qt.Key.Key_End)
    assert images.selected() == [images.table.image(31)]
    assert wall.tile(31).bottom() <= wall.viewport().height(), "the last tile is in sight"
    qtbot.keyClick(wall, Qt.Key.Key_A, control)
    assert len(images.selected()) == 32
    images.table_button.click()
    assert len(images.view.selectionModel().selectedRows()) == 32
    qtbot.waitUntil(lambda: images.thumbnails.get(images.table.image(0), images.table.place(0)) is not None)


def test_words_and_columns_narrow_the_search(page: CuratePage) -> None:
    images = page.images
    for text, expected in (("dark", 16), ("label:dark part:1", None), ("view:pa", 32), ("label:pa", 0), ("P00003", 2)):
        images.search.setText(text)
        shown = [images.table.row(row) for row in range(images.table.rowCount())]
        if expected is None:
            assert shown and all(each.label == "dark" and each.part == "1" for each in shown)
        else:
            assert len(shown) == expected, text


def test_uncertain_and_several_findings_by_keyboard(window: MainWindow, qtbot: QtBot, page: CuratePage) -> None:
    page.images.view.selectRow(0)
    first = page.images.selected()[0]
    qtbot.keyClick(page.images.view, Qt.Key.Key_U)
    idle(window, qtbot)
    assert page.images.table.row(0).label == "uncertain"
    assert "uncertain 1" in page.labels._now.text()
    assert "changed since this split" in page.split.state.text()
    dialog = LabelSetDialog(window.session.project, page)
    qtbot.addWidget(dialog)
    dialog.name.setText("label")
    dialog.accept()
    assert "exists already" in dialog.problem.text()
    dialog.name.setText("signs")
    dialog.kind.setCurrentIndex(1)
    dialog.classes.setText("effusion, nodule")
    dialog.made.connect(lambda name: window.session.data_changed.emit())
    dialog.accept()
    idle(window, qtbot)
    assert page.labels.sets.currentText() == "signs (several findings)"
    for keys, expected in (("2", "nodule"), ("1", "effusion|nodule"), ("2", "effusion|nodule?"), ("12", "effusion?")):
        for key in keys:
            qtbot.keyClick(page.images.view, key)
            idle(window, qtbot)
        assert page.images.table.row(0).label == expected
    assert page.images.selected() == [first]


@pytest.mark.integration
def test_another_column_of_the_table_goes_into_a_set_of_its_own(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    page = imported(window, qtbot, tmp_path / "p", images())
    rows = "".join(f"PAT-{number},{'a' if number < 3 else 'b'},{number % 2},{number % 3 - 1}\n" for number in range(6))
    (tmp_path / "labels.csv").write_text("patient_id,grade,effusion,nodule\n" + rows)
    page.labels.preview(FromTable(tmp_path / "labels.csv"))
    idle(window, qtbot)
    assert page.labels.into.text() == "grade"
    page.labels.apply()
    idle(window, qtbot)
    assert page.labels.sets.currentText() == "grade", "nothing was labelled before, so it is in use"
    page.labels.preview(FromTable(tmp_path / "labels.csv", ("effusion", "nodule")))
    idle(window, qtbot)
    page.labels.apply()
    idle(window, qtbot)
    assert [page.labels.sets.itemText(n) for n in range(3)] == ["label", "grade", "findings (several findings)"]
    page.labels.preview(FromAttribute("age_years", cut=50))
    idle(window, qtbot)
    assert "Matched images: 0" in page.labels.text.text(), "these images do not state an age"


@pytest.mark.integration
def test_two_readers_side_by_side(window: MainWindow, qtbot: QtBot, page: CuratePage) -> None:
    project = window.session.project
    assert project is not None
    other = add_label_set(project, "reader 2")
    labels = {page.images.table.image(row): page.images.table.row(row).label for row in range(32)}
    changed = min(labels)
    set_labels(project, labels | {changed: "uncertain"}, "x", other.id)
    window.session.data_changed.emit()
    idle(window, qtbot)
    page.tabs.setCurrentIndex(3)
    page.readers.compare()
    idle(window, qtbot)
    assert page.readers.figure.text() == "κ 0.94"
    assert "97% of 32 images" in page.readers.text.text()
    assert not page.images.view.isColumnHidden(3)
    page.readers.show_button.click()
    assert [page.images.table.image(row) for row in range(page.images.table.rowCount())] == [changed]
    assert page.images.table.row(0).other == "uncertain"
    page.readers.put_away.click()
    assert page.images.view.isColumnHidden(3)


@pytest.mark.integration
def test_seal_freeze_open(window: MainWindow, qtbot: QtBot, page: CuratePage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def press_first(box: QMessageBox) -> int:
        asked.append(box.text())
        monkeypatch.setattr(box, "clickedButton", lambda: box.buttons()[0], raising=False)
        return 0

    monkeypatch.setattr(QMessageBox, "exec", press_first)
    page.tabs.setCurrentIndex(1)
    page.seal.share.setCurrentIndex(1)
    page.seal.seal_button.click()
    idle(window, qtbot)
    assert "8 images of 4 patients" in page.seal.state.text() and "not opened yet" in page.seal.state.text()
    assert "Runs made before it was sealed" in page.seal.state.text()
    assert {page.images.table.index(row, 4).data() for row in range(32)} >= {"Sealed"}
    assert "sealed images changed" in page.split.state.text()
    page.split.folds.setValue(2)
    page.split.make()
    idle(window, qtbot)

    review = window.page("Review")
    assert isinstance(review, ReviewPage)
    qtbot.waitUntil(lambda: not review.busy, timeout=MINUTE)
    assert "trained before the test set was sealed" in review.sealed.text.text()
    train = window.page("Train")
    train.start()  # type: ignore[attr-defined]
    idle(window, qtbot)
    qtbot.waitUntil(lambda: review.chooser.currentText() == "run-002" and not review.busy, timeout=MINUTE)
    assert review.table.rowCount() == 24
    assert "Kept with the run: An image counts as its most probable class." in review.sealed.text.text()
    panel = review.overview.point
    panel.rule.setCurrentIndex(KINDS.index("sensitivity"))
    qtbot.waitUntil(lambda: not review.busy, timeout=MINUTE)
    assert "“dark” from" in review.sealed.text.text(), "what is chosen for the run is what would be frozen"
    review.sealed.freeze_button.click()
    idle(window, qtbot)
    assert "Frozen. An image counts as “dark” from" in review.sealed.text.text()
    assert "(sensitivity of at least 0.9)" in review.sealed.text.text()
    qtbot.waitUntil(lambda: not review.busy, timeout=MINUTE)
    assert review.state.view.rule.kind == "sensitivity" and "only looked at" in panel.text.text()
    review.sealed.open_button.click()
    idle(window, qtbot)
    qtbot.waitUntil(lambda: not review.busy, timeout=MINUTE)
    assert [question.split("?")[0] for question in asked] == [
        "Seal the test set",
        "Freeze model and operating point",
        "Open the sealed test set",
    ]
    assert review.judged_on.currentText() == "Sealed test set"
    assert review.table.rowCount() == 8
    assert "This was opening 1" in review.sealed.text.text()
    assert "opened 1 time" in page.seal.state.text()
    cells = review.matrix._counts
    assert sum(map(sum, cells)) == 8
    review.matrix.select((0, 0))
    assert review.table.rowCount() == cells[0][0], "the cells list what the operating point calls"
    review.judged_on.setCurrentIndex(0)
    qtbot.waitUntil(lambda: review.table.rowCount() == 24, timeout=MINUTE)


@pytest.mark.integration
def test_regions_are_drawn_and_images_exported_without_identity(
    window: MainWindow, qtbot: QtBot, page: CuratePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = window.session.project
    assert project is not None
    dialog = ImageDialog(window.session, page.images.table.image(0), "image", page)
    qtbot.addWidget(dialog)
    dialog.add_button.click()
    dialog._frames[0].setPos((0, 0))
    qtbot.waitUntil(lambda: dialog.view.gray is not None and len(dialog.view.gray.table) != 256, timeout=20_000)
    assert len(dialog.regions) == 1, "a frame stays when the full depth arrives"
    dialog.accept()
    [region] = blanked_regions(project, page.images.table.image(0))[page.images.table.image(0)]
    assert (region.y0, region.x0) == (0.0, 0.0) and 0.05 < region.y1 < 0.12

    said: list[str] = []
    monkeypatch.setattr(QMessageBox, "information", lambda parent, title, text: said.append(text))
    export = ExportDialog(window.session, window)
    qtbot.addWidget(export)
    export.accept()
    assert "Choose the folder" in export.problem.text()
    export.folder.setText(str(tmp_path / "out"))
    export.with_key.setChecked(True)
    export.key.setText(str(tmp_path / "out/key.json"))
    export.accept()
    assert "must not lie among the images" in export.problem.text()
    export.key.setText(str(tmp_path / "key.json"))
    export.passphrase.setText("a long passphrase")
    export.accept()
    assert "differ" in export.problem.text()
    export.again.setText("a long passphrase")
    export.accept()
    idle(window, qtbot)
    qtbot.waitUntil(lambda: bool(said))
    assert said == ["32 images exported without identity, 1 of them with letters blanked."]
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 32 and (tmp_path / "key.json").is_file()


@pytest.mark.integration
def test_another_project_never_shows_the_pictures_of_the_last(
    window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path, images: Callable[..., Path]
) -> None:
    """Found by the soak: until the new rows had come, old rows asked the new project's pixels for their pictures."""
    create_project(tmp_path / "small")
    with open_project(tmp_path / "small") as project:
        import_folders(project, [images(patients=2, each=1, folder="few")])
    window.open_project(trained)
    for name in ("Curate", "Review"):
        window.show_page(name)
        page = window.page(name)
        table = page.images.table if isinstance(page, CuratePage) else page.table
        qtbot.waitUntil(lambda table=table: table.rowCount() == 32, timeout=MINUTE)
        window.open_project(tmp_path / "small")
        assert table.rowCount() == 0, "before anything else happens"
        window.open_project(trained)
        qtbot.waitUntil(lambda table=table: table.rowCount() == 32, timeout=MINUTE)
