"""All that the review says of a run, on all its images or on those of a subgroup."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from fineray.errors import FinerayError
from fineray.evaluation.binary_metrics import binary_metrics
from fineray.evaluation.calibration import calibration
from fineray.evaluation.choosing_point import apply_rule
from fineray.evaluation.comparison import Comparison, compare
from fineray.evaluation.confusion import confusion
from fineray.evaluation.curves import curves
from fineray.evaluation.evaluation import OVERALL
from fineray.evaluation.metrics import evaluate
from fineray.evaluation.one_vs_rest import one_vs_rest
from fineray.evaluation.operating_point import PointRule, PredictedClasses
from fineray.evaluation.planning import plan
from fineray.evaluation.predictions import Predictions
from fineray.evaluation.subgroups import subgroups
from fineray.progress import SILENT, Interim, Monitor
from fineray.project.attributes import LABELS, attribute_names, attribute_values
from fineray.project.kept_point import fixed_point
from fineray.project.project import Project
from fineray.project.runs import RunFolder, run
from fineray.review.query import ReviewedRun, ReviewQuery, values_of_view

PLANNED = (*(product(("sensitivity", "specificity"), (0.2, 0.1))), ("auc", 0.1), ("auc", 0.05))
MOST_VALUES = 12  # of an attribute, beyond which it makes no subgroups
MOST_DRAWN, FEWEST_RESAMPLES = 40_000_000, 200  # images times resamples that a figure looks at
CURVES, CALIBRATIONS = 500, 1000  # resamples of what costs more
NO_SUBGROUPS = ("transfer_syntax", "photometric", "bits_stored", "voi_source", "burned_in", "study_date")


class NothingInView(FinerayError):
    """No image of the run is left to judge."""


def judge(project: Project, folder: RunFolder, view: ReviewQuery, monitor: Monitor = SILENT) -> ReviewedRun:
    """Work everything out, with the run's own seed and resamples; with over 20,000 images fewer of them. What images
    count as (PredictedClasses) is told first, as an Interim.

    Raises NothingInView, NoOperatingPoint, NoSuchAttribute, Cancelled.
    """
    recipe = folder.recipe()
    seed = int(recipe["seed"])
    predictions, predicted = predictions_at_point(folder, view)
    monitor.report(Interim(predicted))
    rows = np.ones(len(predictions.images), dtype=bool)
    if view.attribute:
        rows = values_of_view(project, predictions, view.attribute) == view.value
    shown, calls = predictions.only(rows), predicted.predicted[rows]
    if len(shown.images) == 0:
        raise NothingInView(
            f"The run has no images with {view.attribute.removesuffix('_hash').replace('_', ' ')} {view.value}",
            todo="Choose another subgroup.",
        )
    resamples = resamples_of(recipe, len(shown.images))
    monitor.check()
    positive = view.positive if view.positive in shown.classes else shown.classes[-1]
    number = shown.classes.index(positive)
    asked = one_vs_rest(shown, positive)
    figures = binary_metrics(
        asked, calls == number, prevalence=view.prevalence, method=view.method, resamples=resamples, seed=seed
    )
    overall = {}
    if len(shown.classes) > 2:
        evaluation = evaluate(shown, resamples=resamples, seed=seed)
        overall = {name: getattr(evaluation, name) for name in OVERALL}
    monitor.check()
    drawn = curves(asked, resamples=min(resamples, CURVES), seed=seed)
    monitor.check()
    calibrated = calibration(asked, resamples=min(resamples, CALIBRATIONS), seed=seed)
    monitor.check()
    return ReviewedRun(
        positive=positive,
        images=len(shown.images),
        patients=len(set(shown.patients)),
        point=predicted.point,
        thresholds=predicted.thresholds,
        figures=figures,
        overall=overall,
        confusion=tuple(map(tuple, confusion(shown.true, calls, len(shown.classes)).tolist())),
        curves=drawn,
        calibration=calibrated,
        subgroups=subgroups(asked, calls == number, _attributes(project, shown)),
        plans=tuple(each for what, wished in PLANNED if (each := plan(figures, what, wished)) is not None),
    )


def resamples_of(recipe: Mapping[str, Any], images: int) -> int:
    """How many resamples the bootstrap of that many images takes."""
    return min(int(recipe["bootstrap"]), max(FEWEST_RESAMPLES, MOST_DRAWN // images))


def predictions_at_point(folder: RunFolder, view: ReviewQuery) -> tuple[Predictions, PredictedClasses]:
    """The run's predictions, and what they count as. Raises NoOperatingPoint."""
    if view.on_test:
        predictions, validation = folder.test_predictions(), None
        test = folder.test()
        assert test is not None, "only what was opened is judged"
        point = test.point
    else:
        predictions, validation = folder.predictions(), folder.validation_predictions()
        point = fixed_point(folder)
    if predictions.truth is not None:
        finding = view.finding or predictions.classes[0]
        predictions, point = predictions.finding(finding), point.of(finding)
        validation = validation.finding(finding) if validation is not None else None
    rule = view.rule
    if view.on_test or rule.kind == "fixed":  # nothing is chosen here
        return predictions, PredictedClasses(point.predict(predictions), point, {})
    if len(predictions.classes) != 2:
        rule = PointRule()
    elif rule.kind != "most probable" and rule.positive not in predictions.classes:
        rule = PointRule(rule.kind, predictions.classes[-1], rule.value)
    return predictions, apply_rule(predictions, rule, validation)


def compare_views(project: Project, first: ReviewQuery, second: ReviewQuery) -> Comparison:
    """Two runs, each with classes by its own rule. Raises NotComparable, NoOperatingPoint, RunMissing."""
    sides = []
    for view in (first, second):
        predictions, predicted = predictions_at_point(run(project, view.run), view)
        sides.append((view.run, predictions, predicted))
    positive = first.positive if first.positive in sides[0][1].classes else sides[0][1].classes[-1]
    return compare(sides[0], sides[1], positive)


def _attributes(project: Project, shown: Predictions) -> dict[str, tuple[str, list[str]]]:
    """The attributes that part the images into a few groups, but for those that are labels in use or of no medical
    interest."""
    found = {}
    images = shown.images.tolist()
    for name, title in attribute_names(project).items():
        if name in NO_SUBGROUPS:
            continue
        by_image = attribute_values(project, name)
        values = [by_image[image] for image in images]
        same_as_truth = name.startswith(LABELS) and _tells(values, shown.true.tolist())
        if 1 < len(set(values)) <= MOST_VALUES and not same_as_truth:
            found[name] = (title, values)
    return found


def _tells(values: list[str], true: list[int]) -> bool:
    """Whether each value goes with one class alone, as the labels themselves do."""
    return len(set(zip(values, true, strict=True))) == len(set(values))
