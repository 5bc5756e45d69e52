"""Studies for tests of the report: one in which nothing optional was done, one with attributes in every file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fineray.checks.run import run_checks
from fineray.evaluation.choosing_point import choose_point
from fineray.evaluation.operating_point import PointRule
from fineray.explaining.explain import explain, mean_map
from fineray.progress import Monitor
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.labels.readings import adjudicate, save_reading
from fineray.project.project import Project, create_project, open_project
from fineray.project.runs import RunFolder
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.project.splitting.sealing import seal_test
from fineray.training.choosing.ranking import rank
from fineray.training.opening import freeze, open_test
from fineray.training.recipe import (
    AugmentSettings,
    HeadSettings,
    LossSettings,
    Recipe,
)
from fineray.training.train import train
from tests.support.images import write_image

PLAIN = Recipe(head=HeadSettings(strengths=(1.0,), inner_folds=3), bootstrap=100)
CHOSEN = Recipe(head=HeadSettings(strengths=(1.0, 0.1), inner_folds=3), bootstrap=100)


def write_study(root: Path, patients: int, *, stated: bool) -> Path:
    """An image a patient in folders by class; `stated`: three sites, two makers, a date, sex and age each."""
    for patient in range(patients):
        label, level = (("bright", 0.53), ("dark", 0.47))[patient % 2]
        tags = {"ViewPosition": None}
        if stated:
            site = patient // 2 % 3
            tags = {
                "InstitutionName": f"House {site}",
                "Manufacturer": ("ACME", "Other")[patient // 2 % 2],
                "StudyDate": f"2019{patient % 12 + 1:02d}01",
                "PatientSex": "FM"[patient // 4 % 2],
                "PatientAge": f"{30 + patient:03d}Y",
            }
        write_image(root / label / f"p{patient}", patient=f"SECRET-{patient}", level=level, **tags)
    return root


def make_study(root: Path, patients: int, *, stated: bool) -> Path:
    """A project of such images with labels, whose features are kept: a run by chance was trained on it."""
    images = write_study(root / "images", patients, stated=stated)
    create_project(root / "study")
    with open_project(root / "study") as project:
        import_folders(project, [images])
        apply_labels(project, preview_folders(project))
        train(project, make_split(project, SplitPlan(folds=3)), PLAIN)
    return root / "study"


def do_everything(project: Project) -> RunFolder:
    """Seal a site, check, rank, train with choices, explain, read, decide, freeze, open."""
    seal_test(project, SplitPlan("holdout", by="site_hash", test_values=("Site 3",)))
    run_checks(project, Monitor())
    split = make_split(project, SplitPlan(folds=3, stratify=("sex",)))
    rank(project, split, ["efficientnet_lite0"], Monitor())
    recipe = replace(
        CHOSEN,
        augment=AugmentSettings(views=1, test_views=1, crop=0.1),
        loss=LossSettings(kind="focal", balance="weights", smoothing=0.1),
        head=replace(CHOSEN.head, kind="mlp", hidden=8),
    )
    folder = train(project, split, recipe)
    predictions = folder.predictions()
    for row, method in ((0, "grad-cam"), (1, "grad-cam"), (0, "occlusion")):
        explain(project, folder, int(predictions.images[row]), "dark", method, predictions.parts[row], Monitor())
    mean_map(project, folder, predictions.images[:3].tolist(), "dark", Monitor())
    image = int(predictions.images[0])
    save_reading(project, folder.name, "AB", image, "dark", 3.0)
    adjudicate(project, folder.name, "AB", image, "dark", "CD", "seen again")
    freeze(project, folder.name, choose_point(predictions, PointRule("youden", "dark")))
    open_test(project, folder.name, Monitor())
    return folder
