"""What has to hold of a project whenever its processes were killed or the power was cut."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from fineray.project.catalogue import counts
from fineray.project.files.preparation import content_hash
from fineray.project.project import CATALOGUE, open_project
from fineray.project.runs import runs
from fineray.project.splits import latest_split


def check(study: Path, done: set[str], images: int) -> None:
    """done: the steps of tests.robustness.session that had said that they were finished."""
    if not (study / CATALOGUE).is_file():
        assert not done
        return
    db = sqlite3.connect(study / CATALOGUE)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    with open_project(study, lock=True) as project:
        found = counts(project)
        if "imported" in done:
            assert found.images == images
        rows = project.db.execute("SELECT shard, shard_offset, store_rows, store_columns, content_hash FROM image")
        for shard, offset, height, width, known in rows.fetchall():
            data = (study / "pixels" / f"shard-{shard:04d}.u8").read_bytes()[offset : offset + height * width]
            assert len(data) == height * width, "pixels that the catalogue names are there"
            assert content_hash(np.frombuffer(data, np.uint8).reshape(height, width)) == known
        if "labelled" in done:
            assert found.labelled == images
        if "split" in done:
            assert latest_split(project) is not None
        for space, row in project.db.execute("SELECT space, row FROM feature").fetchall():
            kept = np.fromfile(study / "features" / f"{space}.f32", "<f4")
            width = kept.size // (row + 1)
            assert width > 0 and kept[row * width : (row + 1) * width].any()
        for folder in runs(project):
            assert len(folder.predictions().images) == images
            assert folder.metrics().figures.auc
            assert weights(study, folder.name)
        if "trained" in done:
            assert len(runs(project)) == 1


def weights(study: Path, run: str = "run-001") -> dict[str, np.ndarray]:
    """Every tensor of a run's model."""
    folder = study / "runs" / run
    return {**load_file(folder / "network.safetensors"), **load_file(folder / "head.safetensors")}
