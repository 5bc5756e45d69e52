"""Studies that tests borrow: made once a test run, whichever of its processes asks first, and lent as copies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from fineray.backbones.catalogue import DEFAULT_BACKBONE, backbone
from fineray.backbones.runtime import Runtime
from fineray.evaluation.operating_point import OperatingPoint
from fineray.progress import Monitor
from fineray.project.catalogue import labelled_images
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project, create_project, open_project
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.project.splitting.sealing import seal_test
from fineray.training.devices import best_device
from fineray.training.features import features_of
from fineray.training.opening import freeze, open_test
from fineray.training.recipe import HeadSettings, Recipe, Tuning
from fineray.training.train import train
from tests.support.images import write_classes, write_image, write_images_of_patients
from tests.support.planted import PATCH, planted, train_on

QUICK = HeadSettings(strengths=(1.0,), inner_folds=2)
FROZEN = Recipe(head=QUICK, bootstrap=100)
TUNED = Recipe(mode="finetune", head=QUICK, tuning=Tuning(epochs=1, frozen_stages=7), bootstrap=100)


@dataclass(frozen=True)
class Zoo:
    """Folders with a project `study`, its `images` and the `home` that knows them, below one folder of the test run."""

    root: Path

    @classmethod
    def of(cls, factory: pytest.TempPathFactory) -> Zoo:
        """The one that all processes of this test run share."""
        base = factory.getbasetemp()
        root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "zoo"
        root.mkdir(exist_ok=True)
        return cls(root)

    def made(self, name: str, make: Callable[[Path], None]) -> Path:
        """The folder of that name, which make() fills where nobody has before. Nobody writes into it later."""
        folder, whole = self.root / name, self.root / f"{name}.made"
        with FileLock(self.root / f"{name}.lock"):
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that did not come to its end
                folder.mkdir()
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("FINERAY_HOME", str(folder / "home"))
                    make(folder)
                whole.touch()
        return folder

    def labelled(self, patients: int, each: int, *, features: bool = False) -> Path:
        """`bright` and `dark` images of so many patients, labelled by their folders; features: the default backbone's
        are kept already."""
        name = f"labelled {patients} x {each}"
        if features:
            return self.made(f"{name} with features", lambda folder: _looked_at(folder, patients, each))
        return self.made(name, lambda folder: _labelled(folder, patients, each))

    def trained(self) -> Path:
        """40 patients with two runs in three folds, 001 frozen and 002 tuned."""
        return self.made("trained", _trained)

    def reviewed(self) -> Path:
        """16 patients with two images each and a frozen run in four folds."""
        return self.made("reviewed", _reviewed)

    def overlapping(self) -> Path:
        """24 patients of two makers whose classes overlap, with two frozen runs in three folds."""
        return self.made("overlapping", _overlapping)

    def sealed_and_opened(self) -> Path:
        """40 patients, a quarter of them sealed, a run that was frozen at 0.6 for `dark`, and the test set opened."""
        return self.made("sealed and opened", _sealed_and_opened)

    def planted(self) -> Path:
        """30 patients, half of them with a bright patch in one place, and a frozen run in three folds."""
        return self.made("planted", _planted)


def lend(made: Path, to: Path, home: Path | None = None) -> Path:
    """A copy of a study's project at `to`, to be changed at will. Its images stay where they are, to be read alone; the
    user of this home knows of them."""
    shutil.copytree(made / "study", to)
    if home is not None:
        shutil.copytree(made / "home" / "sources", home / "sources", dirs_exist_ok=True)
    return to


def _labelled(folder: Path, patients: int, each: int) -> None:
    write_images_of_patients(folder / "images", patients, each)
    _imported(folder).close()


def _looked_at(folder: Path, patients: int, each: int) -> None:
    _labelled(folder, patients, each)
    default = backbone(DEFAULT_BACKBONE)
    with open_project(folder / "study") as project:
        features_of(project, labelled_images(project), default, Runtime(default, best_device()), Monitor())


def _imported(folder: Path) -> Project:
    create_project(folder / "study")
    project = open_project(folder / "study")
    import_folders(project, [folder / "images"])
    apply_labels(project, preview_folders(project))
    return project


def _trained(folder: Path) -> None:
    write_classes(folder / "images", 40, bright=0.62, dark=0.38)
    with _imported(folder) as project:
        split = make_split(project, SplitPlan(folds=3))
        for recipe in (FROZEN, TUNED):
            train(project, split, recipe)


def _reviewed(folder: Path) -> None:
    write_images_of_patients(folder / "images", 16, 2)
    with _imported(folder) as project:
        train(project, make_split(project, SplitPlan(folds=4)), FROZEN)


def _sealed_and_opened(folder: Path) -> None:
    write_images_of_patients(folder / "images", 40, 1)
    with _imported(folder) as project:
        seal_test(project, SplitPlan(test_share=0.25))
        name = train(project, make_split(project, SplitPlan(folds=3)), FROZEN).name
        freeze(project, name, OperatingPoint("dark", 0.6, "by hand"))
        open_test(project, name, Monitor())


def _overlapping(folder: Path) -> None:
    for patient in range(24):
        label = ("bright", "dark")[patient % 2]
        level = 0.5 + (0.02 if label == "bright" else 0) + 0.03 * np.sin(patient * 2.4)
        tags = {"Manufacturer": ("ACME", "Other")[patient % 3 == 0], "PixelSpacing": [0.2, 0.2]}
        for which in range(2):
            path = folder / "images" / label / f"p{patient}-{which}"
            write_image(path, patient=f"PAT-{patient}", number=which, level=level, **tags)
    with _imported(folder) as project:
        split = make_split(project, SplitPlan(folds=3))
        for strengths in ((1.0,), (0.03,)):
            recipe = Recipe(head=HeadSettings(strengths=strengths, inner_folds=2), bootstrap=100)
            train(project, split, recipe)


def _planted(folder: Path) -> None:
    train_on(folder / "study", planted(folder / "images", PATCH)).close()
