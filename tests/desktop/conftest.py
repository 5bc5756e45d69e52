"""The real window, offscreen, with settings of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from core.progress import Monitor
from core.project.importing import import_folders
from core.project.labels import apply_labels, preview_folders
from core.project.project import create_project, open_project
from core.project.splits import SplitPlan
from core.project.splitting import make_split
from core.training.recipe import Recipe
from core.training.training import train
from desktop.main_window import MainWindow


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    """An empty settings file."""
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def window(qtbot: QtBot, settings: QSettings) -> Iterator[MainWindow]:
    """The main window, shown; closed afterwards."""
    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


@pytest.fixture
def trained(tmp_path: Path, films: Callable[..., Path]) -> Path:
    """A project of 16 patients with labels, a split and a run."""
    root = tmp_path / "trained study"
    create_project(root)
    with open_project(root) as project:
        import_folders(project, [films(patients=16, each=2)], Monitor())
        apply_labels(project, preview_folders(project))
        split = make_split(project, SplitPlan(folds=4))
        train(project, split, Recipe(strengths=(1.0,), inner_folds=2, bootstrap=100), Monitor())
    return root
