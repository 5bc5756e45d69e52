"""Freezing a run, and opening the sealed test set with it. No other way leads to predictions of sealed images."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fineray.errors import FinerayError
from fineray.evaluation.metrics import evaluate
from fineray.evaluation.operating_point import OperatingPoint
from fineray.progress import SILENT, Monitor
from fineray.project.catalogue import sealed_images
from fineray.project.project import Project
from fineray.project.runs import (
    FROZEN,
    TEST_METRICS,
    TEST_PREDICTIONS,
    RunFolder,
    run,
)
from fineray.project.seal import (
    SealRefused,
    current_seal,
    labels_changed,
    openings,
    record_opening,
)
from fineray.system.digest import sha256
from fineray.system.output_file import whole_file
from fineray.training.learners import HEAD_FILE, NETWORK_FILE
from fineray.training.predicting import predicted

DECIDED = ("recipe.json", "metrics.json", HEAD_FILE, NETWORK_FILE)  # what is frozen, by hash


class NotFrozen(FinerayError):
    """Model and operating point have to be fixed before the test set is opened, and stay as they are."""


@dataclass(frozen=True)
class Frozen:
    """A run's model and operating point, fixed; of findings that stand side by side the point of each. hashes: SHA-256
    of the files that hold the model."""

    point: OperatingPoint
    frozen: str
    seal: str
    hashes: dict[str, str]


def freeze(project: Project, name: str, point: OperatingPoint) -> Frozen:
    """Fix a run's model and operating point for good. Raises RunMissing, SealRefused or NotFrozen."""
    project.check_writable()
    folder, seal = run(project, name), current_seal(project)
    if seal is None:
        raise SealRefused("The project has no sealed test set", todo="Seal one before you train (page Curate).")
    if folder.metrics().get("seal") != seal.hash:
        raise NotFrozen(
            f"{name} was trained before the test set was sealed and may have learned from it",
            todo="Train again; the new run knows nothing of the sealed images.",
        )
    if frozen_of(folder) is not None:
        raise NotFrozen(f"{name} is frozen already", todo="Train again to choose another operating point.")
    frozen = Frozen(point, datetime.now(UTC).isoformat(timespec="seconds"), seal.hash, hashes_of(folder.path))
    told = {"format": 1, **asdict(frozen), "point": point.to_json()}
    with whole_file(folder.path / FROZEN) as partial:
        partial.write_text(json.dumps(told, indent=2), "utf-8")
    return frozen


def frozen_of(folder: RunFolder) -> Frozen | None:
    """What was frozen of a run, or None."""
    fields = folder.frozen()
    if fields is None:
        return None
    del fields["format"]
    return Frozen(**{**fields, "point": OperatingPoint.from_json(fields["point"])})


def open_test(project: Project, name: str, monitor: Monitor = SILENT) -> dict[str, Any]:
    """Predict the sealed images with a frozen run; the opening is counted before anything is computed.

    Raises NotFrozen, SealRefused, Cancelled (before it is counted), or a storage error.
    """
    project.check_writable()
    folder, seal = run(project, name), current_seal(project)
    frozen = frozen_of(folder)
    if frozen is None or seal is None or frozen.seal != seal.hash:
        raise NotFrozen(
            f"{name} is not frozen for this test set",
            todo="Freeze its model and operating point first; that cannot be taken back.",
        )
    if hashes_of(folder.path) != frozen.hashes:
        raise NotFrozen(f"The model of {name} was changed after it was frozen", todo="Train again.")
    metrics = folder.metrics()
    classes = tuple(metrics["classes"])
    multilabel = metrics.get("several", False)
    images = [image for image in sealed_images(project) if image.label and (multilabel or image.label in classes)]
    monitor.check()
    opening = record_opening(project, name, frozen.hashes[HEAD_FILE])
    predictions = predicted(project, folder, images, "sealed test", monitor)
    recipe = folder.recipe()
    evaluation = evaluate(predictions, resamples=recipe["bootstrap"], seed=recipe["seed"], point=frozen.point)
    figures = {
        "format": 1,
        **asdict(evaluation),
        "operating_point": frozen.point.to_json(),
        "opening": len(openings(project)),
        "opened": opening.opened,
        "seal": asdict(seal),
        "labels_changed": labels_changed(project),
    }
    with whole_file(folder.path / TEST_PREDICTIONS) as partial:
        predictions.save(partial, frozen.point.names(classes, predictions.probabilities, multilabel))
    with whole_file(folder.path / TEST_METRICS) as partial:  # what makes the opening's figures count
        partial.write_text(json.dumps(figures, indent=2), "utf-8")
    return figures


def hashes_of(folder: Path) -> dict[str, str]:
    """SHA-256 of the files that hold a run's model, as freezing keeps them."""
    files = [name for name in DECIDED if (folder / name).is_file()]
    return {name: sha256(folder / name) for name in files}
