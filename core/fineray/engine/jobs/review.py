"""What each request of the review does."""

from __future__ import annotations

from fineray.engine.requests.review import (
    CompareRuns,
    DoubtLabels,
    ExplainCell,
    ExplainImage,
    FindNearest,
    JudgeRun,
    LearnByNumber,
    MapFeatures,
    ReviewRequest,
    ReviewResult,
    WriteReport,
)
from fineray.progress import Monitor
from fineray.project.project import open_project
from fineray.project.runs import run
from fineray.project.splits import split_of


def review(request: ReviewRequest, monitor: Monitor) -> ReviewResult | str:
    """Answer a request. Raises Cancelled, a FinerayError, or whatever a fault raises."""
    match request:
        case JudgeRun(project, view):
            from fineray.review.judging import judge

            with open_project(project) as opened:
                return judge(opened, run(opened, view.run), view, monitor)
        case CompareRuns(project, first, second):
            from fineray.review.judging import compare_views

            with open_project(project) as opened:
                return compare_views(opened, first, second)
        case ExplainImage(project, name, image, class_name, method, fold):
            from fineray.explaining.explain import explain

            with open_project(project) as opened:
                return explain(opened, run(opened, name), image, class_name, method, fold, monitor)
        case ExplainCell(project, name, images, class_name):
            from fineray.explaining.explain import mean_map

            with open_project(project) as opened:
                return mean_map(opened, run(opened, name), images, class_name, monitor)
        case FindNearest(project, name, image, part):
            from fineray.explaining.alike import nearest

            with open_project(project) as opened:
                return nearest(opened, run(opened, name), image, part, monitor=monitor)
        case MapFeatures(project, name):
            from fineray.explaining.alike import feature_map

            with open_project(project) as opened:
                return feature_map(opened, run(opened, name), monitor=monitor)
        case DoubtLabels(project, name):
            from fineray.explaining.doubtful import doubtful_labels

            with open_project(project) as opened:
                return doubtful_labels(run(opened, name).predictions())
        case LearnByNumber(project, name):
            from fineray.training.choosing.learning_curve import learning_curve
            from fineray.training.recipe import Recipe

            with open_project(project) as opened:
                folder = run(opened, name)
                recipe = Recipe.of_run(folder.path)
                split = split_of(opened, folder.metrics()["split"]["hash"])
                return learning_curve(opened, split, recipe, monitor)
        case WriteReport(project, view, output, thumbnails, parts):
            from fineray.report.writing import write_report

            with open_project(project) as opened:
                return str(
                    write_report(opened, run(opened, view.run), output, view, thumbnails, parts, monitor=monitor)
                )
