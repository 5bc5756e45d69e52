"""Taking a package in: checked, tried out, and put where runs are."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from fineray.backbones.catalogue import backbone_for
from fineray.errors import FinerayError, storage_error
from fineray.evaluation.operating_point import OperatingPoint
from fineray.export.results import OpenedModel
from fineray.export.whole_network import probe_logits
from fineray.package.archive import PackageRefused, read_archive
from fineray.package.signature import SignatureWrong
from fineray.prediction.training_set import TrainingSet
from fineray.progress import Monitor, Progress
from fineray.project.project import CATALOGUE, create_project, open_project
from fineray.project.runs import PACKAGE, RunFolder, write_run
from fineray.training.features import FEATURES
from fineray.training.preprocessing import PREPROCESSING
from fineray.training.recipe import LARGEST, Recipe

SAME = 1e-5  # largest relative difference of a logit between two computers
STAGE = "Checking the package"


def open_package(package: Path, target: Path, monitor: Monitor, signed_by: str = "") -> OpenedModel:
    """Check a package, try the model out, and add it to the project in `target`, or to a new one there.

    A package that is in the project already is not added again. signed_by: the fingerprint of the only key accepted.
    Raises PackageRefused, SignatureWrong, FolderNotEmpty or a storage error; then nothing was written.
    """
    monitor.report(Progress(STAGE, 0, 0, ""))
    with tempfile.TemporaryDirectory(prefix="fineray-") as temporary:
        folder = Path(temporary)
        try:
            opened = read_archive(package, folder)
        except OSError as error:
            raise storage_error(error) or error from error
        fingerprint = opened.signature.fingerprint if opened.signature else ""
        if signed_by and "".join(signed_by.split()).lower() != "".join(fingerprint.split()):
            raise SignatureWrong(
                "The package is not signed by that key" if fingerprint else "The package is not signed",
                where=str(package),
                todo=f"It bears {fingerprint or 'no signature'}. Compare with its sender, over the telephone say.",
            )
        monitor.check()
        difference = tried_out(folder, opened.facts, package)
        monitor.check()
        name = _added(folder, target)
        card = (folder / "model_card.md").read_text("utf-8")
    return OpenedModel(target, name, card, tuple(opened.facts["classes"]), fingerprint, difference)


def tried_out(folder: Path, facts: dict[str, Any], package: Path) -> float:
    """Let the model predict the pictures that its sender let it predict; the largest relative difference of a logit.

    Raises PackageRefused where it cannot be used here, or says something else.
    """
    try:
        made_with = facts["preprocessing"]["input"], facts["preprocessing"]["features"]
        if made_with != (PREPROCESSING, FEATURES):
            raise PackageRefused(
                "The model was made for images prepared in another way than this version does",
                where=str(package),
                todo=f"Use Fineray {facts['fineray']}, or ask the sender for a new package.",
            )
        recipe = Recipe.of_run(folder)
        if backbone_for(folder, recipe.backbone).input_size > LARGEST:
            raise ValueError("an input larger than any")
        point = OperatingPoint.from_json(facts["point"])
        known = TrainingSet.load(folder)
        (folder / "model_card.md").read_text("utf-8")
        classes = RunFolder(folder).metrics().classes
        found = probe_logits(RunFolder(folder))
        expected = np.array(facts["reference"], dtype=np.float64)
        if not found.shape == expected.shape == (len(expected), len(classes)) or list(classes) != facts["classes"]:
            raise ValueError("classes that do not fit together")
        if known.scores.shape[1] != len(classes):
            raise ValueError("scores of other classes")
        if not {point.positive, *point.findings} <= {"", *classes}:
            raise ValueError("an operating point for other classes")
        difference = float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
    except PackageRefused:
        raise
    except (
        *(FinerayError, SafetensorError, OSError, RuntimeError),
        *(ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError),
    ) as error:
        raise PackageRefused(
            "The package does not hold a model that this Fineray can use",
            where=str(package),
            todo="Ask its sender to export it again, with the same version of Fineray if possible.",
        ) from error
    if not difference <= SAME:
        raise PackageRefused(
            f"The model does not predict here what it predicted at its sender's (difference {difference:.1g})",
            where=str(package),
            todo="Do not use it: its parts do not belong together, or this computer computes differently.",
        )
    return difference


def _added(folder: Path, target: Path) -> str:
    """The name of the run in the project, made if it is not there."""
    if not (target / CATALOGUE).is_file():
        create_project(target)
    listing = (folder / PACKAGE).read_bytes()
    with open_project(target) as project:  # whoever asks holds the lock
        for path in sorted(project.runs_folder.glob("run-*")):
            if (path / PACKAGE).is_file() and (path / PACKAGE).read_bytes() == listing:
                return path.name
        return write_run(project, lambda run: _copy(folder, run)).name


def _copy(folder: Path, run: Path) -> None:
    for path in folder.iterdir():
        shutil.copyfile(path, run / path.name)
