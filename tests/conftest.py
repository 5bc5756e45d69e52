"""What every test needs: a screen that is not there, a home of its own, real radiographs."""

from __future__ import annotations

import os

# Before Qt, torch and the worker processes come up: offscreen, and one library's threads not against another's.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "2")
if "PYTEST_XDIST_WORKER" in os.environ:  # one thread each: threads of two processes wait for each other by spinning
    os.environ["OMP_NUM_THREADS"] = "1"

import contextlib
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fineray.project.project import Project, create_project, open_project

if TYPE_CHECKING:
    from PySide6.QtCore import QSettings
    from pytestqt.qtbot import QtBot

    from fineray_desktop.main_window import MainWindow
    from tests.support.studies import Zoo
    from tests.support.warm import WarmProcesses

SHARED = Path(__file__).resolve().parents[2] / "shared"
CXR = SHARED / "cxr"
CASES = CXR.parent / "cases"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", metavar="FILE", help="put what tests/robustness measured into this table")


TIERS = {"integration", "alone", "slow", "soak"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test is of one tier; those that measure run in one process, also where somebody asks for several."""
    for item in items:
        tiers = TIERS & {mark.name for mark in item.iter_markers()}
        if len(tiers) > 1:
            raise pytest.UsageError(f"{item.nodeid} is of several tiers: {', '.join(sorted(tiers))}")
        if "alone" in tiers:
            item.add_marker(pytest.mark.xdist_group("alone"))


def pytest_collection_finish() -> None:
    """What the libraries brought stays: no walk of the garbage collector need go over their million objects again."""
    gc.collect()
    gc.freeze()


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
def cases() -> Path:
    """The folder of inputs that once went wrong, or a skip."""
    if not (CASES / "README.md").is_file():
        pytest.skip(f"the inputs that went wrong are not at {CASES}")
    return CASES


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
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """Studies to borrow (tests.support.studies)."""
    from tests.support.studies import Zoo  # needs torch and a writer of DICOM, which not all tests do

    return Zoo.of(tmp_path_factory)


@pytest.fixture
def lent(tmp_path: Path, home: Path) -> Iterator[Callable[[Path], Project]]:
    """lent(made): a copy, at `study`, of the project of a study in the zoo, open; this user knows of its images."""
    from tests.support.studies import lend

    with contextlib.ExitStack() as closing:
        yield lambda made: closing.enter_context(open_project(lend(made, tmp_path / "study", home)))


@pytest.fixture
def trained(zoo: Zoo, tmp_path: Path) -> Path:
    """A copy of a project of 40 patients with two runs, 001 frozen and 002 tuned; the images lie in its sibling
    `images`, and this user has not imported them."""
    from tests.support.studies import lend

    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "images").symlink_to(zoo.trained() / "images")
    return lend(zoo.trained(), tmp_path / "trained" / "study")
