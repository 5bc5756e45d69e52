"""What each request of the review does."""

from __future__ import annotations

from fineray.engine.jobs.pair import Pair
from fineray.engine.requests.review import (
    CompareRuns,
    DoubtLabels,
    ExplainCell,
    ExplainImage,
    FindNearest,
    JudgeRun,
    LearnByNumber,
    MapFeatures,
    WriteReport,
)
from fineray.evaluation.comparison import Comparison
from fineray.explaining.results import DoubtfulLabel, Explained, FeatureMap, Neighbour
from fineray.progress import Monitor
from fineray.project.project import open_project
from fineray.project.runs import run
from fineray.project.splits import split_of
from fineray.review.query import ReviewedRun
from fineray.training.recipe import Recipe
from fineray.training.results import LearningCurve


def judge_run(request: JudgeRun, monitor: Monitor) -> ReviewedRun:
    """Every figure of a run."""
    from fineray.review.judging import judge

    with open_project(request.project) as project:
        return judge(project, run(project, request.view.run), request.view, monitor)


def compare_runs(request: CompareRuns, _: Monitor) -> Comparison:
    """Two runs on what both predicted."""
    from fineray.review.judging import compare_views

    with open_project(request.project) as project:
        return compare_views(project, request.first, request.second)


def explain_image(request: ExplainImage, monitor: Monitor) -> Explained:
    """The evidence on an image."""
    from fineray.explaining.explain import explain

    with open_project(request.project) as project:
        name, method = request.class_name, request.method
        return explain(project, run(project, request.run), request.image, name, method, request.fold, monitor)


def explain_cell(request: ExplainCell, monitor: Monitor) -> Explained:
    """The mean evidence over images."""
    from fineray.explaining.explain import mean_map

    with open_project(request.project) as project:
        return mean_map(project, run(project, request.run), request.images, request.class_name, monitor)


def find_nearest(request: FindNearest, monitor: Monitor) -> tuple[Neighbour, ...]:
    """Training images like an image."""
    from fineray.explaining.alike import nearest

    with open_project(request.project) as project:
        return nearest(project, run(project, request.run), request.image, request.part, monitor=monitor)


def map_features(request: MapFeatures, monitor: Monitor) -> FeatureMap:
    """All images as points."""
    from fineray.explaining.alike import feature_map

    with open_project(request.project) as project:
        return feature_map(project, run(project, request.run), monitor=monitor)


def doubt_labels(request: DoubtLabels, _: Monitor) -> tuple[DoubtfulLabel, ...]:
    """Labels that predictions contradict."""
    from fineray.explaining.doubtful import doubtful_labels

    with open_project(request.project) as project:
        return doubtful_labels(run(project, request.run).predictions())


def learn_by_number(request: LearnByNumber, monitor: Monitor) -> LearningCurve:
    """A run's figures by the number of patients."""
    from fineray.training.choosing.learning_curve import learning_curve

    with open_project(request.project) as project:
        folder = run(project, request.run)
        split = split_of(project, folder.metrics().split.hash)
        return learning_curve(project, split, Recipe.of_run(folder.path), monitor)


def write_report(request: WriteReport, monitor: Monitor) -> str:
    """Write the report of a run."""
    from fineray.report import writing

    with open_project(request.project) as project:
        folder, output = run(project, request.view.run), request.output
        return str(
            writing.write_report(
                project, folder, output, request.view, request.thumbnails, request.parts, monitor=monitor
            )
        )


PAIRS = (
    Pair(JudgeRun, judge_run),
    Pair(CompareRuns, compare_runs),
    Pair(ExplainImage, explain_image),
    Pair(ExplainCell, explain_cell),
    Pair(FindNearest, find_nearest),
    Pair(MapFeatures, map_features),
    Pair(DoubtLabels, doubt_labels),
    Pair(LearnByNumber, learn_by_number),
    Pair(WriteReport, write_report),
)
