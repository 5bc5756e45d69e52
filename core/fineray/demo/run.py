"""The demo from nothing to a run."""

from __future__ import annotations

from pathlib import Path

from fineray.demo.study import write_study
from fineray.progress import Monitor, Progress
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_table
from fineray.project.project import create_project, open_project
from fineray.project.splits import SplitPlan
from fineray.training.recipe import Recipe
from fineray.training.results import RunDone

FOLDS = 5


def run_demo(folder: Path, monitor: Monitor) -> RunDone:
    """Images and the project in folders of their own below `folder`. Raises FolderNotEmpty, Cancelled or a storage
    error."""
    root, images = folder / "Demo project (synthetic)", folder / "Synthetic chest phantoms"
    create_project(root)
    labels = write_study(images, monitor=monitor)
    with open_project(root, lock=True) as project:
        import_folders(project, [images], monitor=monitor)
        apply_labels(project, preview_table(project, labels))
        monitor.report(Progress("Splitting by patient", 0, 0, ""))
        # Loaded when their turn comes: the images are drawn meanwhile, and a person sees that something happens.
        from fineray.project.splitting.make import make_split

        split = make_split(project, SplitPlan(folds=FOLDS))
        from fineray.training.train import train

        return RunDone(root, train(project, split, Recipe(), monitor=monitor).name)
