"""The first start, the tour, crash reports, and what a double click opens."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fineray.system.crash_report import (
    MOST_KEPT,
    keep_report,
    kept_reports,
    report_of,
)
from fineray_desktop.app import _report_fault, _to_open
from fineray_desktop.help.reports_dialog import ReportsDialog
from fineray_desktop.main_window import MainWindow
from fineray_desktop.start.tour import STEPS, Tour
from fineray_desktop.start.welcome import WelcomeDialog, projects_folder


def test_the_first_start_explains_the_device_and_is_shown_once(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = WelcomeDialog(window.session, window)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: bool(dialog.device_text.text()), timeout=60_000)
    assert "CPU" in dialog.device.text() or "GPU" in dialog.device.text()
    dialog.take(tmp_path / "studies")
    dialog.begin_button.click()
    assert (tmp_path / "studies").is_dir() and projects_folder(window.session) == tmp_path / "studies"
    assert window.session.settings.value("welcomed") == "yes"
    window.welcome_once()
    assert not [each for each in window.findChildren(WelcomeDialog) if each.isVisible()]


def test_the_tour_visits_every_page(window: MainWindow, qtbot: QtBot, trained: Path) -> None:
    window.open_project(trained)
    tour = Tour(window)
    tour.page_wanted.connect(window.show_page)
    tour.go(0)
    seen = []
    for _ in STEPS:
        seen.append(next(name for name, each in window.rail.buttons.items() if each.isChecked()))
        assert tour.isVisible() and window.rect().contains(tour.geometry()), "inside the window, whole"
        tour.next_button.click()
    assert seen == [page for page, _, _ in STEPS] and not tour.isVisible()
    window.resize(980, 600)
    tour.go(2)
    assert window.rect().contains(tour.geometry())
    tour.back_button.click()
    assert "2 of 5" in tour._count.text()


def test_crash_reports_hold_no_identity(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    secret = "MUSTERMANN^ERIKA"

    def fault() -> None:
        try:
            raise OSError(2, "No such file", f"/data/{secret}/image.dcm")
        except OSError as error:
            raise KeyError(secret) from error

    with pytest.raises(KeyError) as caught:
        fault()
    text = report_of(caught.value)
    assert secret not in text and str(Path.home()) not in text and str(tmp_path) not in text
    assert "KeyError" in text and "FileNotFoundError" in text and "in fault" in text and "torch" in text
    _report_fault(window)(KeyError, caught.value, caught.tb)
    assert "fault of its own (KeyError)" in window.banner.text and secret not in window.banner.text
    (kept,) = kept_reports()
    dialog = ReportsDialog(window.session, window)
    qtbot.addWidget(dialog)
    assert dialog.text.toPlainText() == kept.read_text("utf-8")
    dialog.save(tmp_path / "report.txt")
    assert (tmp_path / "report.txt").read_text("utf-8") == kept.read_text("utf-8")
    for _ in range(MOST_KEPT + 3):
        keep_report(caught.value)
    assert len(kept_reports()) == MOST_KEPT
    again = ReportsDialog(window.session, window)
    qtbot.addWidget(again)
    again.forget()
    assert kept_reports() == [] and not again.save_button.isEnabled()


def test_what_a_double_click_opens(window: MainWindow, tmp_path: Path) -> None:
    window.start_page.create(tmp_path / "study")
    door = tmp_path / "study" / "project.fineray"
    assert door.is_file() and _to_open([str(door)]) == tmp_path / "study" == _to_open([str(tmp_path / "study")])
    (tmp_path / "m.frpkg").write_text("")
    assert _to_open([str(tmp_path / "m.frpkg")]) == tmp_path / "m.frpkg"
    assert _to_open(["train"]) is None and _to_open([str(door), "x"]) is None
    (tmp_path / "alone.fineray").write_text("")
    assert _to_open([str(tmp_path / "alone.fineray")]) is None
    window.session.close_project()
    window.open_path(tmp_path / "study")
    assert window.session.project is not None
