"""A study that was trained, for the pages that show one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.progress import Monitor
from core.project.importing import import_folders
from core.project.labels import apply_labels, preview_folders
from core.project.project import create_project, open_project
from core.project.splits import SplitPlan
from core.project.splitting import make_split
from core.training.recipe import HeadSettings, Recipe
from core.training.training import train


@pytest.fixture
def trained(tmp_path: Path, films: Callable[..., Path]) -> Path:
    """A project of 16 patients with labels, a split and a run."""
    root = tmp_path / "trained study"
    create_project(root)
    with open_project(root) as project:
        import_folders(project, [films(patients=16, each=2)], Monitor())
        apply_labels(project, preview_folders(project))
        split = make_split(project, SplitPlan(folds=4))
        train(project, split, Recipe(head=HeadSettings(strengths=(1.0,), inner_folds=2), bootstrap=100), Monitor())
    return root
