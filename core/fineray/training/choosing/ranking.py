"""Which backbone suits this data? The installed ones, on the user's own images, before anything is trained."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fineray.backbones.catalogue import (
    Backbone,
    backbone,
    backbones,
    weights_file,
)
from fineray.backbones.runtime import Runtime, best_device
from fineray.errors import FinerayError
from fineray.evaluation.metrics import evaluate
from fineray.evaluation.predictions import Predictions
from fineray.progress import SILENT, Monitor, Progress
from fineray.project.catalogue import LabelledImage, labelled_images
from fineray.project.label_sets import active_label_set
from fineray.project.project import Project
from fineray.project.splits import TEST, Split, parts
from fineray.project.splitting.groups import group_images
from fineray.project.splitting.make import inner_folds
from fineray.project.splitting.strata import strata_of_labels
from fineray.project.trials import keep_trial
from fineray.training.checkpoint import Keeping
from fineray.training.choosing.transferability import h_score, logme
from fineray.training.data import Targets, targets_of
from fineray.training.features import features_of
from fineray.training.head.head import Standardisation
from fineray.training.head.selection import Examples, fit_head
from fineray.training.recipe import HeadSettings, Recipe
from fineray.training.results import Ranked

FOLDS, RESAMPLES = 5, 1000
QUICK = Recipe(head=HeadSettings(strengths=(30.0, 10.0, 3.0, 1.0, 0.3), inner_folds=3))


class NothingToRank(FinerayError):
    """There are no labels to rank by."""


def rank(project: Project, split: Split | None, names: Sequence[str], monitor: Monitor = SILENT) -> list[Ranked]:
    """The named backbones, or all that are installed, the best AUC first.

    Looks at the images that may be learned from: neither the sealed test set nor, where the latest split has one, its
    test part. May raise Cancelled, NothingToRank, WeightsNotInstalled.
    """
    part_of = parts(project, split) if split is not None else {}
    images = [image for image in labelled_images(project) if part_of.get(image.id) != TEST]
    chosen: list[Backbone] = [backbone(name) for name in names]
    chosen = chosen or [each for each in backbones() if weights_file(each) is not None]
    labels = [image.label for image in images]
    label_set = active_label_set(project)
    multilabel = label_set.kind == "multi"
    targets = targets_of(labels, label_set, QUICK.loss)
    if len(targets.classes) < (1 if multilabel else 2):
        raise NothingToRank("The images carry labels of one class, or none", todo="Label them first (page Curate).")
    strata = np.unique(strata_of_labels(labels, label_set), return_inverse=True)[1].astype(np.int64)
    groups = group_images(project, images, monitor.check).groups
    folds = inner_folds(strata, groups, FOLDS, QUICK.seed)
    if not folds:
        raise NothingToRank("A class has images of a single patient", todo="Label images of more patients.")
    ranked = []
    for number, each in enumerate(chosen):
        monitor.report(Progress("Ranking backbones", number, len(chosen), "backbones"))
        started = time.monotonic()
        runtime = Runtime(each, best_device())
        features = features_of(project, images, each, runtime, monitor)
        examples = Examples(features, targets.learned, groups, strata, multilabel)
        chances = np.zeros_like(targets.learned)
        for fit, held_out in folds:
            head = fit_head(examples.rows(fit), runtime.widths, QUICK, keeping=Keeping(check=monitor.check)).head
            chances[held_out] = head.probabilities(features[0, held_out])
        judged = _predictions(targets, images, groups, chances, multilabel)
        area = evaluate(judged, resamples=RESAMPLES).auc
        standardised = Standardisation.of(features[0], runtime.widths).apply(features[0])
        ranked.append(
            Ranked(
                backbone=each.name,
                title=each.title,
                auc=area.value,
                auc_low=area.low,
                auc_high=area.high,
                logme=logme(standardised, np.nan_to_num(targets.learned)),
                h_score=h_score(standardised, strata),
                seconds=time.monotonic() - started,
                images=len(images),
            )
        )
    monitor.report(Progress("Ranking backbones", len(chosen), len(chosen), "backbones"))
    keep_trial(project, "ranking", [each.title for each in chosen], images)
    return sorted(ranked, key=lambda each: -(each.auc or 0))


def _predictions(
    targets: Targets,
    images: list[LabelledImage],
    groups: NDArray[np.int64],
    chances: NDArray[np.float64],
    multilabel: bool,
) -> Predictions:
    ids = np.array([image.id for image in images], dtype=np.int64)
    patients = tuple(str(group) for group in groups.tolist())
    truth = targets.judged if multilabel else None
    return Predictions(targets.classes, ids, patients, ("",) * len(images), targets.true, chances, truth)
