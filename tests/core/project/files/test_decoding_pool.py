"""A decoder that crashes costs its file and nothing else."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from fineray.dicom.scan import FoundFile, find_files
from fineray.progress import Monitor
from fineray.project.files import decoding_pool
from fineray.project.files.decoding_pool import CRASHED, DecodingPool, _tasks
from fineray.project.files.options import EVERY_XRAY
from fineray.project.project import Project
from tests.support import crashing


def test_tasks_hold_all_files_in_order_and_large_ones_alone(images: Callable[..., Path]) -> None:
    files = find_files([images(patients=10, each=4)])
    tasks = list(_tasks(files))
    assert [file for task in tasks for file in task] == files
    assert max(map(len, tasks)) == decoding_pool.TASK_FILES
    large = [FoundFile(file.location, 3_000_000, 0) for file in files[:3]]
    assert [len(task) for task in _tasks(large)] == [1, 1, 1]


@pytest.mark.integration
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs Unix signals")
def test_a_crash_costs_one_file(project: Project, images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = images(patients=8, each=2)
    deadly = folder / "bright/p0/0"
    crashing.mark(deadly)
    # The pool's processes import the function by name: they get one that dies on the marked file.
    monkeypatch.setattr(decoding_pool, "_prepare_here", crashing.prepare_or_die)
    files = find_files([folder])
    with DecodingPool(project.pixels, 512, EVERY_XRAY, processes=2) as pool:
        outcomes = dict(pool.prepare_all(files, Monitor()))
    assert len(outcomes) == 16
    by_path = {file.location.path: outcome for file, outcome in outcomes.items()}
    assert by_path.pop(deadly) == CRASHED
    assert all(isinstance(outcome, tuple) for outcome in by_path.values())
    pixels = [
        project.pixels.read(each.stored_at) for found in by_path.values() if isinstance(found, tuple) for each in found
    ]
    assert all(each.shape == (48, 40) and each.any() for each in pixels)
