"""A project that another Fineray has open, or that lies where nothing may be written, can be looked at, not changed."""

from __future__ import annotations

import getpass
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from fineray.engine.jobs.table import carry_out
from fineray.engine.protocol import Failed, Finished
from fineray.engine.requests.project import ImportFolders
from fineray.engine.requests.review import DoubtLabels, JudgeRun
from fineray.engine.requests.training import Train
from fineray.errors import StorageUnavailable
from fineray.evaluation.operating_point import PointRule
from fineray.progress import Monitor
from fineray.project.changes import set_labels
from fineray.project.lock import ProjectInUse
from fineray.project.project import CATALOGUE, Project, open_project
from fineray.review.query import ReviewQuery
from fineray.training.recipe import Recipe
from fineray_desktop.curate.page import CuratePage
from fineray_desktop.main_window import MainWindow
from fineray_desktop.review.page import ReviewPage
from fineray_desktop.train.page import TrainPage

pytestmark = pytest.mark.integration  # two processes, and folders that may only be read
ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from fineray.project.project import open_project
with open_project(Path(sys.argv[1]), lock=True):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(trained: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the project open until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(trained)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.communicate()


def written(root: Path) -> dict[str, tuple[int, int]]:
    """Every file of a project but those by which SQLite and the lock work: size and time of the last change."""
    passing = ("-wal", "-shm", ".lock", ".lock.json")
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.endswith(passing))
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_the_second_opens_for_reading_only_and_says_who_has_it(
    trained: Path, holder: subprocess.Popen[str], window: MainWindow, qtbot: QtBot
) -> None:
    before = written(trained)
    window.open_project(trained)
    assert window.session.project is not None
    assert window.read_only.isVisible()
    said = window.read_only.text.text()
    assert getpass.getuser() in said and str(holder.pid) in said and "since" in said
    assert "for reading only" in window.windowTitle()

    window.show_page("Curate")
    curate = window.page("Curate")
    assert isinstance(curate, CuratePage)
    qtbot.waitUntil(lambda: curate.images.table.rowCount() == 40, timeout=20_000)
    curate.images.view.selectAll()
    qtbot.keyClick(curate.images.view, Qt.Key.Key_1)
    qtbot.keyClick(curate.images.view, Qt.Key.Key_X)
    for each in (curate.labels.folders_button, curate.labels.new_button, curate.split.make_button):
        assert not each.isEnabled()
    assert not window.undo_action.isEnabled()

    window.show_page("Train")
    train = window.page("Train")
    assert isinstance(train, TrainPage)
    qtbot.waitUntil(lambda: "reading only" in train.ready.text(), timeout=20_000)
    assert not train.start_button.isEnabled()

    window.show_page("Review")
    review = window.page("Review")
    assert isinstance(review, ReviewPage)
    qtbot.waitUntil(lambda: review.table.rowCount() == 40, timeout=60_000)
    assert not review.image_panel.label.isEnabled() and review.image_panel.note.isReadOnly()
    assert written(trained) == before

    window.read_only.again_button.click()
    assert window.read_only.isVisible()
    assert review.isVisible(), "one stays on the page"
    holder.communicate()
    window.read_only.again_button.click()
    assert not window.read_only.isVisible()
    assert window.session.may_change


def test_jobs_read_and_refuse_to_write(trained: Path, holder: subprocess.Popen[str], tmp_path: Path) -> None:
    before = written(trained)
    with open_project(trained) as project:
        assert isinstance(project.read_only, ProjectInUse)
        image = project.db.execute("SELECT id FROM image").fetchone()[0]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            set_labels(project, {image: "bright"}, "Labelling")
    for request in (ImportFolders(trained, (tmp_path,)), Train(trained, Recipe())):
        ended = carry_out(1, request, Monitor())
        assert isinstance(ended, Failed)
        assert "open in another Fineray, by" in ended.what
    for request in (
        JudgeRun(trained, ReviewQuery("run-001", PointRule("most probable"))),
        DoubtLabels(trained, "run-001"),
    ):
        assert isinstance(carry_out(1, request, Monitor()), Finished)
    assert written(trained) == before


def test_features_that_cannot_be_kept_are_worked_out_for_the_moment(
    trained: Path, holder: subprocess.Popen[str]
) -> None:
    shutil.rmtree(trained / "features")
    db = sqlite3.connect(trained / CATALOGUE)
    with db:
        db.execute("DELETE FROM feature")
    db.close()
    before = written(trained)
    assert isinstance(carry_out(1, DoubtLabels(trained, "run-001"), Monitor()), Finished)
    assert written(trained) == before


@pytest.fixture
def unwritable(trained: Path, tmp_path: Path) -> Iterator[Path]:
    """The project on a file system that is mounted for reading only, or a skip."""
    mount = tmp_path / "mount"
    mount.mkdir()
    made = subprocess.run(["mount", "--bind", trained.parent, mount], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", mount], check=True)
        yield mount / "study"
    finally:
        subprocess.run(["umount", mount], check=True)


def test_a_folder_that_cannot_be_written(unwritable: Path, window: MainWindow, qtbot: QtBot) -> None:
    with pytest.raises(StorageUnavailable):
        open_project(unwritable, lock=True)
    window.open_project(unwritable)
    assert "cannot be written" in window.read_only.text.text()
    window.show_page("Review")
    review = window.page("Review")
    assert isinstance(review, ReviewPage)
    qtbot.waitUntil(lambda: review.table.rowCount() == 40, timeout=60_000)
    ended = carry_out(1, Train(unwritable, Recipe()), Monitor())
    assert isinstance(ended, Failed)
    assert "cannot be written" in ended.what


def test_an_old_project_is_not_brought_up_to_date_where_it_may_only_be_read(
    trained: Path, holder: subprocess.Popen[str]
) -> None:
    def format_(number: int) -> None:
        db = sqlite3.connect(trained / CATALOGUE)
        db.execute(f"PRAGMA user_version = {number}")
        db.close()

    from fineray.project.schema import VERSION, ProjectTooOld

    format_(VERSION - 1)
    with pytest.raises(ProjectTooOld, match="earlier Fineray"):
        open_project(trained)
    format_(VERSION)
    opened: Project = open_project(trained)
    opened.close()
