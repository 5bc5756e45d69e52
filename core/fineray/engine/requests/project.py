"""What is asked of the worker process about a project, its files and its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fineray.checks.check_result import CheckResult
from fineray.dicom.codec_result import CodecResult
from fineray.export.options import ExportOptions, ExportSummary
from fineray.project.files.options import EVERY_XRAY, ImportOptions
from fineray.project.files.summary import ImportSummary, Resized
from fineray.project.layouts.taking import Taken
from fineray.project.shown_image import ShownImage


@dataclass(frozen=True)
class ImportFolders:
    """Import what is new below the folders, or everything `again`. Result: ImportSummary."""

    project: Path
    folders: tuple[Path, ...]
    options: ImportOptions = EVERY_XRAY
    again: bool = False


@dataclass(frozen=True)
class ChangeSide:
    """Keep images at another longest side, in pixels: their files are read again. Result: Resized."""

    project: Path
    side: int


@dataclass(frozen=True)
class TakeLayout:
    """Take over what the tables of an imported collection say. Result: Taken."""

    project: Path
    folder: Path
    name: str


@dataclass(frozen=True)
class CheckData:
    """Run all data checks. Result: a tuple of CheckResult, the serious ones first."""

    project: Path


@dataclass(frozen=True)
class ExportDeidentified:
    """Write the images as DICOM without identity. Result: ExportSummary."""

    project: Path
    target: Path
    options: ExportOptions


@dataclass(frozen=True)
class ReadImage:
    """Read an image at full depth from its DICOM file, or from the pixel store where the file is away.

    Result: ShownImage.
    """

    project: Path
    image: int


@dataclass(frozen=True)
class CheckCodecs:
    """Decode the built-in picture of every transfer syntax. Result: a tuple of CodecResult."""

    __test__ = False  # no test class, whatever pytest thinks of its name


ProjectRequest = ImportFolders | ChangeSide | TakeLayout | CheckData | ExportDeidentified | ReadImage | CheckCodecs
ProjectResult = (
    ImportSummary | Resized | Taken | tuple[CheckResult, ...] | ExportSummary | ShownImage | tuple[CodecResult, ...]
)
