"""Every page and dialog shows itself whole, whatever its classes are called and however small the screen is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, QSize
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fineray_desktop.main_window import LEAST, MainWindow
from fineray_desktop.theme import LIGHT, apply_theme
from fineray_desktop.widgets.eliding import cut_apart, fitted
from tests.support.everywhere import found_faults
from tests.support.records import LONG, classes
from tests.support.situations import quiet_window, study

SMALL, LARGE = QSize(980, 600), QSize(1440, 900)
DOUBLED = QSize(960, 560)  # points: a screen of 1920 × 1200 pixels at 200 %, less what the system draws around a window
STUDIES = ((2, False), (3, False), (5, False), (14, False), (3, True), (14, True))


@pytest.fixture
def dressed(qapp: QApplication) -> Iterator[None]:
    """The window's own look, as paddings and fonts take room."""
    apply_theme(qapp, LIGHT)
    yield
    qapp.setStyleSheet("")


@pytest.fixture
def quiet(qtbot: QtBot, dressed: None, settings: QSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    window = quiet_window(settings, monkeypatch)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


@pytest.mark.parametrize(
    ("count", "multilabel"),
    [pytest.param(*each, marks=[] if each == (3, True) else pytest.mark.integration) for each in STUDIES],
)
def test_nothing_is_cut_on_any_page(quiet: MainWindow, tmp_path: Path, count: int, multilabel: bool) -> None:
    seen = found_faults(quiet, study(tmp_path, count, multilabel), (LARGE, SMALL, DOUBLED))
    assert not seen, json.dumps(seen, indent=1, ensure_ascii=False)


@pytest.mark.integration
def test_the_window_fits_a_screen_at_twice_the_scale(tmp_path: Path) -> None:
    """A process of its own, whose screen has 1920 × 1200 pixels, each point of two by two."""
    screen = {"name": "screen", "x": 0, "y": 0, "width": 1920, "height": 1200, "logicalDpi": 96, "logicalBaseDpi": 96}
    (tmp_path / "screen.json").write_text(json.dumps({"synchronousWindowSystemEvents": False, "screens": [screen]}))
    platform = f"offscreen:configfile={tmp_path / 'screen.json'}"
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "QT_QPA_PLATFORM": platform, "QT_SCALE_FACTOR": "2", "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.doubled", str(tmp_path)],
        env=environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["ratio"] == 2 and told["screen"] == [960, 600]
    assert told["window"][0] <= 960 and told["window"][1] <= 600
    assert not told["faults"], json.dumps(told["faults"], indent=1, ensure_ascii=False)


def test_the_least_window_is_no_larger_than_a_small_screen() -> None:
    assert LEAST.width() <= DOUBLED.width() and LEAST.height() <= DOUBLED.height()


@pytest.mark.parametrize("count", (2, 3, 5, 14))
@pytest.mark.parametrize("width", (56, 74, 104, 132, 200, 500))
def test_two_names_never_look_the_same(qapp: QApplication, count: int, width: int) -> None:
    metrics, names = QFontMetrics(qapp.font()), classes(count)
    for shown in (cut_apart(names, metrics, width), fitted(names, metrics, width, 48)):
        assert tuple(shown) == names and len(set(shown.values())) == count, shown
    for text in cut_apart(names, metrics, width).values():
        assert metrics.horizontalAdvance(text) <= width


def test_a_name_with_room_stands_whole(qapp: QApplication) -> None:
    metrics = QFontMetrics(qapp.font())
    assert fitted(LONG, metrics, 150, 80) == {name: name for name in LONG}
    assert fitted(LONG[:2], metrics, 800, 20) == {name: name for name in LONG[:2]}
