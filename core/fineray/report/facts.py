"""What the report says of data and run, gathered from the project: flow and characteristics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import numpy as np

from fineray.evaluation.predictions import Predictions
from fineray.label_values import UNCERTAIN, findings_of
from fineray.project.attributes import NOT_STATED, attribute_values
from fineray.project.catalogue import (
    ages_of,
    file_counts,
    patients_of,
    reasons_left_out,
    sealed_images,
)
from fineray.project.project import Project
from fineray.project.run_metrics import RunMetrics, SealedTest
from fineray.project.runs import RunFolder
from fineray.project.splits import (
    TEST,
    TRAINING,
    VALIDATION,
    set_aside,
)
from fineray.report.record import Record
from fineray.report.setting import Setting
from fineray.review.query import ReviewedRun, ReviewQuery

TABLE_ONE = ("sex", "view_position", "manufacturer", "site_hash", "modality", "laterality")
MOST_VALUES = 6
MOST_COLUMNS = 7  # partitions beside each other, more do not fit a page


@dataclass(frozen=True)
class Facts:
    """Everything that the report is written from. shown: the predictions that the figures are of; setting: how their
    images stand to what the model learned from; development: the same of the run's own held-out images, which differ
    where the figures are of the sealed test set; resamples: of the figures' bootstrap."""

    project: Project
    folder: RunFolder
    view: ReviewQuery
    metrics: RunMetrics
    recipe: dict[str, Any]
    test: SealedTest | None
    shown: Predictions
    predicted: np.ndarray
    judgement: ReviewedRun
    record: Record
    setting: Setting
    development: Setting
    resamples: int

    @property
    def external(self) -> bool:
        """Whether the model was judged on images that came apart from those that it was made on."""
        return self.metrics.judged_elsewhere


def flow_steps(facts: Facts) -> list[tuple[str, str]]:
    """(what is left, what went out on the way to it), from files to the images that the run was judged on."""
    metrics, record = facts.metrics, facts.record
    files, patient_of = file_counts(facts.project), patients_of(facts.project)
    images, patients = len(patient_of), len(set(patient_of.values()))
    sealed = sum(each.id not in record.parts for each in sealed_images(facts.project))
    used, in_split = metrics.figures.images, len(record.parts)
    skipped = f"{files.skipped - files.by_choice:,} were no X-ray or a copy"
    if files.by_choice:
        skipped += f", {files.by_choice:,} were not wanted by the choices made at import"
    steps = [
        (f"{files.seen:,} files seen", ""),
        (
            f"{images:,} X-ray images of {patients:,} patients",
            f"{files.failed:,} files could not be read, {skipped}",
        ),
    ]
    if (elsewhere := metrics.external) is not None:
        left_out = ", ".join(f"{number:,} {why}" for why, number in elsewhere.left_out.items())
        made = "trained elsewhere" if facts.setting.kind == "other project" else "trained before"
        return [*steps, (f"{used:,} images judged by a model that was {made}", left_out)]
    if not record.split_kept and metrics.split.kind != "folds":
        return [*steps, (f"{used:,} images of the test part judged", "the rest of the split is not kept any more")]
    steps.append((f"{in_split + sealed:,} images with a label", _not_used(facts)))
    if sealed:
        steps.append((f"{in_split:,} images to learn from and to choose on", f"{sealed:,} sealed as the test set"))
    if metrics.split.kind == "folds":
        steps.append((f"{used:,} images judged, each by a model that\nhad seen nothing of its patient", ""))
    else:
        steps.append((f"{used:,} images of the test part judged", f"{in_split - used:,} for training and validation"))
    if facts.test is not None:
        steps.append((f"{facts.test.figures.images:,} images of the sealed test set judged", ""))
    return steps


def _not_used(facts: Facts) -> str:
    """Why images of the project are neither in the run's split nor sealed; each counts once."""
    record, aside = facts.record, set_aside(facts.project, facts.folder.split_hash())
    why: Counter[str] = Counter()
    for image, reason in reasons_left_out(facts.project).items():
        if image in record.parts:
            continue
        if reason:
            why["left out"] += 1
        elif image in aside:
            why["set aside, their patients being on another side"] += 1
        elif record.labels.get(image, UNCERTAIN) == UNCERTAIN:
            why["without a certain label"] += 1
        else:
            why["not in the split of this run"] += 1
    shown = dict.fromkeys(("left out", "without a certain label"), 0) | dict(why)
    return ", ".join(f"{number:,} {reason}" for reason, number in shown.items())


