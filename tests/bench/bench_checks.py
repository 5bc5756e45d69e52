"""Data checks after features, on real images or on N made-up ones: `python -m tests.bench.bench_checks [N]`.

The made-up images are noise with a gradient, their features random: it is the checks that are timed, not the backbone.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fineray.backbones.catalogue import DEFAULT_BACKBONE, backbone
from fineray.backbones.runtime import Runtime, best_device
from fineray.checks.run import run_checks
from fineray.progress import Monitor, Progress, ProgressEvent
from fineray.project.files.fingerprint import fingerprint
from fineray.project.files.preparation import content_hash
from fineray.project.project import create_project, open_project
from fineray.training.features import feature_space

IMAGES, SIDE = 20_000, 256


class Stages(Monitor):
    """Prints how long each stage took."""

    def __init__(self) -> None:
        self._stage, self._started = "", time.perf_counter()

    def report(self, what: ProgressEvent) -> None:
        """A stage ends where the next begins."""
        if isinstance(what, Progress) and what.stage != self._stage:
            self.close()
            self._stage = what.stage

    def close(self) -> None:
        """Print the stage that just ended."""
        now = time.perf_counter()
        if self._stage:
            print(f"{self._stage:40} {now - self._started:8.1f} s")
        self._started = now


def fill(root: Path, count: int) -> None:
    """Images of made-up patients, two each, with labels and features."""
    create_project(root)
    random = np.random.default_rng(0)
    chosen = backbone(DEFAULT_BACKBONE)
    space = feature_space(chosen, Runtime(chosen, best_device()))
    slope = np.linspace(40, 200, SIDE)[:, None]
    with open_project(root) as project, project.db as db, (root / "pixels/shard-0000.u8").open("wb") as shard:
        db.executemany(
            "INSERT INTO patient VALUES (?, ?, ?)", ((n, f"P{n:05d}", f"h{n}") for n in range(1, count // 2 + 1))
        )
        for n in range(1, count + 1):
            low = np.kron(random.integers(0, 60, (8, 8)), np.ones((SIDE // 8, SIDE // 8)))
            pixels = np.clip(slope + low + random.normal(0, 4, (SIDE, SIDE)), 0, 255).astype(np.uint8)
            values = (
                *(n, (n + 1) // 2, f"s{n}", f"o{n}", content_hash(pixels), "PA" if n % 3 else "AP", n % 80),
                *("Alpha" if n % 2 else "Beta", (n - 1) * SIDE * SIDE, SIDE, SIDE, fingerprint(pixels)),
            )
            shard.write(pixels.tobytes())
            db.execute(
                "INSERT INTO image (id, patient_id, study_hash, series_hash, sop_hash, content_hash, modality,"
                " body_part, view_position, laterality, sex, age_years, manufacturer, model, rows, columns,"
                " bits_stored,"
                " photometric, transfer_syntax, voi_source, burned_in, shard, shard_offset, store_rows, store_columns,"
                " fingerprint) VALUES (?, ?, ?, '', ?, ?, 'DX', 'CHEST', ?, '', 'F', ?, ?, 'M', 2000, 2500, 12,"
                " 'MONOCHROME2', 'JPEG 2000', 'window', 'NO', 0, ?, ?, ?, ?)",
                values,
            )
            db.execute("INSERT INTO label VALUES (1, ?, ?)", (n, "ill" if (n // 2) % 2 else "well"))
            db.execute("INSERT INTO feature VALUES (?, ?, ?)", (space, values[4], n - 1))
        (root / "features").mkdir()
        random.normal(size=(count, chosen.features)).astype("<f4").tofile(root / f"features/{space}.f32")


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FINERAY_HOME"] = f"{scratch}/home"
        root = Path(scratch) / "study"
        fill(root, count)
        stages = Stages()
        started = time.perf_counter()
        with open_project(root) as project:
            findings = run_checks(project, stages)
        stages.close()
        print(
            f"{f'all checks of {count:,} images':40} {time.perf_counter() - started:8.1f} s, {len(findings)} findings"
        )


if __name__ == "__main__":
    main()
