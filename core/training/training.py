"""Following a recipe: features, heads that predict what they did not learn from, the final head, the run."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import __version__
from core.backbones.catalogue import Backbone, backbone
from core.backbones.runtime import TorchRuntime, best_device, device_title
from core.errors import FinerayError
from core.evaluation.intervals import auc
from core.evaluation.metrics import Evaluation, evaluate
from core.progress import FoldDone, Monitor, Progress
from core.project.catalogue import LabelledImage, labelled_images, pseudonyms
from core.project.label_sets import active_label_set
from core.project.project import Project
from core.project.runs import Predictions, RunFolder, write_run
from core.project.seal import current_seal
from core.project.splits import ASIDE, Split, groups, is_current, parts
from core.training.features import feature_space, features_of
from core.training.learners import Data, Fitted, Learner, Work, learner_for
from core.training.recipe import Recipe

STAGE_MODEL, STAGE_FIGURES = "Loading the backbone", "Working out intervals"


class SplitOutdated(FinerayError):
    """Labels changed after the split was made."""


@dataclass(frozen=True)
class _Outcome:
    """Out-of-sample probabilities of the rows `held_out`, the head to keep, and how each fold chose."""

    held_out: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    final: Fitted
    chosen: dict[str, float]


def train(project: Project, split: Split, recipe: Recipe, monitor: Monitor) -> RunFolder:
    """Follow the recipe on the split and keep the run.

    With folds, every image is predicted once, by a head that saw nothing of its patient; the final head learns from
    all images. With training, validation and test parts, the head learns from the first, chooses its regularisation
    on the second and is judged on the third. Raises SplitOutdated, WeightsNotInstalled, Cancelled, storage errors.
    """
    if not is_current(project, split):
        raise SplitOutdated(
            "Labels were added or removed since the split was made", todo="Make the split anew (page Curate)."
        )
    started = time.monotonic()
    chosen = backbone(recipe.backbone)
    monitor.report(Progress(STAGE_MODEL, 0, 0, ""))
    runtime = TorchRuntime(chosen, best_device())
    part_of = parts(project, split)
    images = [image for image in labelled_images(project) if part_of[image.id] != ASIDE]
    features = features_of(project, images, chosen, runtime, monitor)
    featured = time.monotonic()
    data = _data(images, features, part_of, groups(project, split))
    fits = split.plan.folds + 1 if split.plan.kind == "folds" else 1
    with learner_for(project, chosen, runtime.device, data, recipe, Work(monitor, fits)) as learner:
        outcome = _folds(data, learner, monitor) if split.plan.kind == "folds" else _holdout(data, learner, monitor)
    trained = time.monotonic()
    rows = outcome.held_out
    predictions = Predictions(
        classes=data.classes,
        images=np.array([images[row].id for row in rows], dtype=np.int64),
        patients=tuple(pseudonyms(project, [images[row].id for row in rows])),
        parts=tuple(data.parts[rows].tolist()),
        true=data.labels[rows],
        probabilities=outcome.probabilities,
    )
    monitor.check()
    monitor.report(Progress(STAGE_FIGURES, 0, 0, ""))
    evaluation = evaluate(predictions, resamples=recipe.bootstrap, seed=recipe.seed)
    facts = {
        **_provenance(split, chosen, runtime, data),
        "mode": recipe.mode,
        "label_set": active_label_set(project).name,
        "seal": seal.hash if (seal := current_seal(project)) else None,
        "strengths": {**outcome.chosen, "final": outcome.final.strength},
        "seconds": {
            "features": round(featured - started, 3),
            "heads": round(trained - featured, 3),
            "total": round(time.monotonic() - started, 3),
        },
    }
    monitor.check()
    return write_run(
        project, lambda folder: _write(folder, recipe, predictions, evaluation, outcome.final, split, facts)
    )


def _data(
    images: list[LabelledImage], features: NDArray[np.float32], part_of: dict[int, str], group_of: dict[int, int]
) -> Data:
    classes = tuple(sorted({image.label for image in images}))
    number = {name: index for index, name in enumerate(classes)}
    return Data(
        images,
        classes,
        features,
        np.array([number[image.label] for image in images], dtype=np.int64),
        np.array([group_of[image.id] for image in images], dtype=np.int64),
        np.array([part_of[image.id] for image in images]),
    )


def _folds(data: Data, learner: Learner, monitor: Monitor) -> _Outcome:
    size = len(data.classes)
    names = sorted(set(data.parts.tolist()), key=int)
    probabilities = np.zeros((len(data.labels), size))
    chosen = {}
    for name in names:
        held_out = data.parts == name
        fitted = learner.fit(~held_out, int(name))
        chosen[name] = fitted.strength
        probabilities[held_out] = fitted.probabilities(held_out)
        _report_fold(data, held_out, probabilities[held_out], int(name), len(names), monitor)
    final = learner.fit(np.ones(len(data.labels), dtype=bool), 0)
    return _Outcome(np.arange(len(data.labels)), probabilities, final, chosen)


def _holdout(data: Data, learner: Learner, monitor: Monitor) -> _Outcome:
    training, validation, test = (data.parts == name for name in ("training", "validation", "test"))
    final = learner.fit(training, 1, validation)
    probabilities = final.probabilities(test)
    _report_fold(data, test, probabilities, 1, 1, monitor)
    return _Outcome(np.flatnonzero(test), probabilities, final, {})


def _report_fold(
    data: Data, rows: NDArray[np.bool_], probabilities: NDArray[np.float64], fold: int, folds: int, monitor: Monitor
) -> None:
    areas = [
        auc(probabilities[:, number], data.labels[rows] == number, data.groups[rows]).value
        for number in range(len(data.classes))
    ]
    defined = [area for area in areas if area is not None]
    mean = float(np.mean(defined)) if len(defined) == len(areas) else None
    monitor.report(FoldDone(fold, folds, mean, int(rows.sum())))


def _provenance(split: Split, chosen: Backbone, runtime: TorchRuntime, data: Data) -> dict[str, Any]:
    listing = "\n".join(f"{image.content_hash} {image.label}" for image in data.images)
    libraries = ("torch", "timm", "torchvision", "scikit-learn", "scipy", "numpy", "pydicom")
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "fineray": __version__,
        "device": device_title(runtime.device),
        "backbone": {
            "name": chosen.name,
            "title": chosen.title,
            "weights_sha256": runtime.weights_sha256,
            "feature_space": feature_space(chosen, runtime.weights_sha256),
        },
        "split": {**asdict(split.plan), "hash": split.hash},
        "data_sha256": hashlib.sha256(listing.encode()).hexdigest(),
        "environment": {"python": platform.python_version(), **{name: version(name) for name in libraries}},
    }


def _write(
    folder: Path,
    recipe: Recipe,
    predictions: Predictions,
    evaluation: Evaluation,
    final: Fitted,
    split: Split,
    facts: dict[str, Any],
) -> None:
    (folder / "recipe.json").write_text(recipe.to_json(), "utf-8")
    (folder / "split.json").write_text(json.dumps({"format": 1, **asdict(split)}, indent=2), "utf-8")
    predictions.save(folder / "predictions.csv")
    final.save(folder)
    metrics = {"format": 1, **asdict(evaluation), **facts}
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2), "utf-8")
