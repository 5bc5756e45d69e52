"""What each request about models at work does."""

from __future__ import annotations

from collections.abc import Callable

from fineray.engine.jobs.pair import Pair
from fineray.engine.requests.models import (
    ExportModel,
    Format,
    LookAtImage,
    OpenPackage,
    PredictFolder,
    ValidateFolder,
    ValidateModel,
    Verify,
    WritePredictions,
)
from fineray.export.results import Check, ExportedModel, OpenedModel
from fineray.prediction.results import FolderPredictions, LookedAt
from fineray.progress import Monitor
from fineray.project.project import Project, open_project
from fineray.project.runs import RunFolder, run
from fineray.training.results import RunDone


def predict_folder(request: PredictFolder, monitor: Monitor) -> FolderPredictions:
    """Apply a run to images, with maps and DICOM objects of them where asked; watching never ends by itself."""
    from fineray.export.evidence import evidence_writer
    from fineray.prediction import predict

    with open_project(request.project) as project:
        folder = run(project, request.run)
        visit = evidence_writer(folder, request.maps, request.results)
        images, abstain, rule = request.images, request.abstain, request.rule
        if request.every_s > 0:
            predict.watch_folder(project, folder, images, request.every_s, abstain, visit, rule, monitor=monitor)
        return predict.predict_folder(project, folder, images, abstain, visit, rule, monitor=monitor)


def write_predictions(request: WritePredictions, monitor: Monitor) -> str:
    """Write a table."""
    from fineray.prediction import tables

    tables.write_predictions(request.table, request.output, monitor)
    return str(request.output)


def look_at_image(request: LookAtImage, _: Monitor) -> LookedAt:
    """One image with its evidence."""
    from fineray.prediction import one_image

    with open_project(request.project) as project:
        folder = run(project, request.run)
        return one_image.look_at_image(folder, request.images, request.file, request.class_name)


def export_model(request: ExportModel, monitor: Monitor) -> ExportedModel:
    """Write a run for others."""
    with open_project(request.project) as project:
        return FORMATS[request.format](project, run(project, request.run), request, monitor)


def _as_package(project: Project, folder: RunFolder, request: ExportModel, monitor: Monitor) -> ExportedModel:
    from fineray.package.contents import Kind, export_package
    from fineray.package.signature import read_key

    kind: Kind = "study" if request.format == "capsule" else "model"
    key = read_key(request.key, request.passphrase) if request.key is not None else None
    return export_package(project, folder, request.output, kind, request.rule, request.abstain, key, monitor=monitor)


def _as_onnx(_: Project, folder: RunFolder, request: ExportModel, monitor: Monitor) -> ExportedModel:
    from fineray.export.onnx_model import export_onnx
    from fineray.package.contents import facts_of

    facts = facts_of(folder, "model", request.rule, request.abstain)
    return ExportedModel(str(request.output), difference=export_onnx(folder, facts, request.output, monitor))


def _as_bundle(project: Project, folder: RunFolder, request: ExportModel, monitor: Monitor) -> ExportedModel:
    from fineray.export.monai_bundle import export_bundle
    from fineray.package.card import model_card
    from fineray.package.contents import facts_of
    from fineray.prediction.training_set import training_set_of

    facts = facts_of(folder, "model", request.rule, request.abstain)
    card = model_card(facts, training_set_of(project, folder), folder)
    return ExportedModel(str(request.output), difference=export_bundle(folder, facts, card, request.output, monitor))


FORMATS: dict[Format, Callable[[Project, RunFolder, ExportModel, Monitor], ExportedModel]] = {
    "frpkg": _as_package,
    "capsule": _as_package,
    "onnx": _as_onnx,
    "monai-bundle": _as_bundle,
}


def open_package(request: OpenPackage, monitor: Monitor) -> OpenedModel:
    """Take a package in."""
    from fineray.package import opening

    return opening.open_package(request.package, request.target, request.signed_by, monitor=monitor)


def validate_model(request: ValidateModel, monitor: Monitor) -> RunDone:
    """Judge a model from elsewhere."""
    from fineray.export.statistics import write_statistics
    from fineray.prediction.validation import validate

    with open_project(request.project) as project:
        done = validate(project, run(project, request.run), monitor)
        if request.statistics is not None:
            write_statistics(project, done, request.statistics, monitor)
    return RunDone(request.project, done.name)


def validate_folder(request: ValidateFolder, monitor: Monitor) -> RunDone:
    """Judge a run on images of no project."""
    from fineray.package import validating

    with open_project(request.project) as project:
        folder = run(project, request.run)
        done = validating.validate_folder(project, folder, request.images, request.labels, request.target, monitor)
        return RunDone(request.target, done)


def verify(request: Verify, monitor: Monitor) -> tuple[Check, ...]:
    """Derive figures again."""
    from fineray.package.verifying import verify_package, verify_run, verify_statistics

    what = request.what
    if request.run:
        with open_project(what) as project:
            return tuple(verify_run(run(project, request.run)))
    return tuple(verify_statistics(what) if what.suffix == ".json" else verify_package(what, monitor))


PAIRS = (
    Pair(PredictFolder, predict_folder),
    Pair(WritePredictions, write_predictions),
    Pair(LookAtImage, look_at_image),
    Pair(ExportModel, export_model),
    Pair(OpenPackage, open_package),
    Pair(ValidateModel, validate_model),
    Pair(ValidateFolder, validate_folder),
    Pair(Verify, verify),
)
