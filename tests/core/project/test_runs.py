"""Runs are whole or absent, numbered, and their predictions survive a round trip."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fineray.errors import DiskFull
from fineray.evaluation.predictions import Predictions
from fineray.project.project import Project
from fineray.project.runs import (
    RunMissing,
    run,
    runs,
    write_run,
)


@given(st.integers(1, 30), st.lists(st.text(min_size=1, max_size=9), min_size=2, max_size=4, unique=True))
def test_predictions_survive_a_round_trip(tmp_path_factory: pytest.TempPathFactory, n: int, names: list[str]) -> None:
    random = np.random.default_rng(n)
    chances = random.dirichlet(np.ones(len(names)), size=n)
    written = Predictions(
        tuple(names),
        np.arange(n),
        tuple(f"P{i:05d}" for i in range(n)),
        tuple("1" for _ in range(n)),
        random.integers(0, len(names), n),
        chances,
    )
    path = tmp_path_factory.mktemp("runs") / "predictions.csv"
    written.save(path)
    read = Predictions.load(path)
    assert read.classes == written.classes
    np.testing.assert_array_equal(read.probabilities, written.probabilities)
    np.testing.assert_array_equal(read.true, written.true)


def test_runs_are_numbered_and_whole(project: Project) -> None:
    def write(folder: Path) -> None:
        (folder / "metrics.json").write_text('{"classes": [], "auc": {}, "split": {}}')
        (folder / "predictions.csv").write_text("")

    assert [write_run(project, write).name for _ in range(2)] == ["run-001", "run-002"]
    (project.runs_folder / "run-007").mkdir()  # something unfinished of the user's own

    def fail(folder: Path) -> None:
        write(folder)
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(DiskFull):
        write_run(project, fail)
    assert [folder.name for folder in runs(project)] == ["run-002", "run-001"]
    assert run(project, "run-001").metrics().classes == ()
    with pytest.raises(RunMissing, match="run-009"):
        run(project, "run-009")
