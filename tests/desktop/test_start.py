"""The window is up at once, in its process without torch; projects are created, opened, remembered, refused."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from fineray.project.project import create_project, open_project
from fineray.project.schema import VERSION
from fineray_desktop.main_window import MainWindow

ROOT = Path(__file__).parents[2]

# Runs fineray_desktop.app as the command does, and reports when the event loop has come round with the window shown.
PROBE = """
import json, sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import fineray_desktop.app
run = QApplication.exec
def report():
    heavy = [name for name in ("torch", "torchvision", "timm", "sklearn", "monai", "scipy") if name in sys.modules]
    shown = [w.windowTitle() for w in QApplication.topLevelWidgets() if w.isVisible()]
    print(json.dumps({"at": time.time(), "heavy": heavy, "shown": shown}), flush=True)
    QApplication.quit()
def first_round():
    QTimer.singleShot(0, lambda: QTimer.singleShot(0, report))
    return run()
QApplication.exec = staticmethod(first_round)
sys.exit(fineray_desktop.app.main(sys.argv[1:]))
"""


def _launch(*arguments: str) -> tuple[float, dict[str, object]]:
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, cwd=ROOT, env=os.environ, check=True
    )
    found = json.loads(done.stdout)
    return found["at"] - started, found


@pytest.mark.alone
def test_the_window_is_usable_within_a_second_and_a_half(tmp_path: Path) -> None:
    _launch()  # the first start reads the libraries from the disk
    for arguments in ((), (str(tmp_path / "p"),)):
        if arguments:
            create_project(tmp_path / "p")
        seconds, found = min((_launch(*arguments) for _ in range(3)), key=lambda pair: pair[0])
        assert found["shown"] == (["p — Fineray"] if arguments else ["Fineray"])
        assert found["heavy"] == []
        assert seconds < 1.5


def test_without_a_screen_it_says_what_to_do() -> None:
    bare = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "QT_QPA_PLATFORM")}
    bare.pop("WAYLAND_DISPLAY", None)
    if sys.platform != "linux":
        return
    done = subprocess.run(
        [sys.executable, "-m", "fineray_desktop.app"], capture_output=True, text=True, cwd=ROOT, env=bare
    )
    assert done.returncode == 1
    assert "no display" in done.stderr


def test_a_project_is_created_opened_and_remembered(window: MainWindow, tmp_path: Path, settings: QSettings) -> None:
    assert not any(button.isEnabled() for button in window.rail.buttons.values())
    window.start_page.create(tmp_path / "knees")
    assert window.windowTitle() == "knees — Fineray"
    assert all(button.isEnabled() for button in window.rail.buttons.values())
    window.session.close_project()
    assert window.session.recent() == [tmp_path / "knees"]
    assert window.start_page.isVisible()
    window.open_project(tmp_path / "knees")
    assert window.session.project is not None
    settings.sync()
    assert "knees" in Path(settings.fileName()).read_text()


def test_a_project_that_cannot_be_opened_leaves_the_open_one(window: MainWindow, tmp_path: Path) -> None:
    window.start_page.create(tmp_path / "mine")
    create_project(tmp_path / "newer")
    with sqlite3.connect(tmp_path / "newer/catalogue.sqlite") as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    window.open_project(tmp_path / "newer")
    assert "newer Fineray" in window.banner.text
    assert "Update Fineray" in window.banner.text
    window.open_project(tmp_path)
    assert "No Fineray project lies in this folder" in window.banner.text
    assert window.session.project is not None
    assert window.session.project.name == "mine"
    window.start_page.create(tmp_path / "mine")
    assert "new or empty folder" in window.banner.text


def test_closing_the_window_frees_the_project(qtbot: QtBot, settings: QSettings, tmp_path: Path) -> None:
    window = MainWindow(settings)
    qtbot.addWidget(window)
    window.start_page.create(tmp_path / "p")
    window.close()
    open_project(tmp_path / "p", lock=True).close()


def test_themes_and_keys(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    window.start_page.create(tmp_path / "p")
    window.activateWindow()
    for number, name in ((2, "Curate"), (4, "Review"), (1, "Import")):
        qtbot.keyClick(window, getattr(Qt.Key, f"Key_{number}"), Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda name=name: window.page(name).isVisible())
    for choice in ("dark", "light"):
        window._set_theme(choice)
        assert (window.palette().window().color().lightness() < 128) == (choice == "dark")
    window.resize(980, 600)
    assert window.rail.buttons["Import"].text() == "1"
    window.resize(1400, 800)
    assert "Import" in window.rail.buttons["Import"].text()
