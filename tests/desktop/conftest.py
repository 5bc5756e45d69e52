"""A study that was trained, for the pages that show one."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from core.progress import Monitor
from core.project.importing import import_folders
from core.project.labels import apply_labels, preview_folders
from core.project.project import create_project, open_project
from core.project.splits import SplitPlan
from core.project.splitting import make_split
from core.training.recipe import HeadSettings, Recipe
from core.training.training import train
from tests.support.films import write_films_of_patients


@pytest.fixture(scope="session")
def _trained_with_films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained with films")
    write_films_of_patients(root / "films", 16, 2)
    create_project(root / "study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(root / "home"))
        with open_project(root / "study") as project:
            import_folders(project, [root / "films"], Monitor())
            apply_labels(project, preview_folders(project))
            split = make_split(project, SplitPlan(folds=4))
            train(project, split, Recipe(head=HeadSettings(strengths=(1.0,), inner_folds=2), bootstrap=100), Monitor())
    return root


@pytest.fixture
def trained(_trained_with_films: Path, tmp_path: Path, home: Path) -> Path:
    """A copy of a project of 16 patients with labels, a split and a run; its films lie in `films` beside it."""
    shutil.copytree(_trained_with_films / "study", tmp_path / "trained study")
    shutil.copytree(_trained_with_films / "films", tmp_path / "films")
    shutil.copytree(_trained_with_films / "home" / "sources", home / "sources")
    for path in (home / "sources").glob("*.sqlite"):  # this user knows where
        db = sqlite3.connect(path)
        with db:
            places = (str(_trained_with_films), str(tmp_path))
            db.execute("UPDATE source SET path = replace(path, ?, ?), root = replace(root, ?, ?)", places * 2)
        db.close()
    return tmp_path / "trained study"
