"""Freezing a run, and opening the sealed test set with it. No other way leads to predictions of sealed images."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fineray.errors import FinerayError
from fineray.evaluation.metrics import evaluate
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.progress import SILENT, Monitor
from fineray.project.catalogue import sealed_images
from fineray.project.chosen_point import point_by_rule
from fineray.project.kept_point import kept_by, write_kept
from fineray.project.project import Project
from fineray.project.run_metrics import Frozen, SealedTest
from fineray.project.runs import (
    FROZEN,
    TEST_METRICS,
    TEST_PREDICTIONS,
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
from fineray.training.model import predicted

DECIDED = ("recipe.json", "metrics.json", HEAD_FILE, NETWORK_FILE)  # what is frozen, by hash


class NotFrozen(FinerayError):
    """Model and operating point have to be fixed before the test set is opened, and stay as they are."""


def freeze(project: Project, name: str, point: OperatingPoint) -> Frozen:
    """Fix a run's model and operating point for good. Raises RunMissing, SealRefused or NotFrozen."""
    project.check_writable()
    folder, seal = run(project, name), current_seal(project)
    if seal is None:
        raise SealRefused("The project has no sealed test set", todo="Seal one before you train (page Curate).")
    if folder.metrics().seal != seal.hash:
        raise NotFrozen(
            f"{name} was trained before the test set was sealed and may have learned from it",
            todo="Train again; the new run knows nothing of the sealed images.",
        )
    if folder.frozen() is not None:
        raise NotFrozen(f"{name} is frozen already", todo="Train again to choose another operating point.")
    frozen = Frozen(point, datetime.now(UTC).isoformat(timespec="seconds"), seal.hash, hashes_of(folder.path))
    with whole_file(folder.path / FROZEN) as partial:
        partial.write_text(json.dumps(frozen.to_json(), indent=2), "utf-8")
    return frozen


def freeze_by_rule(project: Project, name: str, rule: PointRule | None) -> None:
    """Freeze with the point that a rule gives on validation predictions (those out of fold are such), of each finding
    where several stand side by side; the rule is kept beside it, for the figures on held-out images. Without a rule,
    with the run's own point. Raises NoOperatingPoint and what freeze() raises."""
    folder = run(project, name)
    point = point_by_rule(folder, rule)
    freeze(project, name, point)
    if rule is not None:
        own = {finding: replace(rule, positive=finding) for finding in point.findings} or {"": rule}
        write_kept(folder, {finding: kept_by(folder, each, point.of(finding)) for finding, each in own.items()})


def open_test(project: Project, name: str, monitor: Monitor = SILENT) -> SealedTest:
    """Predict the sealed images with a frozen run; the opening is counted before anything is computed.

    Raises NotFrozen, SealRefused, Cancelled (before it is counted), or a storage error.
    """
    project.check_writable()
    folder, seal = run(project, name), current_seal(project)
    frozen = folder.frozen()
    if frozen is None or seal is None or frozen.seal != seal.hash:
        raise NotFrozen(
            f"{name} is not frozen for this test set",
            todo="Freeze its model and operating point first; that cannot be taken back.",
        )
    if hashes_of(folder.path) != frozen.hashes:
        raise NotFrozen(f"The model of {name} was changed after it was frozen", todo="Train again.")
    metrics = folder.metrics()
    classes = metrics.classes
    multilabel = metrics.multilabel
    images = [image for image in sealed_images(project) if image.label and (multilabel or image.label in classes)]
    monitor.check()
    opening = record_opening(project, name, frozen.hashes[HEAD_FILE])
    predictions = predicted(project, folder, images, "sealed test", monitor)
    recipe = folder.recipe()
    evaluation = evaluate(predictions, resamples=recipe["bootstrap"], seed=recipe["seed"], point=frozen.point)
    number, changed = len(openings(project)), labels_changed(project)
    figures = SealedTest(evaluation, frozen.point, number, opening.opened, changed, seal)
    with whole_file(folder.path / TEST_PREDICTIONS) as partial:
        predictions.save(partial, frozen.point.names(classes, predictions.probabilities, multilabel))
    with whole_file(folder.path / TEST_METRICS) as partial:  # what makes the opening's figures count
        partial.write_text(json.dumps(figures.to_json(), indent=2), "utf-8")
    return figures


def hashes_of(folder: Path) -> dict[str, str]:
    """SHA-256 of the files that hold a run's model, as freezing keeps them."""
    files = [name for name in DECIDED if (folder / name).is_file()]
    return {name: sha256(folder / name) for name in files}
