"""The start page's demo."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from tests.support.window import MINUTE, idle


@pytest.mark.integration
def test_the_demo_opens_review(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.start_demo(tmp_path / "demo")
    assert not window.start_page.demo_button.isEnabled()
    idle(window, qtbot)
    page = window.page("Review")
    assert isinstance(page, ReviewPage)
    qtbot.waitUntil(page.isVisible, timeout=MINUTE)
    qtbot.waitUntil(lambda: page.table.rowCount() > 80, timeout=MINUTE)
    assert window.windowTitle() == "Demo project (synthetic) — Fineray"
