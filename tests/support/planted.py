"""Images whose sick ones differ by a bright patch in one place, and a study of such."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project, create_project, open_project
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.train import train
from tests.support.images import write_picture

RECIPE = Recipe(head=HeadSettings(strengths=(1.0, 0.1)), bootstrap=100)
PATCH = (slice(20, 60), slice(110, 150))  # of 160 x 160: the right of the middle, away from border and letters


def planted(folder: Path, patch: tuple[slice, slice], patients: int = 30) -> Path:
    """Images of smooth noise, class `sick` with a textured patch; one a patient."""
    random = np.random.default_rng(0)
    for patient in range(patients):
        coarse = random.uniform(900, 2300, (10, 10))
        image = np.kron(coarse, np.ones((16, 16))) + random.normal(0, 60, (160, 160))
        if patient % 2:
            rows, columns = (part.stop - part.start for part in patch)
            image[patch] = 1600 + 1500 * (np.indices((rows, columns)).sum(axis=0) // 4 % 2)
        label = ("well", "sick")[patient % 2]
        write_picture(folder / label / f"{patient}", np.clip(image, 0, 4095).astype(np.uint16), f"P-{patient}")
    return folder


def train_on(root: Path, images: Path) -> Project:
    """A project with a frozen run on these images; the caller closes it."""
    create_project(root)
    project = open_project(root)
    import_folders(project, [images])
    apply_labels(project, preview_folders(project))
    train(project, make_split(project, SplitPlan(folds=3)), RECIPE)
    return project