def table_one(facts: Facts) -> tuple[list[str], list[list[str]]]:
    """(columns, rows): who is in the study, by class of the images that the figures are of."""
    shown = facts.shown
    classes = list(shown.classes)
    of_class: dict[str, list[int]] = {name: [] for name in classes}
    for image, true in zip(shown.images.tolist(), shown.true.tolist(), strict=True):
        of_class[classes[true]].append(image)
    return ["", *classes], _characteristics(facts.project, list(of_class.values()))


def partition_tables(facts: Facts) -> list[tuple[list[str], list[list[str]]]]:
    """(columns, rows): who is in each part of the split, a few parts a table; none where the parts are not known."""
    parts = _partitions(facts)
    names = list(parts)
    pieces = [names[start : start + MOST_COLUMNS] for start in range(0, len(names), MOST_COLUMNS)]
    return [(["", *piece], _of_partitions(facts, [parts[name] for name in piece])) for piece in pieces]


def _partitions(facts: Facts) -> dict[str, list[int]]:
    record = facts.record
    if facts.external or not record.split_kept:
        return {}
    sealed = facts.shown.images.tolist() if facts.view.on_test else []
    in_part: dict[str, list[int]] = {}
    if facts.metrics.split.kind != "folds":
        for name in (TRAINING, VALIDATION, TEST):
            in_part[name.capitalize()] = [image for image, part in record.parts.items() if part == name]
    elif sealed:
        in_part["Development"] = list(record.parts)
    else:
        for name in sorted(set(record.parts.values()), key=int):
            in_part[f"Fold {name}"] = [image for image, part in record.parts.items() if part == name]
    return in_part | ({"Sealed test set": sealed} if sealed else {})


def _of_partitions(facts: Facts, sides: list[list[int]]) -> list[list[str]]:
    labels, multilabel = dict(facts.record.labels), facts.metrics.multilabel
    if facts.test is not None and not multilabel:  # the sealed images are judged by their labels at the opening
        of_shown = (facts.shown.classes[number] for number in facts.shown.true.tolist())
        labels |= dict(zip(facts.shown.images.tolist(), of_shown, strict=True))
    rows = _characteristics(facts.project, sides)
    counted = []
    for name in facts.metrics.classes:
        marks = [[_has(labels.get(image, ""), name, multilabel) for image in side] for side in sides]
        counted.append([f"Label: {name}", *(_share(side) for side in marks)])
    return [*rows[:2], *counted, *rows[2:]]


def _has(label: str, name: str, multilabel: bool) -> bool:
    return findings_of(label).get(name, False) if multilabel else label == name


def _characteristics(project: Project, sides: list[list[int]]) -> list[list[str]]:
    """Rows of images, patients, age and attributes, a cell a side."""
    images = list(dict.fromkeys(image for side in sides for image in side))
    patient = patients_of(project)
    rows = [
        ["Images", *(f"{len(side):,}" for side in sides)],
        ["Patients", *(f"{len({patient[image] for image in side}):,}" for side in sides)],
    ]
    ages = ages_of(project)
    rows.append(
        ["Age, median (quartiles)", *(_quartiles([ages[image] for image in side if image in ages]) for side in sides)]
    )
    for name in TABLE_ONE:
        values = attribute_values(project, name)
        common = Counter(values[image] for image in images).most_common()
        if len(common) == 1 and common[0][0] == NOT_STATED:
            continue
        title = name.removesuffix("_hash").replace("_", " ").capitalize()
        for value, _ in common[:MOST_VALUES]:
            rows.append([f"{title}: {value}", *(_share([values[image] == value for image in side]) for side in sides)])
        if len(common) > MOST_VALUES:
            others = {value for value, _ in common[MOST_VALUES:]}
            rows.append([f"{title}: others", *(_share([values[image] in others for image in side]) for side in sides)])
    return rows


def _quartiles(values: list[float]) -> str:
    if len(values) < 2:
        return "not stated" if not values else f"{values[0]:.0f}"
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.0f} ({low:.0f} to {high:.0f})"


def _share(marks: list[bool]) -> str:
    return f"{sum(marks):,} ({sum(marks) / len(marks):.0%})" if marks else "0"
