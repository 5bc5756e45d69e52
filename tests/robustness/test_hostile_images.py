"""Thousands of broken and hostile files through a real import: each is accounted for and costs only itself."""

from __future__ import annotations

import json
import os
import random
import resource
import time
from collections import Counter
from pathlib import Path

import pytest

from fineray.dicom.location import FileLocation
from fineray.progress import FileResult, Monitor, ProgressEvent
from fineray.project.files import decoding_pool
from fineray.project.files.decoding_pool import CRASHED, MEMORY_A_PROCESS
from fineray.project.files.importing import NothingReadable, import_folders
from fineray.project.files.preparation import Outcome, store_file
from fineray.project.project import Project
from tests.robustness.reliability import Reliability
from tests.support.images import write_image
from tests.support.mutations import mutated, seeds

HANG_S = 10
LIBRARIES = 700_000_000  # bytes that the decoders and NumPy take before any image
_prepare_here = decoding_pool._prepare_here


def prepare_and_measure(locations: list[FileLocation]) -> list[Outcome]:
    """Like the pool's own function with a limit of HANG_S; writes down what each file took."""
    decoding_pool.SECONDS_A_FILE = HANG_S
    decoding_pool.store_file = _measured
    return _prepare_here(locations)


def _measured(location: FileLocation, *rest: object) -> Outcome:
    began = time.monotonic()
    outcome = store_file(location, *rest)  # type: ignore[arg-type]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with (location.path.parent.parent / f"prepared.{os.getpid()}").open("a") as file:
        file.write(json.dumps([location.path.name, time.monotonic() - began, peak]) + "\n")
    return outcome


class Ends(Monitor):
    """Keeps how each file ended."""

    def __init__(self) -> None:
        self.files: list[FileResult] = []

    def report(self, what: ProgressEvent) -> None:
        if isinstance(what, FileResult):
            self.files.append(what)


def feed(project: Project, folder: Path, first: int, number: int, monkeypatch: pytest.MonkeyPatch) -> list[FileResult]:
    """Import `number` mutated files; each must end in words."""
    monkeypatch.setattr(decoding_pool, "_prepare_here", prepare_and_measure)
    folder.mkdir()
    whole = seeds(folder)
    for each in range(first, first + number):
        done, data = mutated(random.Random(each).choice(whole), each)
        (folder / f"{each:05d} {done}").write_bytes(data)
    ends = Ends()
    try:
        summary = import_folders(project, [folder], monitor=ends)
    except NothingReadable:
        summary = None
    assert len(ends.files) == len({each.path for each in ends.files}) == number
    assert summary is None or summary.found == number
    for each in ends.files:
        assert each.status == "imported" or (each.reason and each.todo), each
        assert "Traceback" not in each.reason
    return ends.files


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(300, marks=pytest.mark.integration),
        pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
def test_mutated_images(
    project: Project, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch, reliability: Reliability
) -> None:
    began, ends = time.monotonic(), Counter[str]()
    crashed, batch = 0, min(number, 500)
    for first in range(0, number, batch):
        folder = tmp_path / f"images-{first}"
        for each in feed(project, folder, first, batch, monkeypatch):
            ends[each.status] += 1
            crashed += each.reason == CRASHED.reason
        for path in folder.iterdir():
            path.unlink()
    assert sum(ends.values()) == number
    took = [json.loads(line) for log in tmp_path.glob("prepared.*") for line in log.read_text().splitlines()]
    slowest, peak = max(each[1] for each in took), max(each[2] for each in took)
    assert slowest < HANG_S
    assert peak < MEMORY_A_PROCESS + LIBRARIES
    assert crashed <= number / 50
    assert ends["imported"] and ends["failed"] and ends["skipped"]
    reliability.note(
        "Mutated DICOM files",
        f"{number:,} files: {ends['imported']:,} imported, {ends['skipped']:,} skipped, {ends['failed']:,} failed with"
        f" a reason, {crashed} of them by the death or the hang of a decoding process; slowest {slowest:.1f} s; largest"
        f" decoding process {peak / 1e6:,.0f} MB; {time.monotonic() - began:,.0f} s in all",
    )


@pytest.mark.integration
def test_a_decoder_cannot_take_more_memory_than_its_limit(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        write_image(tmp_path / "images" / f"f{number}", patient=f"PAT-{number}")
    (tmp_path / "images" / "greedy").write_bytes((tmp_path / "images" / "f0").read_bytes() + b"GREEDY")
    monkeypatch.setattr(decoding_pool, "_prepare_here", prepare_greedily)
    ends = Ends()
    import_folders(project, [tmp_path / "images"], monitor=ends)
    by_name = {Path(each.path).name: each for each in ends.files}
    assert "too large for this computer's memory" in by_name.pop("greedy").reason
    assert {each.status for each in by_name.values()} == {"imported"}


def prepare_greedily(locations: list[FileLocation]) -> list[Outcome]:
    """Like the pool's own function, but the marked file claims more than the limit."""
    decoding_pool.store_file = _greedy
    return _prepare_here(locations)


def _greedy(location: FileLocation, *rest: object) -> Outcome:
    from fineray.project.files import preparation

    kept = preparation.read_radiographs

    def greedy(where: FileLocation, *how: object) -> object:
        if where.path.read_bytes().endswith(b"GREEDY"):
            return bytearray(MEMORY_A_PROCESS + 1)
        return kept(where, *how)  # type: ignore[arg-type]

    preparation.read_radiographs = greedy  # type: ignore[assignment]
    try:
        return store_file(location, *rest)  # type: ignore[arg-type]
    finally:
        preparation.read_radiographs = kept
