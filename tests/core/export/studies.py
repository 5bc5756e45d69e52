"""Studies for tests of the report: one in which nothing optional was done, one with attributes in every file."""

from __future__ import annotations

from pathlib import Path

from core.progress import Monitor
from core.project.importing import import_folders
from core.project.labels import apply_labels, preview_folders
from core.project.project import create_project, open_project
from core.project.splits import SplitPlan
from core.project.splitting import make_split
from core.training.recipe import HeadSettings, Recipe
from core.training.training import train
from tests.support.films import write_film

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
        write_film(root / label / f"p{patient}", patient=f"SECRET-{patient}", level=level, **tags)
    return root


def make_study(root: Path, patients: int, *, stated: bool) -> Path:
    """A project of such images with labels, whose features are kept: a run by chance was trained on it."""
    films = write_study(root / "films", patients, stated=stated)
    create_project(root / "study")
    with open_project(root / "study") as project:
        import_folders(project, [films], Monitor())
        apply_labels(project, preview_folders(project))
        train(project, make_split(project, SplitPlan(folds=3)), PLAIN, Monitor())
    return root / "study"
