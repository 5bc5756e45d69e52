"""The power is cut after any write, sync or rename of a session: what is left opens, and keeps what was finished."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.robustness.reliability import Reliability
from tests.robustness.whole import check, weights
from tests.support.images import write_classes
from tests.support.recording import Disk, Operation, can_record, operations, record

ROOT = Path(__file__).parents[2]
IMAGES = 12
STEPS = {"opened", "imported", "labelled", "split", "trained"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("power cut"),  # one record for all of them
    pytest.mark.skipif(not can_record(), reason="needs strace, allowed to look at processes"),
]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Operation]]:
    """(the study, what was done to files while it was made)."""
    root = tmp_path_factory.mktemp("recorded")
    write_classes(root / "images", IMAGES)
    environment = {**os.environ, "FINERAY_HOME": str(root / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.robustness.session", str(root / "study"), str(root / "images")]
    done = record(command, root / "log", environment)
    assert done.returncode == 0, done.stderr[-1500:]
    made = [
        each for each in operations(root / "log") if each.kind == "said" or each.path.startswith(str(root / "study"))
    ]
    (root / "log").unlink()
    return root / "study", made


def left_by(study: Path, made: list[Operation], into: Path) -> None:
    disk = Disk(study)
    for each in made:
        disk.apply(each)
    disk.left(into, "all", random.Random(0))


def test_the_record_is_whole(recorded: tuple[Path, list[Operation]], tmp_path: Path) -> None:
    """Replayed to its end, it gives the very files that the session left."""
    study, made = recorded
    left_by(study, made, tmp_path / "again")
    there = {path.relative_to(study): path.read_bytes() for path in study.rglob("*") if path.is_file()}
    again = {path.relative_to(tmp_path / "again"): path for path in (tmp_path / "again").rglob("*") if path.is_file()}
    assert set(there) == set(again)
    assert all(again[name].read_bytes() == content for name, content in there.items())


def test_a_power_cut_after_any_operation(
    recorded: tuple[Path, list[Operation]], tmp_path: Path, reliability: Reliability
) -> None:
    study, made = recorded
    dice, disk, done, tried = random.Random(7), Disk(study), set[str](), 0
    left = tmp_path / "left"
    for each in made:
        done |= STEPS & set(each.path.split()) if each.kind == "said" else set()
        if not disk.apply(each):
            continue
        for keep in ("all", "synced", "some", "some"):
            disk.left(left, keep, dice)  # type: ignore[arg-type]
            check(left, done, IMAGES)
            shutil.rmtree(left, ignore_errors=True)
            tried += 1
    assert done == STEPS
    reliability.note(
        "Power cut",
        f"{tried:,} states of the disk after {tried // 4:,} recorded operations (all written, only what was synced, any"
        " blocks of the rest): each opens, integrity_check ok, every finished step and its bytes are there",
    )


def test_what_a_cut_left_goes_on_to_the_same_weights(recorded: tuple[Path, list[Operation]], tmp_path: Path) -> None:
    """Cut in the middle of training, with only what was synced: it goes on and ends as the undisturbed one."""
    study, made = recorded
    halfway = next(
        number for number, each in enumerate(made) if each.kind == "rename" and each.to.endswith("-done.safetensors")
    )
    disk = Disk(study)
    for each in made[: halfway + 1]:
        disk.apply(each)
    disk.left(tmp_path / "study", "synced", random.Random(0))
    command = [sys.executable, "-m", "tests.robustness.session", str(tmp_path / "study"), str(study.parent / "images")]
    environment = {**os.environ, "FINERAY_HOME": str(study.parent / "home"), "PYTHONPATH": str(ROOT)}
    again = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert again.returncode == 0, again.stderr[-1500:]
    assert all((weights(tmp_path / "study")[name] == tensor).all() for name, tensor in weights(study).items())
