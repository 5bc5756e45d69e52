"""What is asked of the worker process about models at work: on new images, in other hands, in other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fineray.evaluation.operating_point import PointRule
from fineray.export.results import Check, ExportedModel, OpenedModel
from fineray.prediction.results import FolderPredictions, LookedAt
from fineray.training.results import RunDone

Format = Literal["frpkg", "capsule", "onnx", "monai-bundle"]


@dataclass(frozen=True)
class PredictFolder:
    """Apply a run to images that are in no project. Result: FolderPredictions.

    abstain: (low, high), the band of probabilities in which the run says nothing; maps, results: folders for heat maps
    as PNG and for DICOM objects; every_s: where above 0, look again and again until cancelled, with each table that
    differs from the one before as an Interim; rule: chooses the operating point in place of the run's own.
    """

    project: Path
    run: str
    images: Path
    abstain: tuple[float, float] | None = None
    maps: Path | None = None
    results: Path | None = None
    every_s: float = 0.0
    rule: PointRule | None = None


@dataclass(frozen=True)
class WritePredictions:
    """Write what PredictFolder gave as .csv or .xlsx. Result: the path as text."""

    table: FolderPredictions
    output: Path


@dataclass(frozen=True)
class LookAtImage:
    """One image of a folder that a run was applied to, with its evidence for a class. Result: LookedAt."""

    project: Path
    run: str
    images: Path
    file: str
    class_name: str


@dataclass(frozen=True)
class ExportModel:
    """Write a run for others. Result: ExportedModel.

    rule: chooses the operating point, in place of the run's own, where none was frozen; key: a signing key (packages
    only) and its passphrase.
    """

    project: Path
    run: str
    format: Format
    output: Path
    rule: PointRule | None = None
    abstain: tuple[float, float] | None = None
    key: Path | None = None
    passphrase: str = ""


@dataclass(frozen=True)
class OpenPackage:
    """Take a package in. Result: OpenedModel. target: a project, or a new folder for one; signed_by: the fingerprint of
    the only key accepted, or empty."""

    package: Path
    target: Path
    signed_by: str = ""


@dataclass(frozen=True)
class ValidateModel:
    """Judge a model from a package on the project's labelled images. Result: RunDone. statistics: a .json for what
    may be returned to its makers."""

    project: Path
    run: str
    statistics: Path | None = None


@dataclass(frozen=True)
class ValidateFolder:
    """The same on images that are in no project: they are imported into a new one at `target`, labelled by a table, and
    a run of `project` is judged on them there. Result: RunDone."""

    project: Path
    run: str
    images: Path
    labels: Path
    target: Path


@dataclass(frozen=True)
class Verify:
    """Derive figures again. Result: a tuple of Check. what: a package, a file of statistics, or a project and its
    run."""

    what: Path
    run: str = ""


ModelRequest = (
    PredictFolder | WritePredictions | LookAtImage | ExportModel | OpenPackage | ValidateModel | ValidateFolder | Verify
)
ModelResult = FolderPredictions | str | LookedAt | ExportedModel | OpenedModel | RunDone | tuple[Check, ...]
