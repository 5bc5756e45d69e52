"""Killed at any moment (SIGKILL): the project opens, its catalogue is whole, every finished step is there, and training
goes on and ends in the weights of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.robustness.whole import check, weights
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
