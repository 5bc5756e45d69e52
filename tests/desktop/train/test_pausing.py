"""Pausing, closing, a crash: what was done is kept; the page says where it stands, and goes on from there."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from fineray.engine.protocol import Reported
from fineray.engine.requests.project import ImportFolders
from fineray.engine.requests.training import RunControls, Train
from fineray.progress import FileResult, Progress
from fineray.project.project import create_project, open_project
from fineray.training.recipe import AugmentSettings, HeadSettings
from fineray.training.standing import left_off
from fineray.training.tuning.views import STAGE_VIEWS
from fineray_desktop.engine_client import Job
from fineray_desktop.leaving import Leaving
from fineray_desktop.main_window import MainWindow
from fineray_desktop.train.page import TrainPage
from tests.support.tiny import TINY, add_tiny
from tests.support.window import MINUTE, idle

QUICK = HeadSettings(strengths=(1.0,), inner_folds=2)
WAIT = 2 * MINUTE  # for what takes seconds on a computer that nobody else uses
unix = pytest.mark.skipif(sys.platform == "win32", reason="kills processes with Unix signals")


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot, trained: Path, tmp_path: Path) -> TrainPage:
    """The page with a fine-tuning of a tiny backbone chosen that takes a minute."""
    add_tiny(tmp_path)
    window.open_project(trained)
    window.show_page("Train")
    page = window.page("Train")
    assert isinstance(page, TrainPage)
    idle(window, qtbot, WAIT)
    _choose(page)
    return page


def _choose(page: TrainPage) -> None:
    page.chooser.setCurrentIndex(page.chooser.findData(TINY))
    page.mode.setCurrentIndex(1)
    page.frozen_stages.setValue(3)
    page.epochs.setValue(200)
    kept = page._settings["finetune"]
    page._settings["finetune"] = replace(kept, head=QUICK, augment=AugmentSettings(views=1), bootstrap=100)


def start(page: TrainPage, qtbot: QtBot, until: Callable[[Progress], bool]) -> Job:
    """Begin, and wait for a progress."""
    page.start_button.click()
    assert page._job is not None
    heard(page._job, qtbot, until)
    return page._job


def heard(job: Job, qtbot: QtBot, until: Callable[[Progress], bool]) -> None:
    def told(event: Reported) -> bool:
        return any(isinstance(each, Progress) and until(each) for each in event.reports)

    with qtbot.waitSignal(job.reported, timeout=WAIT, check_params_cb=told):
        pass


def stepping(progress: Progress) -> bool:
    return progress.unit == "steps" and progress.done > 3


def looking(progress: Progress) -> bool:
    return progress.stage == STAGE_VIEWS and progress.done > 0


def answer(monkeypatch: pytest.MonkeyPatch, yes: bool) -> list[str]:
    """What is asked from now on, and answered so."""
    asked: list[str] = []

    def sure(parent: object, question: str, text: str, accept: str) -> bool:
        asked.append(f"{question} {text}")
        return yes

    monkeypatch.setattr("fineray_desktop.train.page.sure", sure)
    return asked


@pytest.mark.parametrize(
    ("until", "told"),
    [
        pytest.param(looking, "looking at augmented views (", marks=pytest.mark.integration),
        (stepping, "in fold 1 of 4, at step "),
    ],
)
def test_paused_it_says_where_it_stands_and_goes_on_by_its_own_settings(
    window: MainWindow, qtbot: QtBot, page: TrainPage, trained: Path, until: Callable[[Progress], bool], told: str
) -> None:
    assert not page.paused.isVisible()
    recipe = page.recipe()
    start(page, qtbot, until)
    assert not page.paused.isVisible() and page.pause_button.isEnabled()
    page.pause_button.click()
    idle(window, qtbot, WAIT)
    assert page.paused.isVisible()
    assert page.paused.text.text().startswith("Paused ") and told in page.paused.text.text()
    assert "of work" in page.paused.text.text()
    assert "200 epochs, 3 frozen stages" in page.paused.settings.text()

    window.session.close_project()
    window.open_project(trained)  # another day
    window.show_page("Train")
    idle(window, qtbot, WAIT)
    assert page.paused.isVisible() and told in page.paused.text.text()
    page.mode.setCurrentIndex(0)  # other settings are chosen now
    page.paused.continue_button.click()
    assert page._job is not None
    request = page._job.request
    assert isinstance(request, Train) and request.recipe == recipe
    heard(page._job, qtbot, stepping)
    assert "Goes on from where it was kept" in page.search_note.text()
    page.pause()
    idle(window, qtbot, WAIT)


@pytest.mark.integration
def test_cancelling_and_discarding_ask_before_anything_is_given_up(
    window: MainWindow, qtbot: QtBot, page: TrainPage, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start(page, qtbot, stepping)
    asked = answer(monkeypatch, yes=False)
    page.cancel_button.click()
    assert "Pause keeps it" in asked[0] and page._job is job
    page.pause()
    idle(window, qtbot, WAIT)
    page.paused.discard_button.click()
    idle(window, qtbot, WAIT)
    assert re.search("of work (is|are) kept", asked[1]) and page.paused.isVisible()

    asked = answer(monkeypatch, yes=True)
    page.paused.continue_button.click()
    page.cancel_button.click()
    idle(window, qtbot, WAIT)
    assert not page.paused.isVisible() and "Ready" in page.ready.text()
    start(page, qtbot, stepping)
    page.pause()
    idle(window, qtbot, WAIT)
    page.paused.discard_button.click()
    idle(window, qtbot, WAIT)
    assert len(asked) == 2 and not page.paused.isVisible()
    with open_project(trained) as project:
        assert not list(project.runs_folder.glob(".unfinished-*"))


@pytest.mark.integration
def test_controls_are_paused_and_go_on_as_controls(window: MainWindow, qtbot: QtBot, page: TrainPage) -> None:
    recipe = page.recipe()
    page.controls_button.click()
    assert page._job is not None
    heard(page._job, qtbot, stepping)
    assert window.job_bar.cancel.text() == "Pause"
    window.job_bar.cancel.click()
    idle(window, qtbot, WAIT)
    assert page.paused.text.text().startswith("Paused among the controls ")
    page.paused.continue_button.click()
    assert page._job is not None and page._job.request == RunControls(
        page._job.request.project, recipe, page._job.request.split_hash
    )
    page.pause()
    idle(window, qtbot, WAIT)


@pytest.mark.integration
@unix
def test_a_worker_that_is_killed_leaves_what_was_kept(
    window: MainWindow, qtbot: QtBot, page: TrainPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINERAY_CHECKPOINT_S", "0")
    window.session.engine.close()  # the next one hears of it
    start(page, qtbot, stepping)
    worker = window.session.engine._worker
    assert worker is not None and worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    idle(window, qtbot, WAIT)
    assert window.banner.isVisible()
    assert page.paused.text.text().startswith("Interrupted in fold 1 of 4, at step ")
    page.paused.continue_button.click()
    assert page._job is not None
    heard(page._job, qtbot, stepping)
    assert "Goes on from where it was kept" in page.search_note.text()
    page.pause()
    idle(window, qtbot, WAIT)


def _press(box: QMessageBox, text: str, qtbot: QtBot) -> None:
    (wanted,) = (each for each in box.buttons() if each.text().replace("&", "") == text)
    qtbot.mouseClick(wanted, Qt.MouseButton.LeftButton)


def test_closing_asks_pauses_and_keeps(window: MainWindow, qtbot: QtBot, page: TrainPage, trained: Path) -> None:
    job = start(page, qtbot, stepping)
    (quit_action,) = (each for each in window.findChildren(QAction) if each.text() == "&Quit")
    quit_action.trigger()
    assert window.isVisible() and window.closing.box is not None
    assert "Training is under way" in window.closing.box.text()
    window.close()  # asked twice, there is one question
    _press(window.closing.box, "Go on", qtbot)
    assert window.isVisible() and window.closing.box is None and page._job is job

    window.close()
    assert window.closing.box is not None
    _press(window.closing.box, "Pause it and close", qtbot)
    assert window.isVisible(), "until it is kept"
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT)
    with open_project(trained, lock=True) as project:
        (left,) = left_off(project)
    assert left.standing.paused and "in fold 1 of 4, at step " in left.standing.in_words()


@pytest.mark.integration
def test_a_question_that_is_out_of_date_goes_away(window: MainWindow, qtbot: QtBot, page: TrainPage) -> None:
    start(page, qtbot, stepping)
    window.close()
    page.pause()
    qtbot.waitUntil(lambda: window.closing.box is None, timeout=WAIT)
    assert window.isVisible()


@pytest.mark.integration
def test_a_checkpoint_that_never_comes_holds_nobody_up(
    window: MainWindow, qtbot: QtBot, page: TrainPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start(page, qtbot, stepping)
    monkeypatch.setattr(Job, "pause", lambda self: None)
    window.closing._patience.setInterval(100)
    window.closing.pause_and_close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT)
    assert job is not None


@pytest.mark.integration
def test_closing_during_an_import_keeps_what_was_read(
    window: MainWindow, qtbot: QtBot, images: Callable[..., Path], tmp_path: Path
) -> None:
    create_project(tmp_path / "new")
    window.open_project(tmp_path / "new")
    job = window.session.run(
        ImportFolders(tmp_path / "new", (images(patients=60, each=5),)), "Import", lambda done: None
    )

    def read(event: Reported) -> bool:
        return any(isinstance(each, FileResult) for each in event.reports)

    with qtbot.waitSignal(job.reported, timeout=WAIT, check_params_cb=read):
        pass
    window.close()
    box = window.closing.box
    assert box is not None and "An import is under way" in box.text() and "What was read is kept" in box.text()
    _press(box, "Stop it and close", qtbot)
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT)
    with open_project(tmp_path / "new", lock=True) as project:
        assert project.db.execute("SELECT count(*) FROM image").fetchone()[0] > 0


class Manager:
    """Qt's session manager, as far as it is asked."""

    def __init__(self, interactive: bool) -> None:
        self.interactive, self.cancelled = interactive, False

    def allowsInteraction(self) -> bool:
        return self.interactive

    def cancel(self) -> None:
        self.cancelled = True

    def release(self) -> None:
        pass


