"""A study that was trained, for the pages that show one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import create_project, open_project
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.train import train
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from tests.support.images import write_image, write_images_of_patients
from tests.support.window import settled


@pytest.fixture(scope="session")
def _trained_with_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained with images")
    write_images_of_patients(root / "images", 16, 2)
    create_project(root / "study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(root / "home"))
        with open_project(root / "study") as project:
            import_folders(project, [root / "images"])
            apply_labels(project, preview_folders(project))
            split = make_split(project, SplitPlan(folds=4))
            train(project, split, Recipe(head=HeadSettings(strengths=(1.0,), inner_folds=2), bootstrap=100))
    return root


@pytest.fixture
def trained(_trained_with_images: Path, tmp_path: Path, home: Path) -> Path:
    """A copy of a project of 16 patients with labels, a split and a run; its images lie in `images` beside it."""
    shutil.copytree(_trained_with_images / "study", tmp_path / "trained study")
    shutil.copytree(_trained_with_images / "images", tmp_path / "images")
    shutil.copytree(_trained_with_images / "home" / "sources", home / "sources")
    for path in (home / "sources").glob("*.sqlite"):  # this user knows where
        db = sqlite3.connect(path)
        with db:
            places = (str(_trained_with_images), str(tmp_path))
            db.execute("UPDATE source SET path = replace(path, ?, ?), root = replace(root, ?, ?)", places * 2)
        db.close()
    return tmp_path / "trained study"


@pytest.fixture(scope="session")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project `study` of 24 patients whose classes overlap, with two runs, and the `home` that knows
    its images; tests take a copy of the project."""
    folder = tmp_path_factory.mktemp("review")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(folder / "home"))
        _make(folder)
    return folder


def _make(folder: Path) -> None:
    for patient in range(24):
        label = ("bright", "dark")[patient % 2]
        level = 0.5 + (0.02 if label == "bright" else 0) + 0.03 * np.sin(patient * 2.4)
        tags = {"Manufacturer": ("ACME", "Other")[patient % 3 == 0], "PixelSpacing": [0.2, 0.2]}
        for which in range(2):
            path = folder / "images" / label / f"p{patient}-{which}"
            write_image(path, patient=f"PAT-{patient}", number=which, level=level, **tags)
    create_project(folder / "study")
    with open_project(folder / "study") as project:
        import_folders(project, [folder / "images"])
        apply_labels(project, preview_folders(project))
        split = make_split(project, SplitPlan(folds=3))
        for strengths in ((1.0,), (0.03,)):
            recipe = Recipe(head=HeadSettings(strengths=strengths, inner_folds=2), bootstrap=100)
            train(project, split, recipe)


@pytest.fixture
def page(
    window: MainWindow, qtbot: QtBot, studied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ReviewPage]:
    monkeypatch.setenv("FINERAY_HOME", str(studied / "home"))
    shutil.copytree(studied / "study", tmp_path / "study")
    window.resize(1360, 860)
    window.open_project(tmp_path / "study")
    window.show_page("Review")
    made = window.page("Review")
    assert isinstance(made, ReviewPage)
    settled(made, qtbot)
    yield made
