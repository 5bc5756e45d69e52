"""What the review asks of the worker process, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fineray.evaluation.comparison import Comparison
from fineray.explaining.results import (
    DoubtfulLabel,
    Explained,
    ExplainMethod,
    FeatureMap,
    Neighbour,
)
from fineray.review.query import ReviewedRun, ReviewQuery
from fineray.training.results import LearningCurve


@dataclass(frozen=True)
class JudgeRun:
    """Every figure of a run on the images in view. Result: ReviewedRun, and before it what images count as, a Called as
    an Interim."""

    project: Path
    view: ReviewQuery


@dataclass(frozen=True)
class CompareRuns:
    """Two runs on the images that both predicted, each with classes by the rule of its view. Result: Comparison."""

    project: Path
    first: ReviewQuery
    second: ReviewQuery


@dataclass(frozen=True)
class ExplainImage:
    """Where on an image the evidence for a class lies. Result: Explained.

    fold: in which the image was held out, empty if in none.
    """

    project: Path
    run: str
    image: int
    class_name: str
    method: ExplainMethod = "grad-cam"
    fold: str = ""


@dataclass(frozen=True)
class ExplainCell:
    """The mean evidence over images. Result: Explained."""

    project: Path
    run: str
    images: tuple[int, ...]
    class_name: str


@dataclass(frozen=True)
class FindNearest:
    """The training images most like an image. Result: a tuple of Neighbour. part: in which the image was held out."""

    project: Path
    run: str
    image: int
    part: str


@dataclass(frozen=True)
class MapFeatures:
    """All images as points by their features. Result: FeatureMap."""

    project: Path
    run: str


@dataclass(frozen=True)
class DoubtLabels:
    """The labels that a run's predictions contradict. Result: a tuple of DoubtfulLabel."""

    project: Path
    run: str


@dataclass(frozen=True)
class LearnByNumber:
    """How a run's figures would grow with more training patients. Result: LearningCurve."""

    project: Path
    run: str


@dataclass(frozen=True)
class WriteReport:
    """Write the report of a run as .pdf or .html. Result: the path as text.

    thumbnails: of images that were predicted wrong; parts: a folder for tables as CSV and figures as SVG and PDF.
    """

    project: Path
    view: ReviewQuery
    output: Path
    thumbnails: bool = False
    parts: Path | None = None


ReviewRequest = (
    JudgeRun
    | CompareRuns
    | ExplainImage
    | ExplainCell
    | FindNearest
    | MapFeatures
    | DoubtLabels
    | LearnByNumber
    | WriteReport
)
ReviewResult = (
    ReviewedRun
    | Comparison
    | Explained
    | tuple[Neighbour, ...]
    | FeatureMap
    | tuple[DoubtfulLabel, ...]
    | LearningCurve
    | str
)
