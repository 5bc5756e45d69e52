"""Studies that were trained, for the pages that show one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from tests.support.studies import Zoo, lend
from tests.support.window import settled


@pytest.fixture
def trained(zoo: Zoo, tmp_path: Path, home: Path) -> Path:
    """A copy of a project of 16 patients with labels, a split and a run; its images lie in `images` beside it, and may
    be moved as well."""
    made = zoo.reviewed()
    shutil.copytree(made / "images", tmp_path / "images")
    lend(made, tmp_path / "trained study", home)
    for path in (home / "sources").glob("*.sqlite"):  # this user knows where
        db = sqlite3.connect(path)
        with db:
            places = (str(made), str(tmp_path))
            db.execute("UPDATE source SET path = replace(path, ?, ?), root = replace(root, ?, ?)", places * 2)
        db.close()
    return tmp_path / "trained study"


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot, zoo: Zoo, tmp_path: Path, home: Path) -> Iterator[ReviewPage]:
    lend(zoo.overlapping(), tmp_path / "study", home)
    window.resize(1360, 860)
    window.open_project(tmp_path / "study")
    window.show_page("Review")
    made = window.page("Review")
    assert isinstance(made, ReviewPage)
    settled(made, qtbot)
    yield made
