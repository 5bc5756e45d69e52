"""What goes into a package: the model, all that its predictions depend on, and what is known of it."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors.torch import save_file

from fineray import __version__
from fineray.backbones.catalogue import (
    BROUGHT_RECORD,
    BROUGHT_WEIGHTS,
    Backbone,
    WeightPack,
    backbone_for,
    weights_source,
)
from fineray.backbones.surgery import architecture
from fineray.backbones.weights import load_weights, with_names_of
from fineray.evaluation.operating_point import PointRule
from fineray.evaluation.predictions import Predictions
from fineray.export.results import ExportedModel
from fineray.export.whole_network import probe_logits
from fineray.package.archive import (
    ENDING,
    STUDY_PREDICTIONS,
    STUDY_TEST_METRICS,
    STUDY_TEST_PREDICTIONS,
    write_archive,
)
from fineray.package.card import model_card
from fineray.package.signature import SigningKey
from fineray.prediction.training_set import attribute_counts, training_set_of
from fineray.progress import SILENT, Monitor, Progress
from fineray.project.chosen_point import point_by_rule
from fineray.project.files.rare_values import FEWEST_PATIENTS
from fineray.project.project import Project
from fineray.project.run_metrics import SplitUsed
from fineray.project.runs import METRICS, TEST_METRICS, RunFolder, learned_from
from fineray.system.digest import sha256
from fineray.system.output_file import check_output
from fineray.system.places import Place
from fineray.training.features import FEATURES
from fineray.training.learners import HEAD_FILE, NETWORK_FILE
from fineray.training.model import trained_model
from fineray.training.opening import NotFrozen
from fineray.training.preprocessing import PREPROCESSING
from fineray.training.recipe import Recipe

Kind = Literal["model", "study"]
STAGE = "Writing the package"


def export_package(
    project: Project,
    folder: RunFolder,
    output: Place,
    kind: Kind = "model",
    rule: PointRule | None = None,
    abstain: tuple[float, float] | None = None,
    key: SigningKey | None = None,
    monitor: Monitor = SILENT,
) -> ExportedModel:
    """Write a run as a package for others, whole or not at all.

    It holds the model, the weights that it needs, its card and its figures; no image, and no patient.

    Parameters
    ----------
    project : Project
        The project of the run.
    folder : RunFolder
        The run.
    output : str or path
        A .frpkg in a folder that is there.
    kind : {"model", "study"}
        A study is a capsule: its run has to be frozen, and it holds the predictions behind the figures, by number.
    rule : PointRule, optional
        It chooses the operating point on out-of-sample predictions, in place of the run's own, where none was frozen.
    abstain : (float, float), optional
        The band of probabilities, 0 to 1, in which the run is to say nothing.
    key : SigningKey, optional
        Signs the package (Ed25519, RFC 8032).
    monitor : Monitor
        May cancel.

    Returns
    -------
    ExportedModel
        The path as text, the SHA-256 of the file, and the key's fingerprint.

    Raises
    ------
    CannotWriteThere
        The name has another ending, or the folder is not there.
    NotFrozen
        A study capsule of a run that might still change.
    WeightsNotInstalled
        The backbone's weights are not on this computer.
    Cancelled
        By the monitor.
    DiskFull, StorageUnavailable
        The disk refuses.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     made = fineray.export_package(project, fineray.run(project, "run-001"), "model.frpkg")
    >>> made.path, len(made.sha256)
    ('model.frpkg', 64)
    """
    output = Path(output)
    check_output(output, (ENDING,), "A package")
    if kind == "study" and folder.frozen() is None:
        raise NotFrozen(
            f"{folder.name} is not frozen, so its operating point might still change",
            todo="Freeze it first (page Review, or the command freeze); that takes a sealed test set.",
        )
    with tempfile.TemporaryDirectory(prefix="fineray-") as temporary:
        into = Path(temporary)
        monitor.report(Progress(STAGE, 0, 0, ""))
        _put_model(folder, into)
        monitor.check()
        known = training_set_of(project, folder)
        if folder.package() is None:  # what was brought from elsewhere leaves as it came
            learned = learned_from(project, folder)
            known = replace(known, attributes=attribute_counts(project, learned, FEWEST_PATIENTS))
        known.save(into)
        facts = facts_of(folder, kind, rule, abstain)
        if kind == "study":
            _put_study(folder, into, facts)
        monitor.check()
        (into / "model_card.md").write_text(model_card(facts, known, folder), "utf-8")
        write_archive(output, into, facts, key)
    return ExportedModel(str(output), sha256(output), key.fingerprint if key else "")


def _put_model(folder: RunFolder, into: Path) -> None:
    recipe = Recipe.of_run(folder.path)
    chosen = backbone_for(folder.path, recipe.backbone)
    names = ["recipe.json", HEAD_FILE, *([] if recipe.mode == "frozen" else [NETWORK_FILE])]
    for name in names:
        shutil.copyfile(folder.path / name, into / name)
    digest = ""
    if recipe.mode != "scratch":
        state, _ = load_weights(chosen)
        fitted = with_names_of(architecture(chosen), chosen, state)
        save_file({name: tensor.contiguous().clone() for name, tensor in fitted.items()}, into / BROUGHT_WEIGHTS)
        digest = sha256(into / BROUGHT_WEIGHTS)
    travelling: Backbone = replace(chosen, weights=WeightPack(BROUGHT_WEIGHTS, digest))
    (into / BROUGHT_RECORD).write_text(json.dumps(asdict(travelling), indent=1), "utf-8")
    metrics = folder.metrics()
    split = SplitUsed(metrics.split.kind, metrics.split.hash, metrics.split.folds, metrics.split.seed)
    without = replace(metrics, split=split)  # no values of attributes
    (into / METRICS).write_text(json.dumps(without.to_json(), indent=2), "utf-8")


def facts_of(
    folder: RunFolder, kind: Kind = "model", rule: PointRule | None = None, abstain: tuple[float, float] | None = None
) -> dict[str, Any]:
    """What every form of export says of a run; the operating point as for export_package()."""
    metrics, model = folder.metrics(), trained_model(folder)
    recipe = Recipe.of_run(folder.path)
    chosen = backbone_for(folder.path, recipe.backbone)
    brought = folder.package()
    return {
        "kind": kind,
        "fineray": __version__,
        "run": brought["run"] if brought else folder.name,
        "created": metrics.created,
        "classes": metrics.classes,
        "multilabel": metrics.multilabel,
        "label_set": metrics.label_set,
        "mode": recipe.mode,
        "backbone": {
            "title": chosen.title,
            "source_task": chosen.source_task if weights_source(chosen).known != "unknown" else "",
            "licence": chosen.licence,
        },
        "preprocessing": {
            "pixels": "presentation order (0 black, 255 white) after modality, VOI and presentation LUT, 8 bit, "
            f"longest side at most {metrics.backbone.stored_side}",
            "stored_side": metrics.backbone.stored_side,
            "input": PREPROCESSING,
            "input_size": model.input_size,
            "channels": "one, gray",
            "mean": sum(chosen.mean) / 3,
            "std": sum(chosen.std) / 3,
            "features": FEATURES,
        },
        "temperature": model.temperature,
        "point": point_by_rule(folder, None if folder.frozen() else rule).to_json(),
        "abstain": list(abstain) if abstain else None,
        "images": metrics.figures.images,
        "patients": metrics.figures.patients,
        "auc": asdict(metrics.figures.auc),
        "accuracy": asdict(metrics.figures.accuracy),
        "split_hash": metrics.split.hash,
        "data_sha256": metrics.data_sha256,
        "environment": metrics.environment,
        "reference": probe_logits(folder).tolist(),
    }


def _put_study(folder: RunFolder, into: Path, facts: dict[str, Any]) -> None:
    frozen = folder.frozen()
    assert frozen is not None
    facts["frozen"] = {"when": frozen.frozen, "seal": frozen.seal, "hashes": frozen.hashes}
    by_number(folder.predictions()).save(into / STUDY_PREDICTIONS)
    if folder.test() is not None:
        test, multilabel = folder.test_predictions(), facts["multilabel"]
        predicted = frozen.point.names(test.classes, test.probabilities, multilabel)
        by_number(test).save(into / STUDY_TEST_PREDICTIONS, predicted)
        shutil.copyfile(folder.path / TEST_METRICS, into / STUDY_TEST_METRICS)


def by_number(predictions: Predictions) -> Predictions:
    """The same rows with images and patients counted from 1, in the order that intervals by resampling depend on."""
    numbers = {name: f"P{number:06d}" for number, name in enumerate(sorted(set(predictions.patients)), start=1)}
    return replace(
        predictions,
        images=np.arange(1, len(predictions.images) + 1),
        patients=tuple(numbers[name] for name in predictions.patients),
    )
