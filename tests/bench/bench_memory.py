"""Memory of training on many images: `python -m tests.bench.bench_memory [IMAGES [SIDE]]`, 20,000 of 224 pixels stored
unless told otherwise.

Made-up images with real pixels in the store, learned from in one process with the frozen backbone and by fine-tuning
the last stage for one epoch; the peak memory of each is printed, beside that of a tenth of the images.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from fineray.project.project import open_project
from fineray.project.splits import SplitPlan, latest_split
from tests.support.synthetic import write_study

SIDE = 224
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Print peak memory in MB and seconds."""
    if sys.argv[1:2] == ["run"]:
        _train(Path(sys.argv[2]), sys.argv[3])
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    side = int(sys.argv[2]) if len(sys.argv) > 2 else SIDE
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FINERAY_HOME"] = f"{scratch}/home"
        for images in sorted({max(40, count // 10), count}):
            root = Path(scratch) / str(images)
            write_study(root, images, side, SplitPlan("holdout"))
            for mode in ("frozen", "finetune"):
                command = [sys.executable, "-m", "tests.bench.bench_memory", "run", str(root), mode]
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
                print(f"{images:7} images, {mode:9} {done.stdout.strip()}", flush=True)


def _train(root: Path, mode: str) -> None:
    from fineray.training.recipe import AugmentSettings, for_mode
    from fineray.training.train import train

    recipe = for_mode(mode)  # type: ignore[arg-type]
    recipe = replace(recipe, augment=AugmentSettings(), tuning=replace(recipe.tuning, frozen_stages=8, epochs=1))
    with open_project(root) as project:
        split = latest_split(project)
        assert split is not None
        metrics = train(project, split, recipe).metrics()
    print(f"{_memory()}, {metrics.seconds['total']:6.0f} s")


def _memory() -> str:
    """The peak of this program alone (getrusage() also counts what its parent held when it was started), and what of
    its memory is pages of files, which the system takes back when others need it."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f} MB at most"
    told = dict(line.split(":", 1) for line in status.read_text().splitlines())
    peak, mapped = (int(told[name].split()[0]) / 1024 for name in ("VmHWM", "RssFile"))
    return f"{peak:7.0f} MB at most, {mapped:7.0f} MB of files at the end"


if __name__ == "__main__":
    main()
