"""The real worker process over a real pipe: jobs, progress, cancelling, death."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from fineray.engine.protocol import Alive, Cancel, Event, Failed, Finished, Leave, Reported, Stopped, Submit
from fineray.engine.requests.labels import PreviewLabels
from fineray.engine.requests.project import ImportFolders, ReadImage
from fineray.engine.requests.splits import MakeSplit
from fineray.engine.requests.training import Train
from fineray.engine.worker import serve
from fineray.progress import FileResult, Progress
from fineray.project.labels.preview import FromFolders
from fineray.project.project import create_project
from fineray.project.shown_image import ShownImage
from fineray.project.splits import SplitPlan
from fineray.training.recipe import Recipe


@pytest.fixture
def worker() -> Iterator[tuple[BaseProcess, Connection]]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(theirs,))
    process.start()
    theirs.close()
    yield process, ours
    ours.close()
    process.join(20)
    assert process.exitcode is not None, "the worker leaves when the pipe closes"


def _until_end(connection: Connection) -> list[Event]:
    events: list[Event] = []
    while not events or isinstance(events[-1], Reported):
        assert connection.poll(60)
        event = connection.recv()
        if not isinstance(event, Alive):  # comes in between whenever it likes
            events.append(event)
    return events


def test_an_import_reports_and_finishes(
    worker: tuple[BaseProcess, Connection], tmp_path: Path, images: Callable[..., Path]
) -> None:
    _, connection = worker
    create_project(tmp_path / "p")
    connection.send(Submit(7, ImportFolders(tmp_path / "p", (images(),))))
    *reported, last = _until_end(connection)
    assert isinstance(last, Finished)
    assert (last.job, last.result.imported) == (7, 12)  # type: ignore[union-attr]
    reports = [report for event in reported if isinstance(event, Reported) for report in event.reports]
    assert sum(isinstance(report, FileResult) for report in reports) == 12
    assert isinstance(reports[-1], Progress)
    connection.send(Submit(8, ReadImage(tmp_path / "p", 1)))
    (shown,) = _until_end(connection)
    assert isinstance(shown, Finished)
    assert isinstance(shown.result, ShownImage)
    assert shown.result.full_depth
    assert shown.result.gray.index.shape == (48, 40)


def test_errors_come_back_in_words_and_the_worker_goes_on(
    worker: tuple[BaseProcess, Connection], tmp_path: Path
) -> None:
    _, connection = worker
    create_project(tmp_path / "p")
    for request, what in (
        (ImportFolders(tmp_path / "none", ()), "No Fineray project lies in this folder"),
        (ImportFolders(tmp_path / "p", (tmp_path / "gone",)), "The folder does not exist"),
        (
            PreviewLabels(tmp_path / "p", FromFolders()),
            "The places of the imported files are not known on this computer",
        ),
        (MakeSplit(tmp_path / "p", SplitPlan()), "No image carries a label yet"),
        (Train(tmp_path / "p", Recipe()), "The images are not split yet"),
    ):
        connection.send(Submit(1, request))
        last = _until_end(connection)[-1]
        assert isinstance(last, Failed)
        assert last.what == what
        assert last.todo
        assert not last.details


def test_a_fault_of_ours_is_reported_with_details(worker: tuple[BaseProcess, Connection], tmp_path: Path) -> None:
    _, connection = worker
    create_project(tmp_path / "p")
    connection.send(Submit(1, ReadImage(tmp_path / "p", 12345)))
    last = _until_end(connection)[-1]
    assert isinstance(last, Failed)
    assert "fault of its own" in last.what
    assert "table.py" in last.details


def test_a_cancelled_job_stops_and_a_waiting_one_never_starts(
    worker: tuple[BaseProcess, Connection], tmp_path: Path, images: Callable[..., Path]
) -> None:
    _, connection = worker
    create_project(tmp_path / "p")
    connection.send(Submit(1, ImportFolders(tmp_path / "p", (images(patients=40, each=4),))))
    while not isinstance(connection.recv(), Reported):
        assert connection.poll(60)
    connection.send(Submit(2, ReadImage(tmp_path / "p", 1)))
    connection.send(Cancel(1))
    connection.send(Cancel(2))
    ends = [_until_end(connection)[-1] for _ in range(2)]
    assert ends == [Stopped(1), Stopped(2)]


def test_leave_ends_the_process(worker: tuple[BaseProcess, Connection]) -> None:
    process, connection = worker
    connection.send(Leave())
    process.join(20)
    assert process.exitcode == 0
