"""What each request about a project, its files and its images does."""

from __future__ import annotations

from fineray.checks.check_result import CheckResult
from fineray.dicom.codec_result import CodecResult
from fineray.engine.jobs.pair import Pair
from fineray.engine.requests.project import (
    ChangeSide,
    CheckCodecs,
    CheckData,
    ExportDeidentified,
    ImportFolders,
    ReadImage,
    TakeLayout,
)
from fineray.export.options import ExportSummary
from fineray.progress import Monitor
from fineray.project.files.summary import ImportSummary, Resized
from fineray.project.layouts import taking
from fineray.project.layouts.taking import Taken
from fineray.project.project import open_project
from fineray.project.shown_image import ShownImage, shown_image


def import_folders(request: ImportFolders, monitor: Monitor) -> ImportSummary:
    """Import what is new."""
    from fineray.project.files import importing

    with open_project(request.project) as project:
        return importing.import_folders(project, request.folders, request.options, request.again, monitor)


def change_side(request: ChangeSide, monitor: Monitor) -> Resized:
    """Read the images again for another size."""
    from fineray.project.files import resizing

    with open_project(request.project) as project:
        return resizing.change_side(project, request.side, monitor)


def take_layout(request: TakeLayout, _: Monitor) -> Taken:
    """Take over what a collection's tables say."""
    with open_project(request.project) as project:
        return taking.take_layout(project, request.folder, request.name)


def check_data(request: CheckData, monitor: Monitor) -> tuple[CheckResult, ...]:
    """Run all data checks."""
    from fineray.checks.run import run_checks

    with open_project(request.project) as project:
        return tuple(run_checks(project, monitor))


def export_deidentified(request: ExportDeidentified, monitor: Monitor) -> ExportSummary:
    """Write the images without identity."""
    from fineray.export import deidentified

    with open_project(request.project) as project:
        return deidentified.export_deidentified(project, request.target, request.options, monitor)


def read_image(request: ReadImage, _: Monitor) -> ShownImage:
    """Read an image for the viewer."""
    with open_project(request.project) as project:
        return shown_image(project, request.image)


def try_codecs(_request: CheckCodecs, _: Monitor) -> tuple[CodecResult, ...]:
    """Try every decoder."""
    from fineray.dicom.selftest import codec_self_test

    return tuple(codec_self_test())


PAIRS = (
    Pair(ImportFolders, import_folders),
    Pair(ChangeSide, change_side),
    Pair(TakeLayout, take_layout),
    Pair(CheckData, check_data),
    Pair(ExportDeidentified, export_deidentified),
    Pair(ReadImage, read_image),
    Pair(CheckCodecs, try_codecs),
)
