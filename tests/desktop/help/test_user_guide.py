"""Help opens the documentation where it was brought along, and says why not where it was not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, QUrl
from PySide6.QtGui import QAction, QDesktopServices
from pytestqt.qtbot import QtBot

from fineray_desktop.help import user_guide
from fineray_desktop.main_window import MainWindow


def _action(settings: QSettings, qtbot: QtBot) -> QAction:
    window = MainWindow(settings)
    qtbot.addWidget(window)
    (help_menu,) = (each.menu() for each in window.menuBar().actions() if each.text() == "&Help")
    return next(each for each in help_menu.actions() if each.text() == "&User guide")  # type: ignore[union-attr]


def test_it_opens_in_the_browser(
    settings: QSettings, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "site" / "index.html"
    page.parent.mkdir()
    page.write_text("<h1>Fineray</h1>")
    monkeypatch.setattr(user_guide.resources, "files", lambda package: tmp_path)
    assert user_guide.user_guide() == page
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    user_guide.open_user_guide(page)
    assert opened == [QUrl.fromLocalFile(str(page))]


def test_the_menu_opens_it(settings: QSettings, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    monkeypatch.setattr("fineray_desktop.main_window.user_guide", lambda: tmp_path / "index.html")
    monkeypatch.setattr("fineray_desktop.main_window.open_user_guide", opened.append)
    action = _action(settings, qtbot)
    assert action.isEnabled()
    action.trigger()
    assert opened == [tmp_path / "index.html"]


def test_without_it_the_menu_says_why(settings: QSettings, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fineray_desktop.main_window.user_guide", lambda: None)
    action = _action(settings, qtbot)
    assert not action.isEnabled() and action.toolTip() == user_guide.ABSENT
