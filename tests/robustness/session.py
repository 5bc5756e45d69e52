"""A whole session as a process that may be killed at any moment and started again.

python -m tests.robustness.session STUDY FILMS     goes on from wherever the last one was stopped; prints each step
"""

from __future__ import annotations

import sys
from pathlib import Path

from core.progress import Monitor
from core.project.catalogue import counts
from core.project.importing import import_folders
from core.project.labels import apply_labels, preview_folders
from core.project.project import CATALOGUE, create_project, open_project
from core.project.runs import runs
from core.project.splits import SplitPlan, latest_split
from core.project.splitting import make_split
from core.training.recipe import HeadSettings, Recipe, Tuning
from core.training.training import train

RECIPE = Recipe(
    mode="finetune",
    head=HeadSettings(strengths=(1.0,), inner_folds=2),
    tuning=Tuning(epochs=2, batch=8, frozen_stages=7),
    bootstrap=100,
)


def main(study: Path, films: Path) -> None:
    """Import, label, split, train; each step is skipped where it is done."""
    if not (study / CATALOGUE).is_file():
        create_project(study)
    with open_project(study, lock=True) as project:
        print("opened", flush=True)
        import_folders(project, [films], Monitor())
        print("imported", flush=True)
        if counts(project).labelled < counts(project).images:
            apply_labels(project, preview_folders(project))
        print("labelled", flush=True)
        split = latest_split(project) or make_split(project, SplitPlan(folds=2))
        print("split", flush=True)
        if not runs(project):
            train(project, split, RECIPE, Monitor())
        print("trained", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
