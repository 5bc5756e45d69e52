"""What each request about models at work does."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fineray.engine.messages import RunDone
from fineray.engine.requests.models import (
    ExportModel,
    LookAtFilm,
    ModelRequest,
    ModelResult,
    OpenPackage,
    PredictFolder,
    ValidateFolder,
    ValidateModel,
    Verify,
    WritePredictions,
)
from fineray.export.results import ExportedModel
from fineray.progress import Monitor
from fineray.project.project import Project, create_project, open_project
from fineray.project.runs import RunFolder, run


def model_at_work(request: ModelRequest, monitor: Monitor) -> ModelResult | RunDone | str:
    """Answer a request. Raises Cancelled, a FinerayError, or whatever a fault raises."""
    match request:
        case PredictFolder():
            return _predict(request, monitor)
        case WritePredictions(table, output):
            from fineray.prediction.tables import write_predictions

            write_predictions(table, output, monitor)
            return str(output)
        case LookAtFilm(project, name, films, file, class_name):
            from fineray.prediction.one_film import look_at_film

            with open_project(project) as opened:
                return look_at_film(run(opened, name), films, file, class_name)
        case ExportModel():
            with open_project(request.project) as opened:
                return _export(opened, run(opened, request.run), request, monitor)
        case OpenPackage(package, target, signed_by):
            from fineray.package.opening import open_package

            return open_package(package, target, signed_by, monitor=monitor)
        case ValidateModel(project, name, statistics):
            from fineray.export.statistics import write_statistics
            from fineray.prediction.validation import validate

            with open_project(project) as opened:
                done = validate(opened, run(opened, name), monitor)
                if statistics is not None:
                    write_statistics(opened, done, statistics, monitor)
            return RunDone(project, done.name)
        case ValidateFolder():
            return _validate_folder(request, monitor)
        case Verify(what, name):
            from fineray.package.verifying import verify_package, verify_run, verify_statistics

            if name:
                with open_project(what) as opened:
                    return tuple(verify_run(opened, run(opened, name)))
            return tuple(verify_statistics(what) if what.suffix == ".json" else verify_package(what, monitor))


def _predict(request: PredictFolder, monitor: Monitor) -> ModelResult:
    from fineray.export.dicom_results import DicomResultWriter
    from fineray.export.heat_maps import HeatMapWriter, map_of
    from fineray.prediction.predict import NewFilm, predict_folder, watch_folder

    with open_project(request.project) as opened:
        folder = run(opened, request.run)
        classes = tuple(folder.metrics()["classes"])
        writers: list[HeatMapWriter | DicomResultWriter] = []
        if request.maps is not None:
            writers.append(HeatMapWriter(folder, classes, request.maps))
        if request.results is not None:
            writers.append(DicomResultWriter(folder, classes, request.results))

        def visit(new: NewFilm) -> None:
            if writers:
                seen = map_of(folder, classes, new)  # once, in whatever forms it is written
                for writer in writers:
                    writer.write(new, seen)

        if request.every_s > 0:
            watch_folder(
                opened, folder, request.films, request.every_s, request.abstain, visit, request.rule, monitor=monitor
            )
        return predict_folder(opened, folder, request.films, request.abstain, visit, request.rule, monitor=monitor)


def _export(project: Project, folder: RunFolder, request: ExportModel, monitor: Monitor) -> ExportedModel:
    from fineray.package.contents import Kind, export_package, facts_of

    match request.format:
        case "frpkg" | "capsule":
            from fineray.package.signature import read_key

            kind: Kind = "model" if request.format == "frpkg" else "study"
            key = read_key(request.key, request.passphrase) if request.key is not None else None
            return export_package(
                project, folder, request.output, kind, request.rule, request.abstain, key, monitor=monitor
            )
        case "onnx":
            from fineray.export.onnx_model import export_onnx

            facts = facts_of(folder, "model", request.rule, request.abstain)
            return ExportedModel(str(request.output), difference=export_onnx(folder, facts, request.output, monitor))
        case "monai-bundle":
            from fineray.export.monai_bundle import export_bundle
            from fineray.package.card import model_card
            from fineray.prediction.training_set import training_set_of

            facts = facts_of(folder, "model", request.rule, request.abstain)
            card = model_card(facts, training_set_of(project, folder), folder)
            return ExportedModel(
                str(request.output), difference=export_bundle(folder, facts, card, request.output, monitor)
            )


def _validate_folder(request: ValidateFolder, monitor: Monitor) -> RunDone:
    """The way that a hospital would go by hand: a package out of one project, films and labels into another."""
    from fineray.package.contents import export_package
    from fineray.package.opening import open_package
    from fineray.prediction.validation import validate
    from fineray.project.files.importing import import_folders
    from fineray.project.labels.preview import LABEL_COLUMN, apply_labels, preview_table

    with tempfile.TemporaryDirectory(prefix="fineray-") as temporary, open_project(request.project) as opened:
        package = Path(temporary) / "model.frpkg"
        export_package(opened, run(opened, request.run), package, monitor=monitor)
        create_project(request.target)
        with open_project(request.target) as target:
            import_folders(target, [request.films], monitor=monitor)
            apply_labels(target, preview_table(target, request.labels, (LABEL_COLUMN,), ""))
        brought = open_package(package, request.target, monitor=monitor)
        with open_project(request.target) as target:
            return RunDone(request.target, validate(target, run(target, brought.run), monitor).name)
