"""Following a recipe: features, heads that predict what they did not learn from, the final head, the run."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fineray import __version__
from fineray.backbones.runtime import device_title
from fineray.evaluation.metrics import evaluate
from fineray.evaluation.predictions import Predictions
from fineray.evaluation.roc_area import auc
from fineray.progress import (
    SILENT,
    FoldDone,
    Monitor,
    Progress,
    Resumed,
)
from fineray.project.catalogue import pseudonyms
from fineray.project.label_sets import active_label_set
from fineray.project.project import Project
from fineray.project.run_metrics import RunMetrics, SplitUsed
from fineray.project.runs import (
    METRICS,
    PREDICTIONS,
    VALIDATION_PREDICTIONS,
    RunFolder,
    write_run,
)
from fineray.project.seal import current_seal
from fineray.project.splits import Split
from fineray.training.checkpoint import Checkpoints, Noting, checkpoints_of
from fineray.training.data import Data
from fineray.training.dataset import environment, load_training_input
from fineray.training.devices import first_process_first, of_first_process, rank
from fineray.training.head.head import Head
from fineray.training.learners import (
    Fitted,
    FittedFrozen,
    Learner,
    TrainingProgress,
    fold_head_file,
    learner_for,
)
from fineray.training.recipe import Recipe

STAGE_FIGURES = "Working out intervals"


@dataclass(frozen=True)
class _Outcome:
    """Out-of-sample probabilities of the rows `held_out`, the model to keep, how each fold chose, and, with a held-out
    test part, the rows and probabilities of the validation part. heads: of each fold, where the backbone is frozen;
    temperatures: of each fold; inner_folds: of each fit, within which the regularisation could be
    chosen, 0 where a class has too few patients."""

    held_out: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    final: Fitted
    chosen: dict[str, float]
    validation: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
    heads: dict[str, Head] = field(default_factory=dict)
    temperatures: dict[str, float] = field(default_factory=dict)
    inner_folds: dict[str, int] = field(default_factory=dict)


def train(
    project: Project,
    split: Split,
    recipe: Recipe,
    anew: bool = False,
    within: Checkpoints | None = None,
    monitor: Monitor = SILENT,
) -> RunFolder:
    """Follow a recipe on a split, and keep the run.

    With folds, every image is predicted once, by a model that saw nothing of its patient; the final model learns from
    all images. With training, validation and test parts, the model learns from the first, chooses its regularisation
    on the second and is judged on the third. A training that was paused, or killed, goes on from where it is kept and
    ends in the same run.

    Parameters
    ----------
    project : Project
        Its images and labels.
    split : Split
        By `make_split`; the images must still be those that it divided.
    recipe : Recipe
        Every setting.
    anew : bool
        Do not go on with a training that was paused.
    within : Checkpoints, optional
        The larger work that this is a part of.
    monitor : Monitor
        Hears of Progress, FoldDone, HeadStep and Validated; may pause or cancel.

    Returns
    -------
    RunFolder
        Predictions, figures and the model, in a folder of the project.

    Raises
    ------
    SplitOutdated
        Labels or images changed since the split was made.
    WeightsNotInstalled
        The backbone's weights are not on this computer.
    Paused, Cancelled
        By the monitor; only after Paused is something kept to go on from.
    DiskFull, StorageUnavailable, MemoryFull
        This computer refuses.

    Notes
    -----
    The head's regularisation is chosen by folds inside the training images, its temperature on predictions of images
    that it did not learn from (Guo et al. 2017).

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study", lock=True) as project:
    ...     split = fineray.make_split(project, fineray.SplitPlan(folds=3))
    ...     run = fineray.train(project, split, fineray.Recipe(bootstrap=100))
    >>> run.name, run.predictions().probabilities.shape
    ('run-002', (24, 2))
    """
    if rank() == 0:
        project.check_writable()
    place = within or checkpoints_of(project, "training", recipe, split.hash)
    if anew:
        place.clear()
    with place.at_work():
        return _trained(project, split, recipe, Noting(monitor, place), place)


def _trained(project: Project, split: Split, recipe: Recipe, monitor: Monitor, place: Checkpoints) -> RunFolder:
    started = time.monotonic()
    with first_process_first():
        prepared = load_training_input(project, split, recipe, monitor)
        place.claim(prepared.made_of)
    if place.begun:
        monitor.report(Resumed(place.folds_done(recipe.mode == "frozen")))
    data = prepared.data
    featured = time.monotonic()
    fits = split.plan.folds + 1 if split.plan.kind == "folds" else 1
    work = TrainingProgress(monitor, fits, place)
    given = (project, prepared.backbone, prepared.device, data, recipe, work)
    searching = None
    if recipe.search_minutes:
        from fineray.training.choosing.search import (
            SearchLearner,  # Optuna is slow to import, and few trainings need it
        )

        searching = SearchLearner(*given)
    with searching or learner_for(*given) as learner:
        by_folds = split.plan.kind == "folds"
        outcome = _folds(data, learner, work, place, recipe) if by_folds else _holdout(data, learner, work)
    trained = time.monotonic()
    predictions = _predictions(project, data, outcome.held_out, outcome.probabilities)
    validation = _predictions(project, data, *outcome.validation) if outcome.validation else None
    monitor.check()
    monitor.report(Progress(STAGE_FIGURES, 0, 0, ""))
    evaluation = evaluate(predictions, resamples=recipe.bootstrap, seed=recipe.seed)
    seal = current_seal(project)
    metrics = RunMetrics(
        figures=evaluation,
        split=SplitUsed.of(split.plan, split.hash),
        backbone=prepared.used,
        label_set=active_label_set(project).name,
        mode=recipe.mode,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fineray=__version__,
        device=device_title(prepared.device),
        engine=prepared.engine,
        data_sha256=prepared.data_sha256,
        environment=environment(),
        seal=seal.hash if seal else None,
        temperature=outcome.final.temperature,
        temperatures={**outcome.temperatures, "final": outcome.final.temperature},
        strengths={**outcome.chosen, "final": outcome.final.strength},
        inner_folds=outcome.inner_folds,
        search={str(fold): found for fold, found in searching.found.items()} if searching else None,
        seconds={
            "features": round(featured - started, 3),
            "heads": round(trained - featured, 3),
            "total": round(time.monotonic() - started, 3),
        },
    )
    monitor.check()
    if rank() > 0:
        return RunFolder(project.runs_folder / of_first_process(""))
    run = write_run(
        project,
        lambda folder: _write(
            folder,
            searching.final if searching else recipe,
            predictions,
            validation,
            outcome,
            split,
            metrics,
        ),
    )
    of_first_process(run.name)
    return run


def _predictions(
    project: Project, data: Data, rows: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> Predictions:
    images = [data.images[row].id for row in rows]
    return Predictions(
        classes=data.classes,
        images=np.array(images, dtype=np.int64),
        patients=tuple(pseudonyms(project, images)),
        parts=tuple(data.parts[rows].tolist()),
        true=data.true[rows],
        probabilities=probabilities,
        truth=data.targets[rows] if data.multilabel else None,
    )


def _folds(data: Data, learner: Learner, work: TrainingProgress, place: Checkpoints, recipe: Recipe) -> _Outcome:
    names = sorted(set(data.parts.tolist()), key=int)
    probabilities = np.zeros((len(data.images), len(data.classes)))
    chosen, heads, temperatures, inner = {}, {}, {}, {}
    before = {name: kept for name in names if (kept := place.fold(int(name))) is not None}
    for name in names:
        held_out = data.parts == name
        inner[name] = data.inner_folds_within(~held_out, recipe.head.inner_folds)
        if name in before:
            probabilities[held_out], chosen[name], temperatures[name] = before[name]
            work.done += 1
        else:
            fitted = learner.fit(~held_out, int(name))
            chosen[name], temperatures[name] = fitted.strength, fitted.temperature
            probabilities[held_out] = fitted.probabilities(held_out)
            if isinstance(fitted, FittedFrozen):
                heads[name] = fitted.fitted.head  # it is kept, and predicts again in no time
            else:
                place.keep_fold(int(name), probabilities[held_out], fitted.strength, fitted.temperature)
        _report_fold(data, held_out, probabilities[held_out], int(name), len(names), work.monitor)
    everything = np.ones(len(data.images), dtype=bool)
    inner["final"] = data.inner_folds_within(everything, recipe.head.inner_folds)
    final = learner.fit(everything, 0)
    return _Outcome(
        np.arange(len(data.images)),
        probabilities,
        final,
        chosen,
        heads=heads,
        temperatures=temperatures,
        inner_folds=inner,
    )


def _holdout(data: Data, learner: Learner, work: TrainingProgress) -> _Outcome:
    training, validation, test = (data.parts == name for name in ("training", "validation", "test"))
    final = learner.fit(training, 1, validation)
    probabilities = final.probabilities(test)
    _report_fold(data, test, probabilities, 1, 1, work.monitor)
    seen = (np.flatnonzero(validation), final.probabilities(validation))
    return _Outcome(np.flatnonzero(test), probabilities, final, {}, seen)


def _report_fold(
    data: Data, rows: NDArray[np.bool_], probabilities: NDArray[np.float64], fold: int, folds: int, monitor: Monitor
) -> None:
    areas = []
    for number in range(len(data.classes)):
        known = ~np.isnan(data.targets[rows, number])
        truth = data.targets[rows, number][known] >= 0.5
        areas.append(auc(probabilities[known, number], truth, data.groups[rows][known]).value)
    defined = [area for area in areas if area is not None]
    mean = float(np.mean(defined)) if len(defined) == len(areas) else None
    monitor.report(FoldDone(fold, folds, mean, int(rows.sum())))


def _write(
    folder: Path,
    recipe: Recipe,
    predictions: Predictions,
    validation: Predictions | None,
    outcome: _Outcome,
    split: Split,
    metrics: RunMetrics,
) -> None:
    (folder / "recipe.json").write_text(recipe.to_json(), "utf-8")
    (folder / "split.json").write_text(json.dumps({"format": 1, **asdict(split)}, indent=2), "utf-8")
    predictions.save(folder / PREDICTIONS)
    if validation is not None:
        validation.save(folder / VALIDATION_PREDICTIONS)
    outcome.final.save(folder)
    for fold, head in outcome.heads.items():
        head.save(folder / fold_head_file(fold))
    (folder / METRICS).write_text(json.dumps(metrics.to_json(), indent=2), "utf-8")
