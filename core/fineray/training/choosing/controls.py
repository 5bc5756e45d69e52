"""Controls: what a recipe's result is worth beside the same split, seed and budget without its parts."""

from __future__ import annotations

from dataclasses import replace

from fineray.progress import SILENT, Monitor
from fineray.project.project import Project
from fineray.project.runs import runs
from fineray.project.splits import Split
from fineray.training.checkpoint import Checkpoints, State, checkpoints_of
from fineray.training.recipe import FROM_SCRATCH, Recipe
from fineray.training.results import Control
from fineray.training.train import train

DONE = "done"  # the names of the runs that were made


def control_recipes(recipe: Recipe) -> dict[str, Recipe]:
    """Four recipes by what they show; each tuning gets the epochs and the batch of the given one."""
    tuning = recipe.tuning
    plain = replace(recipe, shuffled=False, search_minutes=0.0)
    scratch = replace(FROM_SCRATCH, epochs=tuning.epochs, batch=tuning.batch, validation=tuning.validation)
    return {
        "frozen": replace(plain, mode="frozen"),
        "unfrozen": replace(plain, mode="finetune", tuning=replace(tuning, frozen_stages=0)),
        "from scratch": replace(plain, mode="scratch", tuning=scratch),
        "shuffled labels": replace(plain, shuffled=True),
    }


def run_controls(project: Project, split: Split, recipe: Recipe, monitor: Monitor = SILENT) -> list[Control]:
    """Make the four runs; where they were paused, those that are left. Raises what train() raises."""
    project.check_writable()
    place = checkpoints_of(project, "controls", recipe, split.hash)
    with place.at_work():
        return _controls(project, split, recipe, monitor, place)


def _controls(project: Project, split: Split, recipe: Recipe, monitor: Monitor, place: Checkpoints) -> list[Control]:
    kept = place.load(DONE)
    done: dict[str, str] = kept.facts if kept is not None else {}
    there = {folder.name: folder for folder in runs(project)}
    found = []
    for what, each in control_recipes(recipe).items():
        folder = there.get(done.get(what, ""))
        if folder is None:
            folder = train(project, split, each, within=place.inside(what), monitor=monitor)
            done = {**done, what: folder.name}
            place.save(DONE, State({}, done))
        area = folder.metrics().figures.auc
        low, high = area.low, area.high
        sound = what != "shuffled labels" or low is None or high is None or low <= 0.5 <= high
        found.append(Control(what, folder.name, area.value, low, high, sound))
    return found
