"""What a hospital returns of a validation: figures and counts, nothing of a single image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fineray.evaluation.operating_point import PointRule
from fineray.progress import SILENT, Monitor
from fineray.project.project import Project
from fineray.project.runs import PACKAGE, RunFolder
from fineray.review.judging import judge
from fineray.review.query import ReviewQuery
from fineray.system.digest import sha256
from fineray.system.output_file import check_output, whole_file

BINS = 20
FEWEST = 5  # patients of a subgroup, below which it is not told


def write_statistics(project: Project, folder: RunFolder, output: Path, monitor: Monitor = SILENT) -> None:
    """Write a validation's figures as .json, whole or not at all.

    Left out: subgroups of fewer than five patients. Raises CannotWriteThere, Cancelled or a storage error.
    """
    check_output(output, (".json",), "A file of statistics")
    metrics, predictions = folder.metrics(), folder.predictions()
    edges = np.linspace(0, 1, BINS + 1)
    scores: dict[str, Any] = {}
    for number, name in enumerate(predictions.classes):
        chances = predictions.probabilities[:, number]
        positive = predictions.true == number if predictions.truth is None else predictions.truth[:, number] == 1
        scores[name] = {
            "with": np.histogram(chances[positive], edges)[0].tolist(),
            "without": np.histogram(chances[~positive], edges)[0].tolist(),
        }
    judged = judge(project, folder, ReviewQuery(folder.name, PointRule("fixed")), monitor)
    told = {
        "format": 1,
        "kind": "statistics",
        "created": metrics.created,
        "fineray": metrics.fineray,
        "environment": metrics.environment,
        "package_sha256": sha256(folder.path / PACKAGE),
        "left_out": metrics.external.left_out if metrics.external else {},
        "figures": metrics.figures.to_json(),
        "point": {"positive": judged.point.positive, "threshold": judged.point.threshold},
        "confusion_at_point": judged.confusion,
        "scores": {"bins": edges.tolist(), **scores},
        "subgroups": [
            {"attribute": part.title, "value": each.value, "images": each.images, "auc": each.auc.value}
            for part in judged.subgroups
            for each in part.subgroups
            if each.patients >= FEWEST
        ],
    }
    with whole_file(output) as partial:
        partial.write_text(json.dumps(told, indent=1), "utf-8")
