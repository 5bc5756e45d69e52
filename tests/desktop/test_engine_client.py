"""The door to the engine: signals in order, cancelling, and a worker that dies."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QObject
from pytestqt.qtbot import QtBot

from fineray.engine.protocol import Alive, Failed, Reported
from fineray.engine.requests.project import ImportFolders, ReadImage
from fineray.project.catalogue import counts
from fineray.project.files.summary import ImportSummary
from fineray.project.project import create_project, open_project
from fineray_desktop.engine_client import EngineClient, Job
from tests.support.processes import workers

MINUTE = 60_000


@pytest.fixture
def client(qapp: QObject) -> Iterator[EngineClient]:
    made = EngineClient()
    yield made
    made.close()


def _ends(job: Job) -> list[object]:
    """Which signals a job emits, in order."""
    seen: list[object] = []
    job.finished.connect(lambda result: seen.append(result))
    job.failed.connect(lambda failed: seen.append(failed))
    job.stopped.connect(lambda: seen.append("stopped"))
    job.ended.connect(lambda: seen.append("ended"))
    return seen


def test_a_job_ends_once(client: EngineClient, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]) -> None:
    create_project(tmp_path / "p")
    job = client.start(ImportFolders(tmp_path / "p", (images(),)))
    seen, reports = _ends(job), []
    job.reported.connect(reports.append)
    with qtbot.waitSignal(job.ended, timeout=MINUTE):
        pass
    assert isinstance(seen[0], ImportSummary)
    assert seen[1:] == ["ended"]
    assert all(isinstance(each, Reported) for each in reports)


@pytest.mark.alone  # within two seconds
def test_cancelling_stops_and_keeps(
    client: EngineClient, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    create_project(tmp_path / "p")
    job = client.start(ImportFolders(tmp_path / "p", (images(patients=60, each=5),)))
    seen = _ends(job)
    with qtbot.waitSignal(job.reported, timeout=MINUTE):
        pass
    with qtbot.waitSignal(job.ended, timeout=2000):  # at once: within two seconds of the wish
        job.cancel()
    assert seen == ["stopped", "ended"]
    with open_project(tmp_path / "p", lock=True) as project:
        assert counts(project).images < 300


@pytest.mark.integration
@pytest.mark.skipif(sys.platform == "win32", reason="kills with a Unix signal")
def test_a_dead_worker_is_said_and_replaced(
    client: EngineClient, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path]
) -> None:
    create_project(tmp_path / "p")
    folder = images(patients=60, each=5)
    job = client.start(ImportFolders(tmp_path / "p", (folder,)))
    seen = _ends(job)
    with qtbot.waitSignal(job.reported, timeout=MINUTE):
        pass
    (worker,) = workers(os.getpid())
    with qtbot.waitSignal(job.ended, timeout=MINUTE):
        os.kill(worker, signal.SIGKILL)
    assert isinstance(seen[0], Failed)
    assert "stopped unexpectedly" in seen[0].what
    assert seen[1:] == ["ended"]
    again = client.start(ImportFolders(tmp_path / "p", (folder,)))
    with qtbot.waitSignal(again.finished, timeout=MINUTE):
        pass
    with open_project(tmp_path / "p") as project:
        assert counts(project).images == 300


def test_a_closed_client_is_never_touched_again(client: EngineClient, qtbot: QtBot, tmp_path: Path) -> None:
    """Its threads may live longer than the window; what they say then goes nowhere, not into a deleted object."""
    heard: list[object] = []
    client._arrived.connect(lambda event, generation: isinstance(event, Alive | Reported) or heard.append(event))
    job = client.start(ReadImage(tmp_path / "none", 1))
    with qtbot.waitSignal(job.ended, timeout=MINUTE):
        pass
    qtbot.waitUntil(lambda: len(heard) == 1, timeout=MINUTE)  # the job's own signal may come a moment earlier
    client.close()
    client._tell(None, 1)
    QCoreApplication.processEvents()
    assert len(heard) == 1
    again = client.start(ReadImage(tmp_path / "none", 1))
    with qtbot.waitSignal(again.failed, timeout=MINUTE):
        pass


def test_failures_arrive_in_words(client: EngineClient, qtbot: QtBot, tmp_path: Path) -> None:
    job = client.start(ReadImage(tmp_path / "none", 1))
    with qtbot.waitSignal(job.failed, timeout=MINUTE) as caught:
        pass
    assert caught.args[0].what == "No Fineray project lies in this folder"
