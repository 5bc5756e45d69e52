"""Many files: memory of all processes, and how fast nothing new is found: `python -m tests.bench.bench_import [N]`.

With `--full-size [FILES]` films of detectors' sizes in every encoding instead (tests/bench/full_size.py).

Generates N (default 20,000) DICOM images of 256 x 256 pixels, imports a tenth of them, then all, then all again, and
kills an import half-way to go on with it.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from fineray.dicom.scan import find_files
from fineray.project.catalogue import counts
from fineray.project.files.importing import import_folders
from fineray.project.project import create_project, open_project
from tests.bench.full_size import full_size
from tests.support.images import write_picture

FILES, A_FOLDER = 20_000, 500


def generate(folder: Path, count: int) -> None:
    """Images with a texture each, two a patient, five hundred a folder."""
    base = np.linspace(0, 3500, 256 * 256).reshape(256, 256)
    for number in range(count):
        random = np.random.default_rng(number)
        values = np.round(base + np.kron(random.normal(0, 120, (16, 16)), np.ones((16, 16)))).clip(0, 4095)
        write_picture(folder / f"{number // A_FOLDER:04d}/{number}", values.astype(np.uint16), f"P{number // 2}")


class PeakMemory:
    """Peak of the resident memory of this process and all its descendants, in MB, sampled while it is entered."""

    def __enter__(self) -> PeakMemory:
        self.peak, self._going = 0.0, True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going = False
        self._thread.join()

    def _watch(self) -> None:
        while self._going:
            self.peak = max(self.peak, _resident_mb())
            time.sleep(0.05)


def _resident_mb() -> float:
    """Proportional shares (PSS), so that memory which processes share counts once."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    waiting, total = [os.getpid()], 0
    while waiting:
        process = waiting.pop()
        waiting += parents.get(process, [])
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def _import_in_a_process(root: Path, folder: Path) -> None:
    with open_project(root) as project:
        import_folders(project, [folder])


def main() -> None:
    """Print the figures."""
    if "--full-size" in sys.argv:
        full_size(int((sys.argv[2:] or ["6"])[0]), PeakMemory)
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FINERAY_HOME"] = f"{scratch}/home"
        images = Path(scratch) / "images"
        generate(images, count)
        tenth = [images / f"{number:04d}" for number in range(max(1, count // 10 // A_FOLDER))]
        peaks = []
        for name, folders in (("tenth", tenth), ("all", [images])):
            root = Path(scratch) / name
            create_project(root)
            with open_project(root) as project, PeakMemory() as memory:
                started = time.perf_counter()
                summary = import_folders(project, folders)
                seconds = time.perf_counter() - started
            peaks.append(memory.peak)
            rate = summary.imported / seconds
            print(f"import of {summary.imported:6,}  {rate:8.0f} files/s, peak {memory.peak:6.0f} MB in all processes")
        print(f"memory ratio     {peaks[1] / peaks[0]:8.2f} for {count:,} files against a tenth")
        with open_project(Path(scratch) / "all") as project:
            started = time.perf_counter()
            known = import_folders(project, [images]).unchanged
            print(f"import again     {known / (time.perf_counter() - started):8.0f} files/s, {known:,} unchanged")
        root = Path(scratch) / "killed"
        create_project(root)
        process = multiprocessing.get_context("spawn").Process(target=_import_in_a_process, args=(root, images))
        process.start()
        while not _some_are_in(root, count // 4):
            time.sleep(0.05)
        process.kill()
        process.join()
        with open_project(root) as project:
            kept = counts(project).images
            summary = import_folders(project, [images])
            held = counts(project).images
        there = len(find_files([images]))
        print(f"killed import    kept {kept:,}, went on with {summary.imported:,}: {held:,} of {there:,}")


def _some_are_in(root: Path, number: int) -> bool:
    with open_project(root) as project:
        return counts(project).images >= number


if __name__ == "__main__":
    main()
