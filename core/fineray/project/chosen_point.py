"""The operating point of a run for new images: its own, or what a rule gives on predictions that may choose."""

from __future__ import annotations

from dataclasses import replace

from fineray.evaluation.choosing_point import NoOperatingPoint, choose_point, given_point
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.evaluation.predictions import Predictions
from fineray.project.kept_point import point_of
from fineray.project.runs import RunFolder


def point_by_rule(folder: RunFolder, rule: PointRule | None) -> OperatingPoint:
    """The operating point for new images: the run's own, or, where a rule is given, what it gives on the validation
    predictions or those out of fold; of findings that stand side by side for each of them. Raises NoOperatingPoint or
    NotJudgedHere."""
    if rule is None or rule.kind == "fixed":
        return point_of(folder)
    metrics = folder.metrics()
    classes = metrics.classes
    if rule.kind == "most probable":
        return OperatingPoint()
    known = None if rule.kind == "threshold" else folder.validation_predictions() or folder.predictions()
    if metrics.multilabel:
        return OperatingPoint(
            findings={name: _of_finding(known, name, replace(rule, positive=name)) for name in classes}
        )
    return given_point(classes, rule) if known is None else choose_point(known, rule)


def _of_finding(known: Predictions | None, name: str, rule: PointRule) -> OperatingPoint:
    try:
        return given_point((name,) * 2, rule) if known is None else choose_point(known.finding(name), rule)
    except NoOperatingPoint as error:
        raise NoOperatingPoint(f"{name}: {error.what}", todo=error.todo) from error
