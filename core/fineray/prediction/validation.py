"""External validation: a model from elsewhere judged on this project's images and labels, as a run of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from fineray import __version__
from fineray.backbones.catalogue import backbone_for
from fineray.backbones.runtime import Runtime, best_device, device_title
from fineray.errors import FinerayError
from fineray.evaluation.metrics import evaluate
from fineray.explaining.kept import EXPLANATIONS
from fineray.prediction.training_set import TrainingSet, training_set_of
from fineray.progress import SILENT, Monitor, Progress
from fineray.project.catalogue import LabelledImage, labelled_images
from fineray.project.kept_point import point_of
from fineray.project.label_sets import active_label_set
from fineray.project.project import Project
from fineray.project.run_metrics import BackboneUsed, JudgedElsewhere, SplitUsed
from fineray.project.runs import (
    FROZEN,
    METRICS,
    OPERATING_POINT,
    PREDICTIONS,
    TEST_METRICS,
    TEST_PREDICTIONS,
    RunFolder,
    write_run,
)
from fineray.project.splits import EXTERNAL
from fineray.training.features import feature_space
from fineray.training.model import predicted
from fineray.training.recipe import Recipe

# Of the model's folder: what is said of the images there, or what the new run has of its own.
LEFT_BEHIND = (
    *(PREDICTIONS, METRICS, "model_card.md", EXPLANATIONS),
    *(OPERATING_POINT, FROZEN, TEST_METRICS, TEST_PREDICTIONS),
)


class OtherLabels(FinerayError):
    """The model answers another question than the project's labels ask."""


def validate(project: Project, folder: RunFolder, monitor: Monitor = SILENT) -> RunFolder:
    """Let a model that was opened from a package predict every labelled image of the project, and keep it as a run.

    Images that the model learned from, or of its makers' sealed test set, are left out. The operating point is the
    model's own; nothing is chosen here. Raises OtherLabels, Cancelled or a storage error.
    """
    started = time.monotonic()
    known = training_set_of(project, folder)
    model, recipe = folder.metrics(), folder.recipe()
    classes, multilabel = model.classes, model.multilabel
    images, left_out = _judged(project, known, classes, multilabel)
    predictions = predicted(project, folder, images, EXTERNAL, monitor)
    monitor.check()
    monitor.report(Progress("Working out intervals", 0, 0, ""))
    evaluation = evaluate(predictions, resamples=recipe["bootstrap"], seed=recipe["seed"])
    monitor.check()
    data = hashlib.sha256("\n".join(f"{each.content_hash} {each.label}" for each in images).encode()).hexdigest()
    trained_as, seed = (folder.package() or {}).get("run", ""), int(recipe["seed"])
    metrics = replace(
        model,
        figures=evaluation,
        split=SplitUsed(EXTERNAL, data, seed=seed),
        backbone=_network(folder, model.backbone),
        label_set=active_label_set(project).name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fineray=__version__,
        device=device_title(best_device()),
        data_sha256=data,
        seal=None,
        temperatures={},
        inner_folds=None,
        search=None,
        seconds={"total": round(time.monotonic() - started, 3)},
        external=JudgedElsewhere(folder.name, trained_as, left_out, point_of(folder)),
    )

    def write(into: Path) -> None:
        for path in folder.path.iterdir():
            if path.name not in LEFT_BEHIND:
                shutil.copyfile(path, into / path.name)
        predictions.save(into / PREDICTIONS)
        (into / "split.json").write_text(
            json.dumps({"format": 1, "hash": data, "plan": asdict(metrics.split)}), "utf-8"
        )
        (into / METRICS).write_text(json.dumps(metrics.to_json(), indent=2), "utf-8")

    return write_run(project, write)


def _network(folder: RunFolder, used: BackboneUsed) -> BackboneUsed:
    """What is said of the backbone; its features here lie in a space of the weights that the package brought."""
    if not used.feature_space:
        return used
    recipe = Recipe.of_run(folder.path)
    chosen = backbone_for(folder.path, recipe.backbone)
    runtime = Runtime(chosen, best_device(), recipe.pooling, recipe.input_size)
    return replace(used, weights_sha256=runtime.weights_sha256, feature_space=feature_space(chosen, runtime))


def _judged(
    project: Project, known: TrainingSet, classes: tuple[str, ...], multilabel: bool
) -> tuple[list[LabelledImage], dict[str, int]]:
    """(the images to judge, how many were left out for which reason)."""
    labels, labelled = active_label_set(project), labelled_images(project)
    there = {image.label for image in labelled}
    missing = [name for name in classes if name not in (labels.classes if multilabel else there)]
    if (labels.kind == "multi") != multilabel or (missing and not multilabel) or len(missing) == len(classes):
        what = "findings that may stand side by side" if multilabel else "one class an image"
        raise OtherLabels(
            f"The model tells {', '.join(classes)} ({what}); the labels “{labels.name}” have"
            f" {', '.join(labels.classes) or 'none'}",
            where=project.name,
            todo="Use a label set with the model's classes, spelt as the model spells them (page Curate).",
        )
    found, left_out = [], {"learned from": 0, "sealed elsewhere": 0, "other labels": 0}
    for image in labelled:
        digest = known.digest(image.content_hash)
        if digest in known.learned:
            left_out["learned from"] += 1
        elif digest in known.sealed:
            left_out["sealed elsewhere"] += 1
        elif not multilabel and image.label not in classes:
            left_out["other labels"] += 1
        else:
            found.append(image)
    if not found:
        raise OtherLabels(
            "No image is left to judge the model on: it learned from all of them",
            where=project.name,
            todo="Import images that the model has not seen.",
        )
    return found, left_out
