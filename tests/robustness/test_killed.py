"""Killed at any moment (SIGKILL), the window, its worker, or all at once: the project opens, its catalogue is whole,
every finished step is there, and training goes on and ends in the weights of an undisturbed one."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.robustness.reliability import Reliability
from tests.robustness.whole import check, weights
from tests.support.images import write_classes
from tests.support.processes import workers

ROOT = Path(__file__).parents[2]
STEPS = ("opened", "imported", "labelled", "split", "trained")
IMAGES = 24
ORPHANED_S = 20  # until the processes of a killed window must have left by themselves
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes in /proc")


class Session:
    """tests.robustness.session in processes of its own."""

    def __init__(self, study: Path, images: Path, log: Path, how: str) -> None:
        self.log = log
        with log.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.robustness.session", str(study), str(images), how],
                stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
                cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "FINERAY_CHECKPOINT_S": "0.5"},
            )  # fmt: skip

    @property
    def said(self) -> set[str]:
        """The steps that it finished."""
        return set(self.log.read_text().split()) & set(STEPS)

    def ended_within(self, seconds: float) -> bool:
        """Whether it came to its end, which must be a good one."""
        try:
            assert self.process.wait(seconds) == 0, self.log.read_text()[-2000:]
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self, what: str) -> bool:
        """Kill its worker, its window or everything; whether the session is over with that."""
        pid = self.process.pid
        if what == "worker":
            for child in workers(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            return False
        if what == "all":
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        began = time.monotonic()
        while _alive(pid):
            assert time.monotonic() - began < ORPHANED_S, "processes outlive their window"
            time.sleep(0.05)  # nothing tells a stranger when they are gone
        return True


def _alive(group: int) -> bool:
    """Whether a process of the group lives; the dead that nobody has asked after do not count."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, own = path.read_text().rpartition(")")[2].split()[:3]
            if int(own) == group and state not in "ZX":
                return True
    return False


def disturbed(root: Path, images: Path, kills: int, seconds: float, dice: random.Random) -> tuple[int, Counter[str]]:
    """Kill at random moments until `kills` are spent, with a new study whenever one was finished.

    (how many studies were finished, what was killed how often). seconds: how long an undisturbed session takes.
    """
    finished, study, done, spent = 0, root / "study-0", set[str](), Counter[str]()
    while spent.total() < kills or not finished:
        session = Session(study, images, root / "log", dice.choice(("window", "window", "command")))
        over = False
        while not over:
            if spent.total() >= kills:
                over = session.ended_within(600)
                assert over
            elif session.ended_within(dice.uniform(0.2, seconds)):
                over = True
            else:
                what = dice.choice(("all", "window", "worker"))
                spent[what] += 1
                over = session.kill(what)
        done |= session.said
        check(study, done, IMAGES)
        if "trained" in done:
            reference = weights(root / "undisturbed")
            for name, tensor in weights(study).items():
                assert np.array_equal(tensor, reference[name]), name
            finished += 1
            study, done = root / f"study-{finished}", set()
    return finished, spent


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(4, marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
        pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(14_400)]),
    ],
)
def test_killed_at_random_moments(tmp_path: Path, kills: int, reliability: Reliability) -> None:
    write_classes(tmp_path / "images", IMAGES)
    began = time.monotonic()
    session = Session(tmp_path / "undisturbed", tmp_path / "images", tmp_path / "log", "window")
    assert session.ended_within(600)
    assert session.said == set(STEPS)
    seconds = time.monotonic() - began
    finished, spent = disturbed(tmp_path, tmp_path / "images", kills, seconds, random.Random(kills))
    assert finished >= 1
    told = ", ".join(f"{what} {number}" for what, number in sorted(spent.items()))
    reliability.note(
        "Killed at any moment",
        f"{spent.total()} kills ({told}) during {finished} studies from import to training: after each the project"
        " opens, integrity_check ok, every finished step is there, no process is left; each study ends in the weights"
        f" of the undisturbed one ({seconds:.0f} s)",
    )
