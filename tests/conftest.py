"""What every test needs: a screen that is not there, a home of its own, real radiographs."""

from __future__ import annotations

import os

# Before Qt, torch and the worker processes come up: offscreen, and one library's threads not against another's.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "2")

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.project.project import Project, create_project, open_project
from tests.support.films import write_film

if TYPE_CHECKING:
    from PySide6.QtCore import QSettings
    from pytestqt.qtbot import QtBot

    from desktop.main_window import MainWindow

SHARED = Path(__file__).resolve().parents[2] / "shared"
CXR = SHARED / "cxr"


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
def films(tmp_path: Path) -> Callable[..., Path]:
    """films(patients=6, each=2): a folder of small DICOM films in folders by class, `bright` and `dark`."""

    def make(patients: int = 6, each: int = 2, folder: str = "films") -> Path:
        root = tmp_path / folder
        for patient in range(patients):
            label = ("bright", "dark")[patient % 2]
            for number in range(each):
                path = root / label / f"p{patient}" / f"{number}"
                write_film(path, patient=f"PAT-{patient}", number=number, level=0.75 if label == "bright" else 0.25)
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


@pytest.fixture
def window(qtbot: QtBot, settings: QSettings) -> Iterator[MainWindow]:
    """The main window, shown; closed afterwards."""
    from desktop.main_window import MainWindow

    made = MainWindow(settings)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()
