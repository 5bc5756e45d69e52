"""The operating point that belongs to a run: kept in its folder from the moment it is chosen until it is frozen."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from fineray.errors import FinerayError, storage_error
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.project.project import Project
from fineray.project.runs import (
    OPERATING_POINT,
    VALIDATION_PREDICTIONS,
    RunFolder,
    reading,
)
from fineray.system.output_file import whole_file

ChosenOn = Literal["hand", "folds", "validation"]
CHOSEN_ON: dict[ChosenOn, str] = {
    "hand": "by hand",
    "folds": "on out-of-fold predictions",
    "validation": "on the validation part",
}
FORMAT = 1


class PointFixed(FinerayError):
    """A frozen run keeps the operating point that it was frozen with."""


@dataclass(frozen=True)
class KeptPoint:
    """rule: that it was chosen by; point: for new images; chosen_on: by hand, or on which of the run's predictions (it
    is judged on other folds than it is chosen on, fineray.evaluation.choosing_point); chosen: when."""

    rule: PointRule
    point: OperatingPoint
    chosen_on: ChosenOn
    chosen: str


def kept_points(folder: RunFolder) -> dict[str, KeptPoint]:
    """What was chosen for a run, by finding; under the empty name where classes exclude one another. Raises
    RunDamaged."""
    told = folder.kept()
    if told is None:
        return {}
    with reading(folder.path / OPERATING_POINT):
        if told["format"] != FORMAT:
            raise ValueError("a format of a later version")
        return {
            finding: KeptPoint(
                PointRule(**each["rule"]),
                OperatingPoint.from_json(each["point"]),
                each["chosen_on"],
                each["chosen"],
            )
            for finding, each in told["points"].items()
        }


def keep_point(project: Project, folder: RunFolder, rule: PointRule, point: OperatingPoint, finding: str = "") -> None:
    """Let the run have this point from now on. Raises PointFixed, why the project may only be read, or a storage error.

    With the rule `fixed`, or the most probable class where nothing else was fixed, nothing is kept: a run without a
    choice predicts so anyway.
    """
    project.check_writable()
    if folder.frozen() is not None:
        raise PointFixed(
            f"{folder.name} is frozen, and its operating point with it", todo="Train again to choose another one."
        )
    points = kept_points(folder)
    points.pop(finding, None)
    if rule.kind != "fixed" and (rule.kind != "most probable" or fixed_point(folder).of(finding).positive):
        points[finding] = kept_by(folder, rule, point)
    write_kept(folder, points)


def kept_by(folder: RunFolder, rule: PointRule, point: OperatingPoint) -> KeptPoint:
    """A choice of this moment."""
    by_hand = rule.kind in ("threshold", "most probable")
    validated = (folder.path / VALIDATION_PREDICTIONS).is_file()
    chosen_on: ChosenOn = "hand" if by_hand else "validation" if validated else "folds"
    return KeptPoint(rule, point, chosen_on, datetime.now(UTC).isoformat(timespec="seconds"))


def write_kept(folder: RunFolder, points: dict[str, KeptPoint]) -> None:
    """Write the file whole, or take it away where there is nothing to keep. Raises a storage error."""
    target = folder.path / OPERATING_POINT
    if not points:
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error) or error from error
        return
    told = {finding: {**asdict(each), "point": each.point.to_json()} for finding, each in sorted(points.items())}
    with whole_file(target) as partial:
        partial.write_text(json.dumps({"format": FORMAT, "points": told}, indent=2), "utf-8")


def fixed_point(folder: RunFolder) -> OperatingPoint:
    """That which was frozen with the model, or came with it from elsewhere; else the most probable class."""
    for known in (folder.frozen(), folder.metrics().external):
        if known is not None:
            return known.point
    package = folder.package()
    return OperatingPoint.from_json(package["point"]) if package and "point" in package else OperatingPoint()


def point_of(folder: RunFolder) -> OperatingPoint:
    """What new images count as: by the point that was frozen, else the one kept, else the one that a package brought,
    else the most probable class (of findings from one half on)."""
    fixed = fixed_point(folder)
    if folder.frozen() is not None:
        return fixed
    kept = {finding: each.point for finding, each in kept_points(folder).items()}
    if "" in kept:
        return kept[""]
    return OperatingPoint(fixed.positive, fixed.threshold, fixed.chosen_by, {**fixed.findings, **kept})


def rule_of(folder: RunFolder, finding: str = "") -> PointRule:
    """The rule by which a run's own out-of-sample predictions become classes unless another is asked for."""
    kept = kept_points(folder).get(finding)
    if kept is not None:
        return kept.rule
    own = fixed_point(folder).of(finding)
    return PointRule("fixed", own.positive, own.threshold) if own.positive else PointRule()
