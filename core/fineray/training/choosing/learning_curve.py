"""What more patients would bring: the same recipe on growing shares of the training patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fineray.evaluation.bootstrap import patient_weights, percentile_interval, weighted_mean_auc
from fineray.evaluation.roc_area import auc
from fineray.progress import SILENT, Monitor, Progress, Quiet
from fineray.project.project import Project
from fineray.project.splits import Split
from fineray.training.checkpoint import Checkpoints, checkpoints_of
from fineray.training.data import Data, Rows
from fineray.training.dataset import load_training_input
from fineray.training.head.head import Floats
from fineray.training.learners import TrainingProgress, learner_for
from fineray.training.recipe import Recipe
from fineray.training.results import LearningCurve, LearningPoint

SHARES = (0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0)
FEWEST = 3  # patients of each class, below which a share is left out
_RESAMPLES = 500


def learning_curve(project: Project, split: Split, recipe: Recipe, monitor: Monitor = SILENT) -> LearningCurve:
    """Train on nested shares of the training patients, drawn class by class, and judge on the held-out ones.

    With folds these are each fold's own; with a held-out test part the validation part, since the test part is for
    the last judgement alone. A recipe that tunes stages is followed with its backbone frozen. Where the project may be
    written, heads are kept until the curve is whole, and a curve that was paused goes on. Raises as prepare().
    """
    plain = replace(recipe, mode="frozen", search_minutes=0.0)
    if project.read_only is not None:
        points, folds = _points(project, split, plain, monitor, None)
    else:
        place = checkpoints_of(project, "learning curve", plain, split.hash)
        with place.at_work():
            points, folds = _points(project, split, plain, monitor, place)
    how = "" if recipe.mode == "frozen" else " with the backbone frozen, since tuning each share would take hours"
    return LearningCurve(tuple(points), f"{folds} held-out part{'s' * (folds > 1)}{how}")


def _points(
    project: Project, split: Split, plain: Recipe, monitor: Monitor, place: Checkpoints | None
) -> tuple[list[LearningPoint], int]:
    """(the points, in how many parts each was judged)."""
    quiet = TrainingProgress(Quiet(monitor), 1, place)
    prepared = load_training_input(project, split, plain, monitor)
    if place is not None:
        place.claim(prepared.made_of)
    data = prepared.data
    folds = sorted(set(data.parts.tolist())) if split.plan.kind == "folds" else ["validation"]
    order = np.random.default_rng(plain.seed).permutation(int(data.groups.max()) + 1)
    points = []
    with learner_for(project, prepared.backbone, prepared.device, data, plain, quiet) as learner:
        for number, share in enumerate(SHARES):
            scores = np.full((len(data.images), len(data.classes)), np.nan)
            learned: list[Rows] = []
            for fold in folds:
                monitor.report(Progress("Learning from fewer patients", number * len(folds) + len(learned),
                                        len(SHARES) * len(folds), "fits"))  # fmt: skip
                monitor.check()
                held_out = data.parts == fold
                training = ~held_out if split.plan.kind == "folds" else data.parts == "training"
                some = _share(data, training, order, share)
                if some is None:
                    break
                learned.append(some)
                fit = 1 + number * len(folds) + folds.index(fold)
                scores[held_out] = learner.fit(some, fit).probabilities(held_out)
            if len(learned) == len(folds):
                points.append(_point(data, scores, learned))
    return points, len(folds)


def _share(data: Data, training: Rows, order: np.ndarray, share: float) -> Rows | None:
    """The first patients of each class in an order of chance, so that smaller shares lie in larger ones."""
    kept = np.zeros(len(training), dtype=bool)
    for stratum in np.unique(data.strata[training]):
        own = training & (data.strata == stratum)
        patients = np.unique(data.groups[own])
        ranked = patients[np.argsort(order[patients])]
        some = ranked[: max(1, round(share * len(ranked)))]
        if len(some) < min(FEWEST, len(ranked)):
            return None
        kept |= own & np.isin(data.groups, some)
    return kept


def _point(data: Data, scores: Floats, learned: list[Rows]) -> LearningPoint:
    patients = round(float(np.mean([len(np.unique(data.groups[rows])) for rows in learned])))
    images = round(float(np.mean([rows.sum() for rows in learned])))
    judged = ~np.isnan(scores[:, 0])
    if not data.multilabel and len(data.classes) == 2:
        found = auc(scores[judged, 1], data.true[judged] == 1, data.groups[judged])
        return LearningPoint(patients, images, found.value, found.low, found.high)
    true = data.true[judged]
    if data.multilabel:  # the mean over findings, without intervals of their own
        areas = []
        for number in range(len(data.classes)):
            known = judged & ~np.isnan(data.targets[:, number])
            area = auc(scores[known, number], data.targets[known, number] == 1, data.groups[known]).value
            areas += [] if area is None else [area]
        return LearningPoint(patients, images, float(np.mean(areas)) if areas else None, None, None)
    once = weighted_mean_auc(np.ones((1, len(true))), scores[judged], true)
    drawn = [
        weighted_mean_auc(weights, scores[judged], true)
        for weights in patient_weights(true, data.groups[judged], _RESAMPLES, 0)
    ]
    return LearningPoint(patients, images, float(once[0]), *percentile_interval(np.concatenate(drawn)))
