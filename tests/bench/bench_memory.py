"""Memory of training on many images: `python -m tests.bench.bench_memory [IMAGES]`, 20,000 unless told otherwise.

Made-up films with real pixels in the store, learned from in one process with the frozen backbone and by fine-tuning the
last stage for one epoch; the peak memory of each is printed, beside that of a tenth of the images.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.progress import Monitor
from core.project.preparation import content_hash
from core.project.project import create_project, open_project
from core.project.splits import SplitPlan, latest_split

SIDE = 224
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Print peak memory in MB and seconds."""
    if len(sys.argv) > 3:
        _train(Path(sys.argv[2]), sys.argv[3])
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FINERAY_HOME"] = f"{scratch}/home"
        for images in sorted({max(40, count // 10), count}):
            root = Path(scratch) / str(images)
            _fill(root, images)
            for mode in ("frozen", "finetune"):
                command = [sys.executable, "-m", "tests.bench.bench_memory", "run", str(root), mode]
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
                print(f"{images:7} images, {mode:9} {done.stdout.strip()}", flush=True)


def _fill(root: Path, count: int) -> None:
    from core.project.splitting import make_split

    create_project(root)
    random = np.random.default_rng(0)
    with open_project(root) as project, project.db as db, (root / "pixels/shard-0000.u8").open("wb") as shard:
        people = ((n, f"P{n:05d}", f"h{n}") for n in range(1, count // 2 + 1))
        db.executemany("INSERT INTO patient VALUES (?, ?, ?)", people)
        for n in range(1, count + 1):
            low = np.kron(random.integers(0, 60, (8, 8)), np.ones((SIDE // 8, SIDE // 8))) + 60 * ((n // 2) % 2)
            pixels = np.clip(60 + low + random.normal(0, 4, (SIDE, SIDE)), 0, 255).astype(np.uint8)
            shard.write(pixels.tobytes())
            values = (
                n,
                (n + 1) // 2,
                f"s{n}",
                f"o{n}",
                content_hash(pixels),
                (n - 1) * SIDE * SIDE,
                SIDE,
                SIDE,
                bytes(64),
            )
            db.execute(
                "INSERT INTO image (id, patient_id, study_hash, series_hash, sop_hash, content_hash, modality,"
                " body_part, view_position, laterality, sex, age_years, manufacturer, model, rows, columns,"
                " bits_stored, photometric, transfer_syntax, voi_source, burned_in, shard, shard_offset, store_rows,"
                " store_columns, fingerprint) VALUES (?, ?, ?, '', ?, ?, 'DX', 'CHEST', 'PA', '', 'F', 50, 'A', 'M',"
                " 224, 224, 12, 'MONOCHROME2', 'JPEG 2000', 'window', 'NO', 0, ?, ?, ?, ?)",
                values,
            )
            db.execute("INSERT INTO label VALUES (1, ?, ?)", (n, "ill" if (n // 2) % 2 else "well"))
    with open_project(root) as project:
        make_split(project, SplitPlan("holdout"))


def _train(root: Path, mode: str) -> None:
    from core.training.recipe import AugmentSettings, for_mode
    from core.training.training import train

    recipe = for_mode(mode)  # type: ignore[arg-type]
    recipe = replace(recipe, augment=AugmentSettings(), tuning=replace(recipe.tuning, frozen_stages=8, epochs=1))
    with open_project(root) as project:
        split = latest_split(project)
        assert split is not None
        metrics = train(project, split, recipe, Monitor()).metrics()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:7.0f} MB at most, {metrics['seconds']['total']:6.0f} s")


if __name__ == "__main__":
    main()
