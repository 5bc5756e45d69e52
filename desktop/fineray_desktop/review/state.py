"""What the review looks at: a run, which of its images are evaluated, a subgroup, an operating point. Panels change it
and follow it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from fineray.engine.protocol import Failed, Reported
from fineray.engine.requests.review import JudgeRun
from fineray.errors import FinerayError
from fineray.evaluation.one_vs_rest import OneVsRest, patient_numbers
from fineray.evaluation.operating_point import OperatingPoint, PointRule, PredictedClasses
from fineray.evaluation.predictions import Predictions
from fineray.progress import Interim
from fineray.project.attributes import attribute_names
from fineray.project.catalogue import places_of
from fineray.project.kept_point import fixed_point, keep_point, rule_of
from fineray.project.labels.revisions import changed_since, notes
from fineray.project.pixel_store import StoredAt
from fineray.project.project import Project
from fineray.project.run_metrics import RunMetrics, SealedTest
from fineray.project.runs import RunFolder, run
from fineray.review.query import ReviewedRun, ReviewQuery, values_of_view
from fineray_desktop.engine_client import Job
from fineray_desktop.loading import Loading
from fineray_desktop.session import Session

DRAWN = 60  # ms that a page has to be drawn before a run is read: both at once would wait for each other at every step
SETTLED = 250  # ms without another change, after which intervals are worked out
MOST_VALUES = 40  # of an attribute that is offered as a filter


@dataclass(frozen=True)
class OpenedRun:
    """A run as it was read. fixed: the operating point that was frozen or brought; test: figures on the sealed test
    set, None where it was not opened; changed: ids of images whose label is another now; notes: image id -> text."""

    folder: RunFolder
    metrics: RunMetrics
    fixed: OperatingPoint
    predictions: Predictions
    test: SealedTest | None
    test_predictions: Predictions | None
    attributes: dict[str, str]
    changed: tuple[int, ...]
    notes: dict[int, str]


@dataclass(frozen=True)
class Evaluated:
    """What is judged: held-out or sealed predictions, or one finding of them. places: of the pixels of each row;
    numbers: that tell patients apart; patients: their pseudonyms."""

    predictions: Predictions
    places: list[StoredAt]
    numbers: NDArray[np.int64]
    patients: NDArray[np.str_]


class ReviewState(QObject):
    """The truth of page Review. Every change is followed by shown_changed at once, by shown_changed again when the
    worker process has applied the rule, where only it can, and by judged when it has worked the intervals out.

    A choice of the operating point belongs to the run: it is kept as soon as it is known, where the run may be changed.
    """

    opened = Signal()  # another run, set of images or finding
    shown_changed = Signal()  # what images count as, which are in view, or the class in question
    judging = Signal(bool)  # whether figures are being worked out
    judged = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.run: OpenedRun | None = None
        self.predictions: Predictions | None = None
        self.evaluated: Evaluated | None = None
        self.judgement: ReviewedRun | None = None  # of this view, None until it has arrived
        self.view = ReviewQuery("", PointRule())
        self.chosen: PredictedClasses | None = None  # what images count as by the view's rule, None until it is known
        self.predicted: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # the same, or what they counted as before
        self.figuring = False  # whether figures are being worked out, or are about to be
        self.in_view: NDArray[np.bool_] = np.empty(0, dtype=bool)
        self.values: dict[str, int] = {}  # of the attribute that is filtered by: images by value
        self._of_row: NDArray[np.str_] = np.empty(0, dtype=str)
        self._loading = Loading(session.fail, self)
        self._job: Job | None = None
        self._wanted = ("", False)
        self._sound = self.view  # the last view whose rule could be applied
        self._to_keep = False  # whether the rule was chosen here and is not kept yet
        self._drawn = QTimer(self, singleShot=True, interval=DRAWN)
        self._drawn.timeout.connect(self._open)
        self._begun = QTimer(self, singleShot=True, interval=0)
        self._begun.timeout.connect(self._begin)
        self._settled = QTimer(self, singleShot=True, interval=SETTLED)
        self._settled.timeout.connect(self._judge)
        session.project_closing.connect(self._keep)
        session.project_closed.connect(self.forget)

    def open(self, name: str, on_test: bool = False) -> None:
        """Read a run in the background and show it."""
        self._age()
        self._wanted = (name, on_test)
        self._drawn.start()

    def _open(self) -> None:
        project, (name, on_test) = self.session.project, self._wanted
        if project is not None:
            self._loading.ask(
                project.root, lambda opened: _read(opened, name, on_test), lambda found: self._show(*found)
            )

    def forget(self) -> None:
        """Look at nothing."""
        self._drawn.stop()
        self._loading.forget()
        self._cancel()
        self._figure(False)
        self.run = self.predictions = self.evaluated = self.judgement = self.chosen = None

    @property
    def multilabel(self) -> bool:
        """Whether classes are findings that stand side by side."""
        return self.run is not None and self.run.predictions.truth is not None

    @property
    def point(self) -> OperatingPoint | None:
        """What images count as now, None while it is being worked out."""
        return self.chosen.point if self.chosen is not None else None

    @property
    def frozen(self) -> bool:
        """Whether the run's model and operating point are fixed for good."""
        return self.run is not None and self.run.folder.frozen() is not None

    @property
    def busy(self) -> bool:
        """Whether a run is being read or figures are being worked out."""
        waiting = any(timer.isActive() for timer in (self._drawn, self._begun, self._settled))
        return waiting or self._loading.busy or self._job is not None

    def question(self) -> OneVsRest | None:
        """The class in question against the rest, over the images in view."""
        if self.predictions is None or self.evaluated is None or not self.in_view.any():
            return None
        number = self.predictions.classes.index(self.view.positive)
        scores, positive = self.predictions.probabilities[:, number], self.predictions.true == number
        return OneVsRest(self.view.positive, scores, positive, self.evaluated.numbers).only(self.in_view)

    def set_evaluated(self, on_test: bool) -> None:
        """Look at the sealed test set, or at held-out images."""
        if self.run is not None and on_test != self.view.on_test:
            self._ask_evaluated(replace(self.view, on_test=on_test))

    def set_finding(self, name: str) -> None:
        """Look at another of several findings."""
        if self.run is not None and name != self.view.finding:
            self._ask_evaluated(replace(self.view, finding=name))

    def set_positive(self, name: str) -> None:
        """Put another class in question; what images count as stays, since the rule belongs to the run."""
        if self.predictions is not None and name in self.predictions.classes and name != self.view.positive:
            self._change(replace(self.view, positive=name))

    def set_rule(self, rule: PointRule) -> None:
        """Choose the operating point by another rule."""
        if rule != self.view.rule:
            self._to_keep = True
            self._change(replace(self.view, rule=rule))

    def set_prevalence(self, prevalence: float | None) -> None:
        """Want PPV and NPV for a prevalence, 0..1."""
        if prevalence != self.view.prevalence:
            self._change(replace(self.view, prevalence=prevalence))

    def set_filter(self, attribute: str, value: str = "") -> None:
        """Look only at images that have the value of an attribute; with no value at all of them, the values counted."""
        project = self.session.project
        if project is None or self.predictions is None:
            return
        if attribute != self.view.attribute and attribute:
            shown = self.predictions
            self._loading.ask(
                project.root,
                lambda opened: _values(opened, attribute, shown),
                lambda found: self._values_read(attribute, value, *found),
            )
        else:
            self._filter(attribute, value)

    def fresh_labels(self) -> None:
        """Labels or notes changed: read again what the run was made with."""
        project, opened = self.session.project, self.run
        if project is not None and opened is not None:
            folder, known = opened.folder, opened.predictions
            self._loading.ask(
                project.root,
                lambda found: (changed_since(found, folder, known), notes(found)),
                lambda both: self._labels_read(opened, both),
            )

    def _labels_read(self, opened: OpenedRun, both: tuple[tuple[int, ...], dict[int, str]]) -> None:
        if self.run is opened:
            self.run = replace(opened, changed=both[0], notes=both[1])
            self.shown_changed.emit()

    def _show(self, found: OpenedRun, evaluated: Evaluated, view: ReviewQuery) -> None:
        self.run = found
        self._show_evaluated(evaluated, view)

    def _ask_evaluated(self, view: ReviewQuery) -> None:
        project, opened = self.session.project, self.run
        self._age()
        if project is not None and opened is not None:
            self._loading.ask(
                project.root, lambda found: _evaluated(found, opened, view), lambda found: self._show_evaluated(*found)
            )

    def _age(self) -> None:
        """Another run, set of images or finding is chosen: what is on show belongs to the choice before."""
        self._keep()
        if self.predictions is not None:
            self._cancel()
            self.chosen = self.judgement = None
            self._figure(True)
            self.shown_changed.emit()

    def _show_evaluated(self, evaluated: Evaluated, view: ReviewQuery) -> None:
        shown = evaluated.predictions
        positive = next(
            each for each in (view.positive, view.rule.positive, shown.classes[-1]) if each in shown.classes
        )
        self.view = self._sound = replace(view, positive=positive, attribute="", value="")
        self.predictions, self.evaluated, self.judgement, self.values = shown, evaluated, None, {}
        self.in_view = np.ones(len(shown.images), dtype=bool)
        self._to_keep = False
        self.chosen = self._called_at_once()
        self.predicted = self.chosen.predicted if self.chosen is not None else shown.predicted
        self._figure(True)
        self.opened.emit()
        self._begun.start()  # between the two the window draws what it has

    def _begin(self) -> None:
        if self.predictions is not None:
            self._change(self.view)

    def _values_read(self, attribute: str, value: str, of_row: NDArray[np.str_], counted: dict[str, int]) -> None:
        self._of_row, self.values = of_row, counted
        self._filter(attribute, value)

    def _filter(self, attribute: str, value: str) -> None:
        assert self.predictions is not None
        everyone = np.ones(len(self.predictions.images), dtype=bool)
        self.in_view = self._of_row == value if attribute and value else everyone
        if not attribute:
            self.values = {}
        # Without a value everything is in view, and the judgement needs no attribute.
        self._change(replace(self.view, attribute=attribute, value=value))

    def _change(self, view: ReviewQuery) -> None:
        assert self.predictions is not None
        another, self.view = view.rule != self.view.rule, view
        if another or self.chosen is None:
            self.chosen = self._called_at_once()
        if self.chosen is not None:
            self.predicted, self._sound = self.chosen.predicted, view
        self.judgement = None
        self._cancel()
        self._figure(True)
        self.shown_changed.emit()
        self._settled.start()

    def _called_at_once(self) -> PredictedClasses | None:
        """What images count as, where no other image has to be looked at for it; the rest the worker knows."""
        shown, opened, rule = self.predictions, self.run, self.view.rule
        assert shown is not None and opened is not None
        if self.view.on_test and opened.test is not None:
            point = opened.test.point.of(self.view.finding)
        elif rule.kind == "fixed":
            point = opened.fixed.of(self.view.finding)
        elif rule.kind == "threshold":
            point = OperatingPoint(rule.positive, rule.value, "threshold given by hand")
        elif rule.kind == "most probable":
            point = OperatingPoint()
        else:
            return None
        return PredictedClasses(point.predict(shown), point, {})

    def _cancel(self) -> None:
        self._settled.stop()
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _figure(self, on: bool) -> None:
        if on != self.figuring:
            self.figuring = on
            self.judging.emit(on)

    def _judge(self) -> None:
        project = self.session.project
        if project is None or self.predictions is None:
            return
        self._keep()
        view = self.view if self.view.value else replace(self.view, attribute="")
        job = self.session.analyst.start(JudgeRun(project.root, view))
        self._job = job
        job.reported.connect(lambda event: self._reported(job, event))
        job.finished.connect(lambda found: self._judged(job, found))
        job.failed.connect(lambda failed: self._failed(job, failed))

    def _reported(self, job: Job, event: Reported) -> None:
        if job is not self._job or self.chosen is not None:  # known at once, it is on show already
            return
        for report in event.reports:
            if isinstance(report, Interim) and isinstance(report.result, PredictedClasses):
                self.chosen, self._sound = report.result, self.view
                self.predicted = self.chosen.predicted
                self._keep()
                self.shown_changed.emit()

    def _judged(self, job: Job, found: ReviewedRun) -> None:
        if job is not self._job or self.predictions is None:
            return
        self._job = None
        self.judgement = found
        self._figure(False)
        self.judged.emit()

    def _failed(self, job: Job, failed: Failed) -> None:
        if job is not self._job:
            return
        self._job = None
        self._to_keep = False
        self._figure(False)
        if self.chosen is None:  # back to what could be applied
            before = self._sound.rule
            self._change(replace(self.view, rule=before if before != self.view.rule else PointRule()))
        self.session.failed.emit(failed)

    def _keep(self) -> None:
        """Let the run have what was chosen here, once it is known."""
        project, opened = self.session.project, self.run
        if not self._to_keep or self.chosen is None or project is None or opened is None:
            return
        self._to_keep = False
        if self.view.on_test or self.session.read_only or self.frozen:
            return
        try:
            keep_point(project, opened.folder, self.view.rule, self.chosen.point, self.view.finding)
        except FinerayError as error:
            self.session.fail(error.what, error.where, error.todo)
        self.session.point_kept.emit(opened.folder.name)


