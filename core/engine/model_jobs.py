"""What each request about models at work does."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.engine.messages import RunDone
from core.engine.model_requests import (
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
from core.export.results import ExportedModel
from core.progress import Monitor
from core.project.project import Project, create_project, open_project
from core.project.runs import RunFolder, run


def model_at_work(request: ModelRequest, monitor: Monitor) -> ModelResult | RunDone | str:
    """Answer a request. Raises Cancelled, a FinerayError, or whatever a fault raises."""
    match request:
        case PredictFolder():
            return _predict(request, monitor)
        case WritePredictions(table, output):
            from core.applying.tables import write_predictions

            write_predictions(table, output, monitor)
            return str(output)
        case LookAtFilm(project, name, films, file, class_name):
            from core.applying.one_film import look_at_film

            with open_project(project) as opened:
                return look_at_film(run(opened, name), films, file, class_name)
        case ExportModel():
            with open_project(request.project) as opened:
                return _export(opened, run(opened, request.run), request, monitor)
        case OpenPackage(package, target, signed_by):
            from core.export.package.opening import open_package

            return open_package(package, target, monitor, signed_by)
        case ValidateModel(project, name, statistics):
            from core.applying.validation import validate
            from core.export.statistics import write_statistics

            with open_project(project) as opened:
                done = validate(opened, run(opened, name), monitor)
                if statistics is not None:
                    write_statistics(opened, done, statistics, monitor)
            return RunDone(project, done.name)
        case ValidateFolder():
            return _validate_folder(request, monitor)
        case Verify(what, name):
            from core.export.package.verifying import verify_package, verify_run, verify_statistics

            if name:
                with open_project(what) as opened:
                    return tuple(verify_run(opened, run(opened, name)))
            return tuple(verify_statistics(what) if what.suffix == ".json" else verify_package(what, monitor))


def _predict(request: PredictFolder, monitor: Monitor) -> ModelResult:
    from core.applying.predict import NewFilm, predict_folder, watch_folder
    from core.export.dicom_results import DicomResultWriter
    from core.export.heat_maps import HeatMapWriter, map_of

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
            watch_folder(opened, folder, request.films, monitor, request.every_s, request.abstain, visit, request.rule)
        return predict_folder(opened, folder, request.films, monitor, request.abstain, visit, request.rule)


def _export(project: Project, folder: RunFolder, request: ExportModel, monitor: Monitor) -> ExportedModel:
    from core.export.package.contents import Kind, export_package, facts_of

    match request.format:
        case "frpkg" | "capsule":
            from core.export.package.signature import read_key

            kind: Kind = "model" if request.format == "frpkg" else "study"
            key = read_key(request.key, request.passphrase) if request.key is not None else None
            return export_package(project, folder, request.output, monitor, kind, request.rule, request.abstain, key)
        case "onnx":
            from core.export.onnx_model import export_onnx

            facts = facts_of(folder, "model", request.rule, request.abstain)
            return ExportedModel(str(request.output), difference=export_onnx(folder, facts, request.output, monitor))
        case "monai-bundle":
            from core.applying.training_set import training_set_of
            from core.export.monai_bundle import export_bundle
            from core.export.package.card import model_card

            facts = facts_of(folder, "model", request.rule, request.abstain)
            card = model_card(facts, training_set_of(project, folder), folder)
            return ExportedModel(
                str(request.output), difference=export_bundle(folder, facts, card, request.output, monitor)
            )


def _validate_folder(request: ValidateFolder, monitor: Monitor) -> RunDone:
    """The way that a hospital would go by hand: a package out of one project, films and labels into another."""
    from core.applying.validation import validate
    from core.export.package.contents import export_package
    from core.export.package.opening import open_package
    from core.project.importing import import_folders
    from core.project.labels import LABEL_COLUMN, apply_labels, preview_table

    with tempfile.TemporaryDirectory(prefix="fineray-") as temporary, open_project(request.project) as opened:
        package = Path(temporary) / "model.frpkg"
        export_package(opened, run(opened, request.run), package, monitor)
        create_project(request.target)
        with open_project(request.target) as target:
            import_folders(target, [request.films], monitor)
            apply_labels(target, preview_table(target, request.labels, (LABEL_COLUMN,), ""))
        brought = open_package(package, request.target, monitor)
        with open_project(request.target) as target:
            return RunDone(request.target, validate(target, run(target, brought.run), monitor).name)
