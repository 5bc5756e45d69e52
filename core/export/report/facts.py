"""What the report says of data and run, gathered from the project."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import numpy as np

from core.evaluation.judgement import Judgement, View
from core.project.attributes import NOT_STATED, attribute_values
from core.project.project import Project
from core.project.runs import Predictions, RunFolder, parts_of_run
from core.project.splits import EXTERNAL

TABLE_ONE = ("sex", "view_position", "manufacturer", "site_hash", "modality", "laterality")
MOST_VALUES = 6


@dataclass(frozen=True)
class Facts:
    """Everything that the report is written from. shown: the predictions that the figures are of."""

    project: Project
    folder: RunFolder
    view: View
    metrics: dict[str, Any]
    recipe: dict[str, Any]
    test: dict[str, Any] | None
    shown: Predictions
    called: np.ndarray
    judgement: Judgement


def flow_steps(facts: Facts) -> list[tuple[str, str]]:
    """(what is left, what went out on the way to it), from files to the images that the run was judged on."""
    db = facts.project.db

    def count(query: str) -> int:
        return int(db.execute(query).fetchone()[0])

    files = dict(db.execute("SELECT status, count(*) FROM file GROUP BY status"))
    images = count("SELECT count(*) FROM image")
    left_out = count("SELECT count(*) FROM image WHERE left_out <> ''")
    sealed = count("SELECT count(*) FROM sealed_image")
    used = facts.metrics["images"]
    seen = sum(files.values())
    in_split = len(parts_of_run(facts.project, facts.folder))
    unlabelled = max(0, images - left_out - sealed - in_split)
    patients = count("SELECT count(DISTINCT patient_id) FROM image")
    steps = [
        (f"{seen:,} files seen", ""),
        (
            f"{images:,} X-ray images of {patients:,} patients",
            f"{files.get('failed', 0):,} files could not be read, {files.get('skipped', 0):,} were no X-ray or a copy",
        ),
        (
            f"{in_split + sealed:,} images with a label",
            f"{left_out:,} left out, {unlabelled:,} without a certain label",
        ),
    ]
    if sealed:
        steps.append((f"{in_split:,} images to learn from and to choose on", f"{sealed:,} sealed as the test set"))
    split = facts.metrics["split"]
    if split["kind"] == EXTERNAL:
        steps.append((f"{used:,} images judged by a model that was trained elsewhere", ""))
    elif split["kind"] == "folds":
        steps.append((f"{used:,} images judged, each by a model that\nhad seen nothing of its patient", ""))
    else:
        aside = in_split - used
        steps.append((f"{used:,} images of the test part judged", f"{aside:,} for training and validation"))
    if facts.test is not None:
        steps.append((f"{facts.test['images']:,} images of the sealed test set judged", ""))
    return steps


def table_one(facts: Facts) -> tuple[list[str], list[list[str]]]:
    """(columns, rows): who is in the study, by class of the images that the figures are of."""
    shown = facts.shown
    classes = list(shown.classes)
    images = shown.images.tolist()
    sides = [[image for image, true in zip(images, shown.true.tolist(), strict=True) if true == number]
             for number in range(len(classes))]  # fmt: skip
    patient = dict(zip(images, shown.patients, strict=True))
    rows = [
        ["Images", *(f"{len(side):,}" for side in sides)],
        ["Patients", *(f"{len({patient[image] for image in side}):,}" for side in sides)],
    ]
    ages = dict(facts.project.db.execute("SELECT id, age_years FROM image WHERE age_years IS NOT NULL"))
    rows.append(
        ["Age, median (quartiles)", *(_quartiles([ages[image] for image in side if image in ages]) for side in sides)]
    )
    for name in TABLE_ONE:
        values = attribute_values(facts.project, name)
        common = Counter(values[image] for image in images).most_common()
        if len(common) == 1 and common[0][0] == NOT_STATED:
            continue
        title = name.removesuffix("_hash").replace("_", " ").capitalize()
        for value, _ in common[:MOST_VALUES]:
            rows.append([f"{title}: {value}", *(_share([values[image] == value for image in side]) for side in sides)])
        if len(common) > MOST_VALUES:
            others = {value for value, _ in common[MOST_VALUES:]}
            rows.append([f"{title}: others", *(_share([values[image] in others for image in side]) for side in sides)])
    return ["", *classes], rows


def _quartiles(values: list[float]) -> str:
    if len(values) < 2:
        return "not stated" if not values else f"{values[0]:.0f}"
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.0f} ({low:.0f} to {high:.0f})"


def _share(marks: list[bool]) -> str:
    return f"{sum(marks):,} ({sum(marks) / len(marks):.0%})" if marks else "0"
