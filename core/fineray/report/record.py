"""What the project's records show of a run beside its figures: checks, maps, trials, weights, who was seen before.

A sentence of the report rests on these or on the run's own files; what is not recorded is left to the author.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fineray.backbones.catalogue import (
    UnknownBackbone,
    WeightsSource,
    backbone_for,
    weights_source,
)
from fineray.checks.check_result import CHECKS_ON_LABELS, CheckResult, last_checked
from fineray.evaluation.predictions import Predictions
from fineray.explaining.kept import KeptMap, kept_maps
from fineray.label_values import LabelSetUnusable
from fineray.project.catalogue import content_hashes
from fineray.project.label_sets import label_set, values_of
from fineray.project.labels.revisions import revisions
from fineray.project.project import Project
from fineray.project.run_metrics import BackboneUsed, RunMetrics
from fineray.project.runs import RunFolder, parts_of_run, runs
from fineray.project.seen import label_digest, picture_digest
from fineray.project.splits import is_kept
from fineray.project.trials import Trial, trials


@dataclass(frozen=True)
class Coverage:
    """Data checks that concern the run. images: of the run, with those that the figures are of; pictures: how many of
    them were looked at; labelled: how many with the label that the run was made with; on_pictures, on_labels: names of
    the checks that were carried out."""

    checked: str
    images: int
    pictures: int
    labelled: int
    on_pictures: tuple[str, ...]
    on_labels: tuple[str, ...]
    findings: tuple[CheckResult, ...]


@dataclass(frozen=True)
class TrialSeen:
    """A trial before the run, and how many of the images that it looked at the figures are of."""

    trial: Trial
    images: int


@dataclass(frozen=True)
class Record:
    """parts: image -> part of the run's split, without those set aside; split_kept: whether the project still keeps
    that split; labels: image -> its label when the run was made; runs_beside: other runs that predicted some of the
    images that the figures are of; weights: None from scratch, or where nothing is known of them."""

    parts: dict[int, str]
    split_kept: bool
    labels: dict[int, str]
    checks: Coverage | None
    maps: tuple[KeptMap, ...]
    trials: tuple[TrialSeen, ...]
    runs_beside: tuple[str, ...]
    weights: WeightsSource | None


def record_of(project: Project, folder: RunFolder, shown: Predictions, on_test: bool) -> Record:
    """Look everything up. shown: the predictions that the figures are of."""
    metrics = folder.metrics()
    parts = parts_of_run(project, folder)
    labels = labels_then(project, metrics.label_set, metrics.created)
    return Record(
        parts=parts,
        split_kept=is_kept(project, folder.split_hash()),
        labels=labels,
        checks=_coverage(project, {*parts, *shown.images.tolist()}, labels, metrics.label_set),
        maps=tuple(kept_maps(folder)),
        trials=_trials_before(project, shown.images.tolist(), metrics),
        runs_beside=() if on_test else _runs_beside(project, folder, metrics, set(shown.images.tolist())),
        weights=_weights(folder, metrics.backbone),
    )


def labels_then(project: Project, name: str, moment: str) -> dict[int, str]:
    """Image id -> its label in that set at a moment (UTC, ISO 8601), as far as revisions tell; empty where the set is
    there no more."""
    try:
        found = values_of(project, label_set(project, name))
    except LabelSetUnusable:
        return {}
    since = datetime.fromisoformat(moment)
    for each in revisions(project):  # the latest first, so that what stood earliest is put back last
        if each.label_set == name and datetime.fromisoformat(each.changed) >= since:
            found[each.image] = each.before
    return found


def _coverage(project: Project, images: set[int], labels: dict[int, str], name: str) -> Coverage | None:
    checked = last_checked(project.root)
    if checked is None:
        return None
    content = content_hashes(project)
    pictures = sum(picture_digest(content[image]) in checked.seen.pictures for image in images)
    labelled = sum(
        image in labels and label_digest(content[image], labels[image]) in checked.seen.labelled for image in images
    )
    if checked.label_set != name:
        labelled = 0
    if not pictures:
        return None
    on_labels = tuple(each for each in checked.carried_out if each in CHECKS_ON_LABELS)
    on_pictures = tuple(each for each in checked.carried_out if each not in CHECKS_ON_LABELS)
    return Coverage(checked.checked, len(images), pictures, labelled, on_pictures, on_labels, checked.findings)


def _trials_before(project: Project, images: Iterable[int], metrics: RunMetrics) -> tuple[TrialSeen, ...]:
    content, created = content_hashes(project), datetime.fromisoformat(metrics.created)
    digests = [picture_digest(content[image]) for image in images]
    return tuple(
        TrialSeen(each, sum(digest in each.seen.pictures for digest in digests))
        for each in trials(project)
        if each.label_set == metrics.label_set and datetime.fromisoformat(each.when) <= created
    )


def _runs_beside(project: Project, folder: RunFolder, metrics: RunMetrics, judged: set[int]) -> tuple[str, ...]:
    found = []
    for each in reversed(runs(project)):
        other = each.metrics()
        if each.name == folder.name or other.label_set != metrics.label_set:
            continue
        # The same split judges the same images; only of others have the predictions to be read.
        same = other.split.hash == metrics.split.hash
        if same or not judged.isdisjoint(each.predictions().images.tolist()):
            found.append(each.name)
    return tuple(found)


def _weights(folder: RunFolder, network: BackboneUsed) -> WeightsSource | None:
    """As the run kept it; of runs of earlier versions what the record says now, if it is of the same file."""
    if not network.weights_sha256:
        return None
    if network.source is not None:
        return network.source
    try:
        chosen = backbone_for(folder.path, network.name)
    except UnknownBackbone:
        return None
    same = network.weights_sha256.startswith(chosen.weights.sha256) and chosen.weights.sha256
    return weights_source(chosen) if same else None
