"""What tests of the window wait for, and do again and again."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from fineray.project.labels.preview import FromFolders
from fineray_desktop.curate.page import CuratePage
from fineray_desktop.importing.page import ImportPage
from fineray_desktop.loading import Loading
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage

MINUTE = 120_000  # milliseconds


def idle(window: MainWindow, qtbot: QtBot, timeout: int = MINUTE) -> None:
    """Wait until nothing is under way and what changed is on show."""

    def quiet() -> bool:
        return not window.session.busy and not any(each.busy for each in window.findChildren(Loading))

    qtbot.waitUntil(quiet, timeout=timeout)


def settled(page: ReviewPage, qtbot: QtBot) -> None:
    """Wait until every figure of the review is worked out."""
    qtbot.waitUntil(lambda: page.state.judgement is not None and not page.busy, timeout=MINUTE)


def imported(window: MainWindow, qtbot: QtBot, root: Path, folder: Path) -> CuratePage:
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


def label_by_folder(page: CuratePage, window: MainWindow, qtbot: QtBot) -> None:
    """Take the names of the folders as labels."""
    page.labels.preview(FromFolders())
    idle(window, qtbot)
    page.labels.apply()
    idle(window, qtbot)
