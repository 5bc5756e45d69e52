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
from fineray.progress import SILENT, Monitor, Progress
from fineray.project.project import CATALOGUE, create_project, open_project
from fineray.project.runs import PACKAGE, RunFolder, write_run
from fineray.system.places import Place
from fineray.training.features import FEATURES
from fineray.training.preprocessing import PREPROCESSING
from fineray.training.recipe import LARGEST, Recipe

SAME = 1e-5  # largest relative difference of a logit between two computers
STAGE = "Checking the package"


def open_package(package: Place, target: Place, signed_by: str = "", monitor: Monitor = SILENT) -> OpenedModel:
    """Check a package, try its model out, and add it to a project.

    A package that is in the project already is not added again. Nothing in it is run; nothing is written where it is
    refused.

    Parameters
    ----------
    package : str or path
        A .frpkg by `export_package`.
    target : str or path
        The folder of the project; a new one is made where there is none.
    signed_by : str
        The fingerprint of the only key that is accepted, if one is given.
    monitor : Monitor
        May cancel.

    Returns
    -------
    OpenedModel
        The name of the run, its card and classes, who signed it, and the largest relative difference between what the
        model says here and what it said at its sender's.

    Raises
    ------
    PackageRefused
        It is damaged or changed, or predicts something else here.
    SignatureWrong
        Another key signed it, or none.
    FolderNotEmpty
        Other files lie in the folder.
    Cancelled
        By the monitor.
    DiskFull, StorageUnavailable
        The disk refuses.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     _ = fineray.export_package(project, fineray.run(project, "run-001"), "model.frpkg")
    >>> opened = fineray.open_package("model.frpkg", "elsewhere")
    >>> opened.run, opened.classes
    ('run-001', ('clear (synthetic)', 'opacity (synthetic)'))
    """
    package, target = Path(package), Path(target)
    monitor.report(Progress(STAGE, 0, 0, ""))
    with tempfile.TemporaryDirectory(prefix="fineray-") as temporary:
        folder = Path(temporary)
        try:
            opened = read_archive(package, folder)
        except OSError as error:
            raise storage_error(error) or error from error
        fingerprint = opened.signature.fingerprint if opened.signature else ""
        if signed_by and not signed_by.strip():
            raise PackageRefused(
                "The fingerprint asked for is blank", where=str(package), todo="Give the sender's fingerprint, or none."
            )
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
