"""Killed at any moment (SIGKILL): the project opens, its catalogue is whole, every finished step is there, and training
goes on and ends in the weights of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from core.project.catalogue import counts
from core.project.project import CATALOGUE, open_project
from core.project.runs import runs
from core.project.splits import latest_split
from tests.support.films import write_film

ROOT = Path(__file__).parents[2]
STEPS = ("opened", "imported", "labelled", "split", "trained")


def start(study: Path, films: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.robustness.session", str(study), str(films)]
    # a session of its own, so that its decoding processes die with it
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def kill(process: subprocess.Popen[str]) -> str:
    """Kill it with all its children; what it had said."""
    os.killpg(process.pid, signal.SIGKILL)
    said, _ = process.communicate()
    return said


def check(study: Path, done: set[str], films: int) -> None:
    """What has to hold whenever a session was killed. done: steps that some session had finished."""
    if not (study / CATALOGUE).is_file():
        assert not done
        return
    db = sqlite3.connect(study / CATALOGUE)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    with open_project(study, lock=True) as project:
        found = counts(project)
        if "imported" in done:
            assert found.images == films
        for row in project.db.execute("SELECT shard, shard_offset, store_rows, store_columns FROM image"):
            size = (study / "pixels" / f"shard-{row[0]:04d}.u8").stat().st_size
            assert row[1] + row[2] * row[3] <= size, "pixels that the catalogue names are there"
        if "labelled" in done:
            assert found.labelled == films
        if "split" in done:
            assert latest_split(project) is not None
        assert all((folder.path / "head.safetensors").is_file() for folder in runs(project))
        if "trained" in done:
            assert len(runs(project)) == 1


def disturbed(root: Path, films: Path, number: int, kills: int, seconds: float, dice: random.Random) -> int:
    """Kill sessions at random moments until `kills` are spent, starting a new study whenever one was finished; how many
    studies were finished. seconds: how long an undisturbed session takes."""
    reference = weights(root / "undisturbed")
    finished, study, done = 0, root / "study-0", set[str]()
    while kills:
        process = start(study, films)
        try:
            said, _ = process.communicate(timeout=dice.uniform(0.3, seconds * 1.1))
            assert process.returncode == 0
        except subprocess.TimeoutExpired:
            said = kill(process)
            kills -= 1
        done |= {step for step in STEPS if step in said}
        check(study, done, number)
        if "trained" in done:
            for name, tensor in weights(study).items():
                assert np.array_equal(tensor, reference[name]), name
            finished += 1
            study, done = root / f"study-{finished}", set()
    process = start(study, films)
    process.communicate()
    assert process.returncode == 0
    for name, tensor in weights(study).items():
        assert np.array_equal(tensor, reference[name]), name
    return finished + 1


def weights(study: Path) -> dict[str, np.ndarray]:
    folder = study / "runs" / "run-001"
    return {**load_file(folder / "network.safetensors"), **load_file(folder / "head.safetensors")}


@pytest.fixture
def films(tmp_path: Path) -> Path:
    for patient in range(24):
        label = ("bright", "dark")[patient % 2]
        level = 0.6 if label == "bright" else 0.4
        write_film(tmp_path / "films" / label / f"p{patient}", patient=f"PAT-{patient}", level=level)
    return tmp_path / "films"


def _run(tmp_path: Path, films: Path, kills: int, seed: int) -> None:
    began = time.monotonic()
    process = start(tmp_path / "undisturbed", films)
    said, wrong = process.communicate()
    assert process.returncode == 0, wrong
    assert all(step in said for step in STEPS)
    seconds = time.monotonic() - began
    assert disturbed(tmp_path, films, 24, kills, seconds, random.Random(seed)) >= 1


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path, films: Path) -> None:
    _run(tmp_path, films, kills=6, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_killed_at_two_hundred_random_moments(tmp_path: Path, films: Path) -> None:
    _run(tmp_path, films, kills=200, seed=2)
