"""Models at work in the window: new images looked at, watched, drift, given away, taken in, judged elsewhere."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from fineray.package.signature import make_key
from fineray.project.runs import runs
from fineray_desktop.main_window import MainWindow
from fineray_desktop.predict import give_dialog, taking
from fineray_desktop.predict.give_dialog import GiveDialog
from fineray_desktop.predict.page import PredictPage
from fineray_desktop.predict.taking import OpenedDialog
from fineray_desktop.predict.validate_dialog import ValidateDialog
from fineray_desktop.review.page import ReviewPage
from tests.support.images import write_image
from tests.support.window import idle


def predict_page(window: MainWindow, trained: Path, images: Path) -> PredictPage:
    window.open_project(trained)
    window.show_page("Predict")
    page = window.page("Predict")
    assert isinstance(page, PredictPage)
    page.take(images)
    return page


def new_images(folder: Path, number: int = 12) -> Path:
    for each in range(number):
        write_image(folder / f"{each:02d}.dcm", patient=f"NEW-{each}", level=0.7, Manufacturer="Another maker")
    return folder


def test_a_new_image_is_looked_at_with_its_evidence(
    window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path
) -> None:
    page = predict_page(window, trained, new_images(tmp_path / "new"))
    (tmp_path / "new" / "notes.txt").write_text("no image")
    page.begin()
    idle(window, qtbot)
    assert page.found is not None and page.found.drift is not None
    page.view.selectRow(3)
    qtbot.waitUntil(lambda: not page.image_panel.busy, timeout=30_000)
    assert page.image_panel.view.gray is not None and "03.dcm" in page.image_panel.view.title.text()
    assert page.image_panel.view.evidence is None and not page.image_panel.caution.isVisible()
    page.image_panel.heat.setChecked(True)
    assert page.image_panel.view.evidence is not None and page.image_panel.caution.isVisible()
    page.image_panel.view.step.emit(1)
    qtbot.waitUntil(
        lambda: "04.dcm" in page.image_panel.view.title.text() and not page.image_panel.busy, timeout=30_000
    )
    page.view.selectRow(12)
    assert page.image_panel.view.gray is None, "a text file has no image"
    (tmp_path / "new" / "05.dcm").unlink()
    page.view.selectRow(5)
    qtbot.waitUntil(lambda: not page.image_panel.busy, timeout=30_000)
    assert page.image_panel.view.gray is None, "the file has gone"
    differing = [line.what for line in page.found.drift.lines if line.differs]
    assert "Manufacturer" in differing and page.tabs.tabText(1) == f"Drift ({len(differing)})"
    assert "Manufacturer" in page.drift.summary.text() and page.drift.tree.topLevelItemCount() >= 5


@pytest.mark.integration
def test_the_band_is_weighed_out_of_sample(window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path) -> None:
    page = predict_page(window, trained, tmp_path)
    page.abstain.setChecked(True)
    page.low.setValue(0.3)
    page.high.setValue(0.7)
    qtbot.waitUntil(lambda: "Out of sample" in page.band_effect.text(), timeout=10_000)
    assert window.session.project is not None
    predictions = runs(window.session.project)[0].predictions()
    chance = predictions.probabilities[:, 1]
    answered = float((~((chance >= 0.3) & (chance < 0.7))).mean())
    assert f"{answered:.0%} (" in page.band_effect.text()
    page.low.setValue(0.8)
    assert "below the upper" in page.band_effect.text()


@pytest.mark.integration
def test_a_watched_folder_grows(window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path) -> None:
    images = new_images(tmp_path / "new", 2)
    page = predict_page(window, trained, images)
    page.watch.setChecked(True)
    page.begin()
    qtbot.waitUntil(lambda: page.found is not None and page.found.scored == 2, timeout=60_000)
    write_image(images / "later.dcm", patient="NEW-99", level=0.3)
    qtbot.waitUntil(lambda: page.found is not None and page.found.scored == 3, timeout=60_000)
    window.job_bar.cancel.click()
    idle(window, qtbot)
    assert page.found is not None and page.found.scored == 3, "what was found stays"


@pytest.mark.integration
def test_pictures_and_dicom_go_where_they_are_sent(
    window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path
) -> None:
    page = predict_page(window, trained, new_images(tmp_path / "new", 2))
    page.maps.setChecked(True)
    page.results.setChecked(True)
    page.begin(tmp_path / "out")
    idle(window, qtbot)
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(made) == 8 and made[0] == "00.dcm.heatmap.dcm"


@pytest.mark.integration
def test_a_model_goes_out_and_comes_in(
    window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path, monkeypatch: object
) -> None:
    page = predict_page(window, trained, new_images(tmp_path / "new", 2))
    told: list[object] = []
    monkeypatch.setattr(give_dialog, "written", lambda done, parent: told.append(done))  # type: ignore[attr-defined]
    monkeypatch.setattr(OpenedDialog, "open", lambda self: told.append(self))  # type: ignore[attr-defined]
    dialog = GiveDialog(window.session, page.run.currentText(), (0.4, 0.6), page)
    qtbot.addWidget(dialog)
    assert not dialog.choices.button(1).isEnabled(), "a capsule needs a frozen run"
    key = make_key(tmp_path / "key.pem", "secret")
    dialog.use_key(tmp_path / "key.pem", "secret")
    dialog.write(tmp_path / "model.frpkg")
    idle(window, qtbot)
    assert told[0].fingerprint == key.fingerprint and (tmp_path / "model.frpkg").is_file()  # type: ignore[attr-defined]
    page.begin()
    idle(window, qtbot)
    assert page.found is not None
    before = np.array([row.probabilities for row in page.found.rows])
    window.session.close_project()
    taking.take_package(window.session, tmp_path / "model.frpkg", window)
    idle(window, qtbot)
    assert isinstance(told[1], OpenedDialog)
    assert window.session.project is not None and window.session.project.root == tmp_path / "model"
    assert page.run.count() == 1 and "trained elsewhere" in page.point.text() and page.band == (0.4, 0.6)
    page.abstain.setChecked(False)
    page.begin()
    idle(window, qtbot)
    assert np.abs(np.array([row.probabilities for row in page.found.rows]) - before).max() <= 1e-5
    window.show_page("Review")
    review = window.page("Review")
    assert isinstance(review, ReviewPage) and review.chooser.count() == 0, "nothing was judged here yet"
    (tmp_path / "bad.frpkg").write_text("hello")
    taking.take_package(window.session, tmp_path / "bad.frpkg", window)
    idle(window, qtbot)
    assert "no package" in window.banner.text


@pytest.mark.integration
def test_labels_open_the_whole_review(window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path) -> None:
    images = tmp_path / "elsewhere"
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label"])
        for number in range(16):
            label = ("bright", "dark")[number % 2]
            level = 0.7 if label == "bright" else 0.3
            write_image(images / f"{number}.dcm", patient=f"EXT-{number}", number=number, level=level)
            table.writerow([f"{number}.dcm", label])
    page = predict_page(window, trained, images)
    dialog = ValidateDialog(window.session, page.run.currentText(), images, page)
    qtbot.addWidget(dialog)
    assert not dialog.start_button.isEnabled() and not dialog.own_button.isEnabled()
    dialog.take(tmp_path / "labels.csv", tmp_path / "validation")
    dialog.start()
    idle(window, qtbot)
    session = window.session
    assert session.project is not None and session.project.root == tmp_path / "validation", window.banner.text
    review = window.page("Review")
    assert isinstance(review, ReviewPage)
    qtbot.waitUntil(lambda: review.state.judgement is not None, timeout=60_000)
    assert review.state.judgement is not None and review.state.judgement.images == 16
    assert "external validation" in review.overview._how
    (folder,) = runs(session.project)
    assert folder.metrics().external.left_out == {"learned from": 0, "sealed elsewhere": 0, "other labels": 0}
