"""Several processes under torchrun: the same recipe, the same global batch, the same result as one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project, open_project
from fineray.project.runs import run
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.training.recipe import (
    AugmentSettings,
    HeadSettings,
    LossSettings,
    Recipe,
    Tuning,
)
from fineray.training.train import train

RECIPE = Recipe(
    mode="finetune",
    head=HeadSettings(strengths=(1.0,), inner_folds=2),
    loss=LossSettings(balance="weights", smoothing=0.1),
    augment=AugmentSettings(views=1),
    bootstrap=100,
    tuning=Tuning(frozen_stages=6, epochs=2, batch=8, source_pull=0.1),
)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="torchrun has no gloo rendezvous over files there")
def test_two_processes_give_what_one_gives(project: Project, images: Callable[..., Path], tmp_path: Path) -> None:
    import_folders(project, [images(patients=10, each=2)])
    apply_labels(project, preview_folders(project))
    split = make_split(project, SplitPlan(folds=2))
    one = train(project, split, RECIPE)
    recipe = tmp_path / "recipe.json"
    recipe.write_text(replace(RECIPE, bootstrap=101).to_json(), "utf-8")
    fineray = shutil.which("fineray", path=str(Path(sys.executable).parent))
    assert fineray is not None
    root = project.root
    project.close()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    # Both are on this computer: they need not find each other by its name in a network.
    near = {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    done = subprocess.run(
        [*command, fineray, "train", str(root), "--recipe", str(recipe), "--json"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "FINERAY_DEVICE": "cpu", **near},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with open_project(root) as again:
        two = run(again, "run-002")
        assert not (again.runs_folder / "run-003").exists(), "one of the two writes"
        np.testing.assert_allclose(two.predictions().probabilities, one.predictions().probabilities, atol=2e-3)
    first, second = (load_file(each.path / "network.safetensors") for each in (one, two))
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=1e-3, atol=1e-3)
