"""Searching for better settings within a budget of time, inside each fit (Optuna, with pruning).

A search sees the rows that it is given and nothing else: with folds each fold searches anew among its own training
patients, so that the score of the run is not the score that was optimised (nested cross-validation, Cawley 2010).
What is tried next depends on the seed and on what was tried before, so that a search goes on where it was paused.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import optuna
import torch

from fineray.backbones.catalogue import Backbone
from fineray.progress import Progress, Quiet, Tried
from fineray.project.project import Project
from fineray.training.checkpoint import Checkpoints, State
from fineray.training.data import Data, Rows
from fineray.training.head.head import Floats
from fineray.training.learners import Fitted, TrainingProgress, learner_for
from fineray.training.recipe import (
    Balance,
    HeadKind,
    Loss,
    Recipe,
)
from fineray.training.trials import Trials

STAGE_SEARCH = "Searching for settings"
FOLDS = 3
MOST = 500  # trials
Parameters = dict[str, Any]


class SearchLearner:
    """Looks for the best settings inside the rows of each fit, then learns from all of them.

    found: of each fit the settings chosen, their held-out log loss and the number of trials; final: the recipe of the
    model that is kept. Close it when the fitted models are not needed any more.
    """

    def __init__(
        self,
        project: Project,
        chosen: Backbone,
        device: torch.device,
        data: Data,
        recipe: Recipe,
        work: TrainingProgress,
    ) -> None:
        self._project, self._chosen, self._device, self._data = project, chosen, device, data
        self._recipe, self._work, self._stack = recipe, work, ExitStack()
        self._left: Checkpoints | None = None  # of the fold before
        self._found = work.keeping("found")
        kept = self._found.load()
        self.found: dict[int, Parameters] = {int(key): each for key, each in kept.facts.items()} if kept else {}
        self.final = recipe

    def fit(self, rows: Rows, fold: int, validation: Rows | None = None) -> Fitted:
        """Search, then learn."""
        study = self._search(rows, fold, validation)
        self.final = self._recipe
        if study is not None:
            self.found[fold] = {**study.best_params, "log_loss": study.best_value, "trials": len(study.trials)}
            self._found.save(State({}, {str(key): each for key, each in self.found.items()}))
            self.final = self._suggested(optuna.trial.FixedTrial(study.best_params))
        self._stack.close()  # the model of the fold before has predicted
        if self._left is not None and self._recipe.mode != "frozen":  # heads are small, and not kept elsewhere
            self._left.clear()
        self._left = self._inside(f"searched-{fold}")
        work = TrainingProgress(self._work.monitor, self._work.fits, self._left, self._work.done)
        context = learner_for(self._project, self._chosen, self._device, self._data, self.final, work)
        fitted = self._stack.enter_context(context).fit(rows, fold, validation)
        self._work.done += 1
        return fitted

    def __enter__(self) -> SearchLearner:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _search(self, rows: Rows, fold: int, validation: Rows | None) -> optuna.Study | None:
        """The recipe itself is tried first; a trial that falls behind the others is given up after its first folds."""
        seconds = self._recipe.search_minutes * 60 / self._work.fits
        if validation is not None:
            checks = [(rows, validation)]
        else:
            checks = self._data.inner_folds(rows, FOLDS, self._recipe.seed)
        if not checks:
            return None
        trials = Trials(self._work.keeping(f"search-{fold}"), self._recipe.seed, fold, parameters_of(self._recipe))

        def objective(trial: optuna.Trial) -> float:
            tried = self._suggested(trial)
            for number, (learn, judge) in enumerate(checks):
                trials.point()
                if number == len(trials.losses):
                    # A head is fitted in seconds; a tuning has to be kept while it goes on.
                    place = self._inside(f"trial-{fold}-{trial.number}-{number}") if tried.mode != "frozen" else None
                    trials.losses.append(self._loss(tried, learn, judge, fold, place))
                    if place is not None:
                        trials.keep()
                        place.clear()
                trial.report(float(np.mean(trials.losses[: number + 1])), number)
                late = trials.seconds > seconds and trial.number > 0
                if number + 1 < len(checks) and (late or trial.should_prune()):
                    raise optuna.TrialPruned
            return float(np.mean(trials.losses))

        while not trials.over and trials.number < MOST and (trials.seconds < seconds or not trials.number):
            trials.next(objective)
            self._work.monitor.report(Tried(fold, trials.number, trials.study.best_value))
            done = round(self._work.done * seconds + min(seconds, trials.seconds))
            whole = round(seconds * self._work.fits)
            self._work.monitor.report(Progress(STAGE_SEARCH, done, whole, "seconds"))
        return trials.finish()

    def _loss(self, tried: Recipe, learn: Rows, judge: Rows, fold: int, place: Checkpoints | None) -> float:
        work = TrainingProgress(Quiet(self._work.monitor), 1, place)
        with learner_for(self._project, self._chosen, self._device, self._data, tried, work) as learner:
            chances = learner.fit(learn, fold).probabilities(judge)
        return log_loss(chances, self._data.learned[judge], self._data.multilabel)

    def _inside(self, name: str) -> Checkpoints | None:
        return self._work.checkpoints_of.inside(name) if self._work.checkpoints_of is not None else None

    def _suggested(self, trial: optuna.Trial | optuna.trial.FixedTrial) -> Recipe:
        return suggested(trial, self._recipe, len(self._chosen.stages))


def parameters_of(recipe: Recipe) -> Parameters:
    """What suggested() reads, as the recipe has it."""
    found: Parameters = {
        "loss": recipe.loss.kind,
        "balance": recipe.loss.balance,
        "smoothing": min(recipe.loss.smoothing, 0.2),
    }
    if recipe.mode == "frozen":
        return {**found, "head": recipe.head.kind}
    tuning = recipe.tuning
    found |= {"learning_rate": tuning.learning_rate, "weight_decay": tuning.weight_decay, "dropout": tuning.dropout}
    found |= {"epochs": tuning.epochs, "augmentation": 1.0}
    return found if recipe.mode == "scratch" else {**found, "frozen_stages": tuning.frozen_stages}


def suggested(trial: optuna.Trial | optuna.trial.FixedTrial, recipe: Recipe, stages: int) -> Recipe:
    """The recipe with a trial's settings: loss and head, or loss, rate, regularisation, boundary and augmentation."""
    loss = replace(
        recipe.loss,
        kind=_one_of(trial, "loss", get_args(Loss)),
        balance=_one_of(trial, "balance", get_args(Balance)),
        smoothing=trial.suggest_float("smoothing", 0.0, 0.2),
    )
    if recipe.mode == "frozen":
        head = replace(recipe.head, kind=_one_of(trial, "head", get_args(HeadKind)))
        return replace(recipe, loss=loss, head=head)
    before = recipe.tuning
    tuning = replace(
        before,
        learning_rate=trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-4, 0.5, log=True),
        dropout=trial.suggest_float("dropout", 0.0, 0.6),
        epochs=trial.suggest_int("epochs", 1, max(2 * before.epochs, 4)),
    )
    if recipe.mode == "finetune":
        tuning = replace(tuning, frozen_stages=trial.suggest_int("frozen_stages", 0, stages - 1))
    share = trial.suggest_float("augmentation", 0.0, 2.0)
    augment = recipe.augment
    augment = replace(
        augment,
        rotation=min(augment.rotation * share, 180.0),
        scale=min(augment.scale * share, 0.5),
        shift=min(augment.shift * share, 0.5),
        contrast=min(augment.contrast * share, 4.0),
        noise=min(augment.noise * share, 1.0),
    )
    return replace(recipe, loss=loss, tuning=tuning, augment=augment)


def _one_of(trial: optuna.Trial | optuna.trial.FixedTrial, name: str, choices: tuple[Any, ...]) -> Any:
    return trial.suggest_categorical(name, choices)


def log_loss(chances: Floats, targets: Floats, multilabel: bool) -> float:
    """Mean negative log probability of what is true; unknown targets (NaN) do not count."""
    known, safe = ~np.isnan(targets), np.clip(chances, 1e-12, 1 - 1e-12)
    sure = np.where(known, targets, 0.0)
    losses = -sure * np.log(safe)
    if multilabel:
        losses -= (1 - sure) * np.log(1 - safe)
    return float((losses * known).sum() / max(1, known.any(axis=1).sum()))
