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
from PySide6.QtWidgets import QTabWidget, QWidget

from fineray.checks.check_result import CheckResult, keep_checks
from fineray.dicom.location import FileLocation
from fineray.engine.protocol import Reported
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.operating_point import OperatingPoint
from fineray.explaining.results import Neighbour
from fineray.prediction.results import (
    Drift,
    DriftLine,
    FolderPredictions,
    Scored,
    Share,
)
from fineray.progress import (
    FoldDone,
    HeadStep,
    Monitor,
    Progress,
)
from fineray.project.catalogue import FileRow
from fineray.project.labels.preview import Conflict, FromTable, LabelPreview
from fineray.project.patients.identify import SharedNumbers
from fineray.project.seal import Seal
from fineray.project.seen import Seen
from fineray.project.state import StudyState
from fineray.review.agreement import Agreement
from fineray.review.judging import judge
from fineray.training.results import LearningCurve, LearningPoint
from fineray_desktop.engine_client import EngineClient, Job
from fineray_desktop.main_window import PAGES, MainWindow
from tests.support.dialogs import DIALOGS
from tests.support.records import FOLDER, classes, project_of_records

Shown = Iterator[tuple[str, QWidget]]


def quiet_window(settings: QSettings, patch: pytest.MonkeyPatch) -> MainWindow:
    """A window whose requests nobody answers."""
    patch.setattr(EngineClient, "start", lambda client, request: Job(client, 0, request))
    return MainWindow(settings)


def study(folder: Path, count: int, multilabel: bool) -> Path:
    """A project of records with long names, two label sets, and what the data checks found."""
    root = folder / f"{count} classes in children, with a long name{' side by side' * multilabel}"
    made = project_of_records(root, classes(count), multilabel=multilabel)
    keep_checks(made, _findings(), ("borders", "copies", "letters"), "label", Seen())
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
    asked = SharedNumbers(1234, {"site": 1000, "issuer": 234, "source": 12}, 56)
    page.split._ask_about_patients(replace(state, unidentified=1234, shared=asked, torn=1234))
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
    page.image_panel.explain.method.setCurrentIndex(1)
    page.image_panel.explain._say(
        "Unstable, not to be read: 60% of the evidence lies on the image's border. " * 3, "warning"
    )
    page.image_panel.explain.anyway_button.show()
    names = review.predictions.classes
    page.image_panel.near._show(tuple(Neighbour(n, f"P{n:05d}", name, 0.9) for n, name in enumerate(names, 1)))
    page.image_panel.history.setText(
        "Changed " + "; ".join(["2024-05-01: pneumonia only → pneumonia and effusion"] * 3)
    )
    page.image_panel.view.note.setText("Stored 8-bit copy: the DICOM file is not at hand on this computer.")
    yield from _each_tab(window, page.image_panel.tabs, "")
    page.matrix.select((0, 1))
    yield "a cell chosen", window
    page.bar.choose_subgroup("manufacturer", "Philips Medical Systems DMC GmbH, Hamburg")
    page.overview.older.setText("Made with older labels: 1,234 have been changed since.")
    page.overview.older.show()
    if page.overview.point.rule.isEnabled():
        page.overview.point.rule.setCurrentIndex(4)
    page.overview.point.text.setText("0.412 to 0.587 by fold, each chosen on the others; 0.512 for other images. " * 2)
    page.sealed.show()
    yield "a subgroup, with everything that may stand there", window
    page.sealed.hide()
    page.image_panel.clear("No image fits the filter.")
    yield "no image", window
    page._clear_filters()
    page.image_panel.explain.method.setCurrentIndex(0)


def _predict(window: MainWindow, state: StudyState) -> Shown:
    page, names = window.page("Predict"), tuple(state.counts.classes)
    yield "nothing chosen", window
    page.take(Path(FOLDER))
    page.abstain.setChecked(page.abstain.isEnabled())
    page.band_effect.setText("Out of sample 81% of the images get an answer, with sensitivity 91% and so on. " * 3)
    page.band_effect.setVisible(page.abstain.isEnabled())
    rows = tuple(
        Scored(
            f"1.2.840.113619.2.55.3.2831164355.{n:03d}/image {n}.dcm", f"1.2.{n}",
            tuple(np.full(len(names), 1 / len(names)).tolist()), names[n % len(names)],
            "unlike the images that the model learned from; sealed test set" if n % 4 == 0 else "", 0.4,
        )
        for n in range(40)
    )  # fmt: skip
    shares = tuple(Share(name, 0.4, 0.5, 0.4, 0.6) for name in names)
    lines = (DriftLine("Manufacturer of the device", "attribute", 0.31, 0.0001, True, shares),
             DriftLine("Distance from the training images", "numbers", 0.05, 0.4, False, ()))  # fmt: skip
    page._of = page.run.currentText(), Path(FOLDER)
    page._show(FolderPredictions(page.run.currentText(), names, OperatingPoint(), rows, 0.5, Drift(40, 299, lines)))
    page.drift.tree.expandAll()
    yield from _each_tab(window, page.tabs, "")
    page.tabs.setCurrentIndex(0)
    page.image_panel.view.title.setText(f"{rows[0].file}\n{names[0]} ({names[0]} 0.512)")
    page.image_panel.heat.setChecked(True)
    page.summary.setText(f"Saved as {FOLDER}/run-001 predictions.csv.")
    yield "long texts", window
    page.image_panel.heat.setChecked(False)
    page._show(None)
    page.abstain.setChecked(False)


def _around(window: MainWindow) -> Shown:
    """What stands around the pages: errors, the job under way, reading only, the tour."""
    from fineray_desktop.start.tour import STEPS, Tour

    window.session.fail(
        "The project could not be written: the disk is full", f"{FOLDER}/catalogue.sqlite",
        "Free some space, then start the step again. What was finished is kept. " * 2,
    )  # fmt: skip
    window.read_only.show()
    window.read_only.text.setText("For reading only: the project is open in another Fineray, by Dr. Muster. " * 2)
    job = Job(window.session.engine, 7, None)  # type: ignore[arg-type]
    window.job_bar.watch(job, "Export without identity")
    progress = Progress("Looking at augmented views of the images", 12_345, 100_000, "views")
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
    for name, make in DIALOGS.items():
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


class _Codec:
    """A transfer syntax that cannot be read here."""

    def __init__(self, name: str) -> None:
        self.transfer_syntax, self.problem = name, "the decoder is not installed on this computer"


def _findings() -> list[CheckResult]:
    title = "From the borders of the images alone the label can be told: AUC 0.80 (0.74 to 0.86)"
    evidence = "A last layer was fitted to what the border of each image shows, five times by patient. " * 3
    return [
        CheckResult("borders", "serious", title, evidence),
        CheckResult("copies", "look", "12 images are there more than once", evidence, (1, 2, 3), leave_out=True),
        CheckResult("letters", "fine", "No attribute of the files goes together with the label", "Looked at 12."),
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
