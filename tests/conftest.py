"""What every test needs: a screen that is not there, a home of its own, real radiographs."""

from __future__ import annotations

import os

# Before Qt, torch and the worker processes come up: offscreen, and one library's threads not against another's.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "2")

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fineray.project.project import Project, create_project, open_project

if TYPE_CHECKING:
    from PySide6.QtCore import QSettings
    from pytestqt.qtbot import QtBot

    from fineray_desktop.main_window import MainWindow
    from tests.support.warm import WarmProcesses

SHARED = Path(__file__).resolve().parents[2] / "shared"
CXR = SHARED / "cxr"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", metavar="FILE", help="put what tests/robustness measured into this table")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fineray's user folder, empty and away from the real one."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("FINERAY_HOME", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A new, empty project, open."""
    create_project(tmp_path / "study")
    with open_project(tmp_path / "study") as opened:
        yield opened


@pytest.fixture(scope="session")
def cxr() -> Path:
    """The folder of 701 real chest radiographs, or a skip."""
    if not (CXR / "labels.csv").is_file():
        pytest.skip(f"the real radiographs are not at {CXR}")
    return CXR


@pytest.fixture
def images(tmp_path: Path) -> Callable[..., Path]:
    """images(patients=6, each=2): a folder of small DICOM images in folders by class, `bright` and `dark`."""

    from tests.support.images import write_images_of_patients  # needs a writer of DICOM, which not all machines have

    def make(patients: int = 6, each: int = 2, folder: str = "images") -> Path:
        root = tmp_path / folder
        write_images_of_patients(root, patients, each)
        return root

    return make


@pytest.fixture(scope="session")
def shared_file() -> Callable[[str], Path]:
    """shared_file(name): a file beside the repository that tests read in place, or a skip."""

    def find(name: str) -> Path:
        if not (SHARED / name).is_file():
            pytest.skip(f"{name} is not in {SHARED}")
        return SHARED / name

    return find


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    """An empty settings file."""
    from PySide6.QtCore import QSettings

    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture(scope="session")
def warm_processes() -> WarmProcesses:
    """Where worker processes come from in seconds less (tests.support.warm)."""
    from tests.support.warm import WarmProcesses

    return WarmProcesses()


@pytest.fixture
def window(
    qtbot: QtBot, settings: QSettings, warm_processes: WarmProcesses, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """The main window, shown; closed afterwards."""
    from fineray_desktop.engine_client import EngineClient
    from fineray_desktop.main_window import MainWindow

    monkeypatch.setattr(EngineClient, "processes", warm_processes)

    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.leave()


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `study` (a project of 40 patients with two runs: 001 frozen, 002 tuned) and its `images`."""
    from fineray.project.files.importing import import_folders
    from fineray.project.labels.preview import apply_labels, preview_folders
    from fineray.project.splits import SplitPlan
    from fineray.project.splitting.make import make_split
    from fineray.training.recipe import HeadSettings, Recipe, Tuning
    from fineray.training.train import train
    from tests.support.images import write_classes

    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(root / "home"))
        write_classes(root / "images", 40, bright=0.62, dark=0.38)
        create_project(root / "study")
        with open_project(root / "study") as opened:
            import_folders(opened, [root / "images"])
            apply_labels(opened, preview_folders(opened))
            split = make_split(opened, SplitPlan(folds=3))
            head = HeadSettings(strengths=(1.0,), inner_folds=2)
            train(opened, split, Recipe(head=head, bootstrap=100))
            tuned = Recipe(mode="finetune", head=head, tuning=Tuning(epochs=1, frozen_stages=7), bootstrap=100)
            train(opened, split, tuned)
    return root


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """A copy of that project, to be changed at will; the images lie in its sibling `images`."""
    shutil.copytree(trained_once / "study", tmp_path / "trained" / "study")
    (tmp_path / "trained" / "images").symlink_to(trained_once / "images")
    return tmp_path / "trained" / "study"
