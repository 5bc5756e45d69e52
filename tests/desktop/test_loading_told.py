"""While a library is being loaded, window and command line say which; nothing else could be said meanwhile."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import fineray_desktop.engine_client
from fineray.engine.requests.project import CheckCodecs
from fineray.engine.requests.training import LoadLibraries
from fineray.progress import (
    Loading,
    Monitor,
    Progress,
    ProgressEvent,
)
from fineray.system.loading import TITLES, loading_told
from fineray_desktop.main_window import MainWindow
from tests.support.holding import serve_holding
from tests.support.window import MINUTE, idle

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def warm_processes() -> BaseContext:
    """Here workers start from nothing: what they load is what is told."""
    return multiprocessing.get_context("spawn")


class Ear(Monitor):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[ProgressEvent] = []

    def report(self, what: ProgressEvent) -> None:
        self.heard.append(what)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("library", "request_of", "said"),
    [("torch", LoadLibraries, "Loading PyTorch"), ("pydicom", CheckCodecs, "Loading pydicom")],
)
def test_the_job_bar_names_what_is_being_loaded(
    window: MainWindow,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    library: str,
    request_of: Callable[[], LoadLibraries | CheckCodecs],
    said: str,
) -> None:
    go_on = multiprocessing.get_context("spawn").Event()
    held = partial(serve_holding, library=library, go_on=go_on)
    monkeypatch.setattr(fineray_desktop.engine_client, "serve", held)
    bar = window.job_bar
    job = window.session.run(request_of(), "A job", lambda result: None)
    assert bar._text.text() == "Starting the engine"
    ended: list[bool] = []
    job.ended.connect(lambda: ended.append(True))
    qtbot.waitUntil(lambda: bar._text.text() == said, timeout=MINUTE)
    assert bar._bar.maximum() == 0, "nobody knows how far it is"
    assert not ended
    go_on.set()
    idle(window, qtbot)
    assert ended == [True]
    window.session.run(request_of(), "A job", lambda result: None)
    assert bar._text.text() == "Starting", "the engine is up"
    idle(window, qtbot)


@pytest.mark.integration
def test_after_loading_the_bar_says_again_how_far_the_job_is(window: MainWindow, qtbot: QtBot) -> None:
    from fineray.engine.protocol import Reported

    window.session.run(CheckCodecs(), "A job", lambda result: None)
    bar, number = window.job_bar, window.job_bar._job.number  # type: ignore[union-attr]

    def tell(*reports: ProgressEvent) -> str:
        bar._reported(Reported(number, reports, 0.0, None, None))
        return bar._text.text()

    assert tell(Progress("Drawing", 3, 9, "images")) == "Drawing: 3 of 9 images"
    assert tell(Loading("PyTorch")) == "Loading PyTorch" and bar._bar.maximum() == 0
    assert tell(Loading("")) == "Drawing: 3 of 9 images" and bar._bar.maximum() == 9
    bar.cancel.click()
    assert tell(Loading("PyTorch"), Progress("Drawing", 4, 9, "images")) == "Stopping"
    idle(window, qtbot)


def test_libraries_are_told_as_they_begin_and_end_one_inside_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "told_outer.py").write_text("import told_inner\nimport told_inner\n")
    (tmp_path / "told_inner.py").write_text("")
    (tmp_path / "told_broken.py").write_text("raise ImportError('no')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("told_outer", "told_inner", "told_broken"):
        monkeypatch.setitem(TITLES, name, name)
    ear = Ear()
    with loading_told(ear):
        assert importlib.util.find_spec("told_outer") is not None
        assert ear.heard == [], "to look where it lies is not to load it"
        import told_outer  # type: ignore[import-not-found]

        with pytest.raises(ImportError):
            import told_broken  # type: ignore[import-not-found]  # noqa: F401
    told = ("told_outer", "told_inner", "told_outer", "", "told_broken", "")
    assert ear.heard == [Loading(each) for each in told]
    assert "exec_module" not in vars(told_outer.__spec__.loader)
    assert not [each for each in sys.meta_path if "loading_told" in type(each).__module__]


@pytest.mark.integration
def test_the_demo_without_a_window_says_what_it_loads_and_draws_before(tmp_path: Path) -> None:
    """Up to PyTorch, which is the longest: the rest is what a training says."""
    run = subprocess.Popen(
        [sys.executable, "-m", "fineray_desktop.app", "demo", "--no-window", str(tmp_path / "demo")],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "FINERAY_HOME": str(tmp_path / "home")},
    )
    assert run.stderr is not None
    lines: list[str] = []
    for line in run.stderr:
        lines.append(line.rstrip().split(":")[0])
        if lines[-1] == "Loading PyTorch":
            break
    run.kill()
    run.communicate()
    assert lines[0] == "Loading SciPy" or lines[0] == "Loading pydicom", "before anything is drawn"
    kept = list(dict.fromkeys(each for each in lines if not each.startswith("Loading") or each.endswith("PyTorch")))
    assert kept[0] == "Drawing synthetic phantoms" and kept[-1] == "Loading PyTorch"
    assert "Reading files" in kept
