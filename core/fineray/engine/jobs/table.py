"""What each request does. The command line and the worker process both come through here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fineray.demo.study import write_study
from fineray.dicom.radiograph import GrayImage, NotARadiograph, UnreadableFile
from fineray.dicom.read import read_radiograph
from fineray.dicom.selftest import codec_self_test
from fineray.engine.jobs.models import model_at_work
from fineray.engine.jobs.pacs import at_archive
from fineray.engine.jobs.review import review
from fineray.engine.messages import (
    AddWeights,
    ApplyLabels,
    CheckCodecs,
    CheckData,
    CompareReaders,
    DeviceFound,
    DownloadWeights,
    EndEvent,
    ExplainDevice,
    ExportDeidentified,
    Failed,
    FindRate,
    Finished,
    FreezeRun,
    IdentifyPatients,
    ImportFolders,
    LoadLibraries,
    MakeSplit,
    OpenTest,
    PreviewLabels,
    RankBackbones,
    ReadImage,
    Request,
    Result,
    RunControls,
    RunDemo,
    RunDone,
    SealTest,
    ShownImage,
    ShowViews,
    Stopped,
    Train,
)
from fineray.engine.requests.models import ModelRequest
from fineray.engine.requests.pacs import PacsRequest
from fineray.errors import DeviceLost
from fineray.progress import Cancelled, Monitor, Progress
from fineray.project.catalogue import source_of, stored_at
from fineray.project.files.importing import import_folders
from fineray.project.files.patients import identify_patients
from fineray.project.labels.preview import apply_labels, preview_labels, preview_table
from fineray.project.project import create_project, open_project
from fineray.project.runs import run
from fineray.project.splits import SplitPlan, latest_split, split_of
from fineray.system.crash_report import OwnFault, to_user
from fineray.training.results import WeightsAdded


def carry_out(job: int, request: Request, monitor: Monitor) -> EndEvent:
    """Do a request and say how it ended; never raises but for what ends the process."""
    try:
        monitor.check()  # what was given up while it waited is not begun
        return Finished(job, do(request, monitor))
    except Cancelled:
        return Stopped(job)
    except Exception as error:  # whatever it is, the window says so and stays
        told = to_user(error)
        details = told.details if isinstance(told, OwnFault) else ""
        return Failed(job, told.what, told.where, told.todo, details, isinstance(told, DeviceLost))


def do(request: Request, monitor: Monitor) -> Result:
    """Do a request. Raises Cancelled, a FinerayError, or whatever a fault raises."""
    # Training pulls in torch and scikit-learn, seconds of import time: only the requests that need them pay.
    match request:
        case ImportFolders(project, folders, options):
            with open_project(project) as opened:
                return import_folders(opened, folders, options, monitor=monitor)
        case PreviewLabels(project, source):
            with open_project(project) as opened:
                return preview_labels(opened, source)
        case ApplyLabels(project, preview):
            with open_project(project) as opened:
                return apply_labels(opened, preview)
        case MakeSplit(project, plan):
            from fineray.project.splitting.make import make_split

            with open_project(project) as opened:
                return make_split(opened, plan, monitor)
        case SealTest(project, plan):
            from fineray.project.splitting.sealing import seal_test

            with open_project(project) as opened:
                return seal_test(opened, plan)
        case FreezeRun():
            return freeze_run(request)
        case OpenTest(project, name):
            from fineray.training.opening import open_test

            with open_project(project) as opened:
                open_test(opened, name, monitor)
                return RunDone(project, name)
        case CompareReaders(project, first, second):
            from fineray.review.agreement import agreement

            with open_project(project) as opened:
                return agreement(opened, first, second)
        case IdentifyPatients(project, rule):
            with open_project(project) as opened:
                return identify_patients(opened, rule)
        case CheckData(project):
            from fineray.checks.run import run_checks

            with open_project(project) as opened:
                return tuple(run_checks(opened, monitor))
        case ExportDeidentified(project, target, options):
            from fineray.export.deidentified import export_deidentified

            with open_project(project) as opened:
                return export_deidentified(opened, target, options, monitor)
        case Train(project, recipe, split_hash, anew):
            from fineray.training.train import train

            with open_project(project) as opened:
                return RunDone(project, train(opened, split_of(opened, split_hash), recipe, anew, monitor=monitor).name)
        case RunControls(project, recipe, split_hash):
            from fineray.training.choosing.controls import run_controls

            with open_project(project) as opened:
                return tuple(run_controls(opened, split_of(opened, split_hash), recipe, monitor))
        case FindRate(project, recipe):
            from fineray.training.tuning.rate_finder import find_rate

            with open_project(project) as opened:
                return find_rate(opened, split_of(opened), recipe, monitor)
        case RankBackbones(project, names):
            from fineray.training.choosing.ranking import rank

            with open_project(project) as opened:
                return tuple(rank(opened, latest_split(opened), names, monitor))
        case ShowViews(project, recipe, films, views):
            from fineray.training.tuning.augmentation import show_views

            with open_project(project) as opened:
                return show_views(opened, recipe, films, views)
        case AddWeights(file, name, title, task, data, licence):
            from fineray.backbones.adding import Source, add_weights

            written = Source(title, task, data, licence) if title or task else None
            added = add_weights(file, name, written)
            return WeightsAdded(added.name, added.weights.sha256)
        case DownloadWeights(name):
            return download(name, monitor)
        case RunDemo(folder):
            return run_demo(folder, monitor)
        case ReadImage(project, image):
            monitor.check()  # an image that was passed over while it waited is not read
            return _read_image(project, image)
        case CheckCodecs():
            return tuple(codec_self_test())
        case LoadLibraries():
            from fineray.backbones.runtime import best_device, device_title

            return device_title(best_device())
        case ExplainDevice():
            from fineray.backbones.device_found import explain_device

            return DeviceFound(*explain_device())
        case _ if isinstance(request, ModelRequest):
            return model_at_work(request, monitor)
        case _ if isinstance(request, PacsRequest):
            return at_archive(request, monitor)
        case _:
            return review(request, monitor)


def freeze_run(request: FreezeRun) -> RunDone:
    """Fix the run's own operating point with its model, or the one that a rule gives on validation predictions (those
    out of fold are such); the rule is kept beside it, for the figures on held-out images."""
    from fineray.project.chosen_point import point_by_rule
    from fineray.project.kept_point import kept_by, write_kept
    from fineray.training.opening import freeze

    rule = request.rule
    with open_project(request.project) as opened:
        folder = run(opened, request.run)
        point = point_by_rule(folder, rule)
        freeze(opened, request.run, point)
        if rule is not None:
            own = {finding: replace(rule, positive=finding) for finding in point.findings} or {"": rule}
            write_kept(folder, {name: kept_by(folder, each, point.of(name)) for name, each in own.items()})
    return RunDone(request.project, request.run)


def download(name: str, monitor: Monitor) -> WeightsAdded:
    """Fetch weights with progress in megabytes."""
    from fineray.backbones.adding import download_weights

    def on_bytes(done: int, total: int) -> None:
        monitor.check()
        monitor.report(Progress("Fetching weights", done // 1_000_000, total // 1_000_000, "MB"))

    added = download_weights(name, on_bytes)
    return WeightsAdded(added.name, added.weights.sha256)


def run_demo(folder: Path, monitor: Monitor) -> RunDone:
    """The demo from nothing to a run: films in `folder`/films, the project in `folder`/project."""
    project = folder / "Demo project (synthetic)"
    create_project(project)
    films = folder / "Synthetic chest phantoms"
    labels = write_study(films, monitor=monitor)
    with open_project(project, lock=True) as opened:
        import_folders(opened, [films], monitor=monitor)
        apply_labels(opened, preview_table(opened, labels))
        monitor.report(Progress("Splitting by patient", 0, 0, ""))
        # Loaded when their turn comes: the films are drawn meanwhile, and a person sees that something happens.
        from fineray.project.splitting.make import make_split

        split = make_split(opened, SplitPlan(folds=5))
        from fineray.training.recipe import Recipe
        from fineray.training.train import train

        return RunDone(project, train(opened, split, Recipe(), monitor=monitor).name)


def _read_image(project: Path, image: int) -> ShownImage:
    with open_project(project) as opened:
        source = source_of(opened, image)
        if source is not None:
            try:
                radiograph = read_radiograph(*source)
                return ShownImage(image, radiograph.image, True, radiograph.attributes.pixel_spacing_mm)
            except (NotARadiograph, UnreadableFile, OSError):
                pass  # the file was replaced or went away since the import: the stored pixels are still right
        gray = GrayImage.of_shades(opened.pixels.read(stored_at(opened, image)))
    return ShownImage(image, gray, False, None)