@pytest.fixture
def leaving(window: MainWindow) -> Iterator[Leaving]:
    before = {name: signal.getsignal(getattr(signal, name)) for name in ("SIGTERM", "SIGINT")}
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    yield Leaving(app, window)
    signal.set_wakeup_fd(-1)
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.integration
def test_the_end_of_the_session_asks_where_it_may_and_keeps(
    window: MainWindow, qtbot: QtBot, page: TrainPage, leaving: Leaving
) -> None:
    manager = Manager(interactive=True)
    leaving._session_ends(manager)  # type: ignore[arg-type]
    assert not manager.cancelled, "nothing is under way"
    start(page, qtbot, stepping)
    leaving._session_ends(manager)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: window.closing.box is not None, timeout=WAIT)
    assert manager.cancelled and window.closing.box is not None
    _press(window.closing.box, "Go on", qtbot)
    leaving._session_ends(Manager(interactive=False))  # type: ignore[arg-type]
    idle(window, qtbot, WAIT)
    assert page.paused.text.text().startswith("Paused in fold 1 of 4")


@pytest.mark.integration
@unix
def test_a_signal_that_asks_the_window_to_go_is_kept_for(
    window: MainWindow, qtbot: QtBot, page: TrainPage, leaving: Leaving, trained: Path
) -> None:
    start(page, qtbot, stepping)
    os.kill(os.getpid(), signal.SIGTERM)
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT)
    with open_project(trained, lock=True) as project:
        assert left_off(project)[0].standing.paused


def test_nothing_under_way_closes_at_once(qtbot: QtBot, settings: QSettings) -> None:
    window = MainWindow(settings)
    qtbot.addWidget(window)
    window.show()
    window.close()
    assert not window.isVisible() and window.closing.box is None
