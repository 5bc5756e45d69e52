"""The learning-rate finder: a short training whose rate rises step by step (Smith 2017)."""

from __future__ import annotations

import copy
import math

import numpy as np
import torch

from fineray.progress import SILENT, HeadStep, Monitor, Progress
from fineray.project.project import Project
from fineray.project.splits import TEST, Split
from fineray.project.trials import keep_trial
from fineray.training.dataset import load_training_input
from fineray.training.learners import TrainingProgress, TuningLearner, learner_for
from fineray.training.recipe import Recipe, RecipeUnusable
from fineray.training.results import RateCurve
from fineray.training.tuning.finetuning import Tuner, TuningData

FIRST, LAST, STEPS = 1e-6, 1.0, 60
SMOOTH = 0.9  # memory of the loss's moving average
ENOUGH = 4.0  # times the least loss: the rate is too high by then


def find_rate(project: Project, split: Split, recipe: Recipe, monitor: Monitor = SILENT) -> RateCurve:
    """Try rates on training images: of the first fold, or of the training part. Nothing is kept of it.

    Raises RecipeUnusable in mode frozen, where there is no rate to choose, and what train() raises.
    """
    if recipe.mode == "frozen":
        raise RecipeUnusable(
            "A frozen backbone has no learning rate: its head is fitted exactly", todo="Choose fine-tuning."
        )
    prepared = load_training_input(project, split, recipe, monitor)
    data = prepared.data
    rows = data.parts == "training" if split.plan.kind != "folds" else data.parts != "1"
    rows &= data.parts != TEST
    with learner_for(
        project, prepared.backbone, prepared.device, data, recipe, TrainingProgress(monitor, 1)
    ) as learner:
        assert isinstance(learner, TuningLearner)
        network, _ = learner.start(rows, 0, None)
        tuning_data = TuningData(learner.views, np.flatnonzero(rows), data.learned, data.multilabel)
        tuner = Tuner(
            tuning_data, copy.deepcopy(network), prepared.backbone, recipe.tuning, recipe.loss, learner.fabric
        )
        curve = _rise(tuner, recipe, monitor)
    keep_trial(project, "learning rate", [prepared.backbone.title], [data.images[row] for row in np.flatnonzero(rows)])
    return curve


def _rise(tuner: Tuner, recipe: Recipe, monitor: Monitor) -> RateCurve:
    torch.manual_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    tuner.train_mode()
    rows, batch = tuner.tuning_data.rows, recipe.tuning.batch
    rates, losses, mean = [], [], 0.0
    for step in range(STEPS):
        monitor.check()
        rate = FIRST * (LAST / FIRST) ** (step / (STEPS - 1))
        value = tuner.step(
            random.choice(rows, min(batch, len(rows)), replace=False), 0, rate / recipe.tuning.learning_rate
        )
        if not math.isfinite(value):
            break
        mean = SMOOTH * mean + (1 - SMOOTH) * value
        smooth = mean / (1 - SMOOTH ** (step + 1))
        rates.append(rate)
        losses.append(smooth)
        monitor.report(HeadStep(0, step, smooth))
        monitor.report(Progress("Trying learning rates", step + 1, STEPS, "steps"))
        if smooth > ENOUGH * min(losses):
            break
    return RateCurve(tuple(rates), tuple(losses), steepest(rates, losses))


def steepest(rates: list[float], losses: list[float]) -> float:
    """The rate at which the loss falls fastest over the logarithm of the rate, before its least value."""
    least = int(np.argmin(losses))
    if least < 2:
        return rates[0]
    slopes = np.gradient(np.array(losses[: least + 1]), np.log(rates[: least + 1]))
    return float(rates[int(np.argmin(slopes))])
