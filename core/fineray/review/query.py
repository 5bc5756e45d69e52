"""What is looked at in the review, and all that is said of it; plain data, for the window too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.binary_metrics import BinaryMetrics
from fineray.evaluation.calibration import Calibration
from fineray.evaluation.curves import Curves
from fineray.evaluation.intervals import Estimate, Method
from fineray.evaluation.operating_point import OperatingPoint, PointRule
from fineray.evaluation.planning import Plan
from fineray.evaluation.predictions import Predictions
from fineray.evaluation.subgroups import AttributeSubgroups
from fineray.project.attributes import attribute_values
from fineray.project.project import Project

PART = "part"  # in place of an attribute: the fold or part in which an image was held out


@dataclass(frozen=True)
class ReviewQuery:
    """What is looked at. rule: by which images are called; on_test: the sealed test set, at its frozen point; finding:
    one of several that stand side by side; attribute, value: only images that have it (PART: that were held out in it);
    positive: the class that the figures are of; prevalence: for which PPV and NPV are wanted too, 0..1."""

    run: str
    rule: PointRule
    positive: str = ""
    on_test: bool = False
    finding: str = ""
    attribute: str = ""
    value: str = ""
    prevalence: float | None = None
    method: Method = "wilson"


@dataclass(frozen=True)
class ReviewedRun:
    """overall: figures over all classes where there are more than two; point: what is to be applied to other images;
    thresholds: that were applied, by part."""

    positive: str
    images: int
    patients: int
    point: OperatingPoint
    thresholds: dict[str, float]
    figures: BinaryMetrics
    overall: dict[str, Estimate]
    confusion: tuple[tuple[int, ...], ...]
    curves: Curves | None
    calibration: Calibration | None
    subgroups: tuple[AttributeSubgroups, ...]
    plans: tuple[Plan, ...]


def values_of_view(project: Project, predictions: Predictions, attribute: str) -> NDArray[np.str_]:
    """The value of each image [n], by which the review filters. Raises NoSuchAttribute."""
    if attribute == PART:
        return np.array(predictions.parts, dtype=str)
    known = attribute_values(project, attribute)
    return np.array([known[image] for image in predictions.images.tolist()], dtype=str)
