"""What tests of the window wait for."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

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