def _read(project: Project, name: str, on_test: bool) -> tuple[OpenedRun, Evaluated, ReviewQuery]:
    folder = run(project, name)
    predictions, test = folder.predictions(), folder.test()
    opened = OpenedRun(
        folder,
        folder.metrics(),
        fixed_point(folder),
        predictions,
        test,
        folder.test_predictions() if test is not None else None,
        attribute_names(project),
        changed_since(project, folder, predictions),
        notes(project),
    )
    return opened, *_evaluated(
        project, opened, ReviewQuery(folder.name, PointRule(), on_test=on_test and test is not None)
    )


def _evaluated(project: Project, opened: OpenedRun, view: ReviewQuery) -> tuple[Evaluated, ReviewQuery]:
    """What is judged, and the view of it by the run's own rule."""
    shown = opened.test_predictions if view.on_test else opened.predictions
    assert shown is not None
    finding = ""
    if shown.truth is not None:
        finding = view.finding or shown.classes[0]
        shown = shown.finding(finding)
    places = places_of(project, shown.images.tolist())
    evaluated = Evaluated(shown, places, patient_numbers(shown), np.array(shown.patients))
    return evaluated, replace(view, finding=finding, rule=rule_of(opened.folder, finding))


def _values(project: Project, attribute: str, shown: Predictions) -> tuple[NDArray[np.str_], dict[str, int]]:
    """(the value of each image, the most frequent values with their number)."""
    of_row = values_of_view(project, shown, attribute)
    names, counts = np.unique(of_row, return_counts=True)
    counted = dict(zip(names.tolist(), counts.tolist(), strict=True))
    return of_row, dict(sorted(counted.items(), key=lambda each: -each[1])[:MOST_VALUES])
