"""The log of `fineray --debug`: off unless asked for, useful, and without identity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fineray.cli.main import main
from fineray.engine.jobs.table import do
from fineray.engine.requests.project import ImportFolders
from fineray.errors import FinerayError
from fineray.progress import Monitor
from fineray.project.project import Project
from fineray.system.debug_log import MOST_KEPT, VARIABLE, begin_debug_log, debug_folder
from fineray_desktop.app import main as program


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, "")  # and away again afterwards
    return begin_debug_log()


def _text(folder: Path) -> str:
    return "".join(file.read_text("utf-8") for file in sorted(folder.glob("*.log")))


def test_nothing_is_written_unless_asked_for(project: Project, images: Callable[..., Path]) -> None:
    do(ImportFolders(project.root, (images(2, 1),)), Monitor())
    assert not any(debug_folder().iterdir())


def test_it_tells_what_was_done_and_how_long(wanted: Path, project: Project, images: Callable[..., Path]) -> None:
    do(ImportFolders(project.root, (images(2, 1),)), Monitor())
    text = _text(wanted)
    assert "ImportFolders begins" in text and "ImportFolders ends after " in text and "Python 3" in text


def test_an_error_is_told_by_its_place_alone(wanted: Path, project: Project, tmp_path: Path) -> None:
    with pytest.raises(FinerayError):
        do(ImportFolders(project.root, (tmp_path / "Doe^Jane 12345",)), Monitor())
    text = _text(wanted)
    assert "FolderMissing" in text and "fineray/dicom/scan.py:" in text
    for secret in ("Doe", "12345", str(tmp_path), tmp_path.name, str(project.root)):
        assert secret not in text, "a log goes to strangers"


def test_a_command_keeps_one_and_says_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert main(["--debug", "new", str(tmp_path / "study of Jane Doe")]) == 0
    folder = debug_folder()
    assert str(folder) in capsys.readouterr().err
    assert "begins" in _text(folder) and "Jane" not in _text(folder)


def test_the_latest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    for number in range(MOST_KEPT + 5):
        (debug_folder() / f"20200101-{number:03}.log").write_text("old")
    folder = begin_debug_log()
    left = sorted(file.name for file in folder.glob("*.log"))
    assert len(left) == MOST_KEPT and "20200101-024.log" in left and "20200101-005.log" not in left


def test_it_goes_before_any_command_also_where_a_window_may_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert program(["--debug", "new", str(tmp_path / "study")]) == 0
    assert "begins" in _text(debug_folder())
