"""What the commands about models do: weights, ranking, training, searching, repeating, judging."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from fineray.backbones.catalogue import (
    backbone,
    backbones,
    unreadable_records,
    weights_file,
)
from fineray.cli.commands import Answer, carry_out, result_of
from fineray.engine.messages import (
    AddWeights,
    DownloadWeights,
    FindRate,
    RankBackbones,
    RunControls,
    RunDemo,
    Train,
)
from fineray.errors import FinerayError
from fineray.project.project import open_project
from fineray.project.runs import run
from fineray.project.splits import SplitPlan, is_current, latest_split
from fineray.system.user_folder import demo_folder
from fineray.training.recipe import Recipe, for_mode
from fineray.training.standing import left_off


def train(options: Namespace) -> Answer:
    """Split where needed, and train."""
    started = time.monotonic()
    recipe = recipe_of(options)
    backbone(recipe.backbone)  # a wrong name is said before a split is made for it
    first = int(os.environ.get("RANK", "0")) == 0  # under torchrun the first process writes
    with open_project(options.project, lock=first) as project:
        split_hash = ""
        if options.go_on:
            left = next((each.standing for each in left_off(project) if each.standing.kind == "training"), None)
            if left is None:
                raise FinerayError("No training was paused", todo="Leave --continue out to begin one.")
            recipe, split_hash = left.recipe, left.split_hash
        elif first:
            _split_where_needed(options)
        if options.find_rate and not options.go_on:
            found = result_of(carry_out(FindRate(options.project, recipe)))
            recipe = replace(recipe, tuning=replace(recipe.tuning, learning_rate=found.suggested))
        done = result_of(carry_out(Train(options.project, recipe, split_hash, options.anew)))
        return figures(options.project, done.run, time.monotonic() - started) if first else {}


def search(options: Namespace) -> Answer:
    """Train with a search for better settings inside each fit."""
    started = time.monotonic()
    recipe = replace(recipe_of(options), search_minutes=options.minutes)
    backbone(recipe.backbone)
    with open_project(options.project, lock=True):
        _split_where_needed(options)
        done = result_of(carry_out(Train(options.project, recipe)))
        return figures(options.project, done.run, time.monotonic() - started)


def controls(options: Namespace) -> Answer:
    """The same split, seed and budget: frozen, unfrozen, from scratch, and with shuffled labels."""
    with open_project(options.project, lock=True) as project:
        first = run(project, options.name)
        recipe = Recipe.of_run(first.path)
        request = RunControls(options.project, recipe, first.metrics()["split"]["hash"])
        return {"controls": [asdict(each) for each in result_of(carry_out(request))]}


def rank(options: Namespace) -> Answer:
    """The installed backbones by how well their frozen features suit the project's images."""
    with open_project(options.project, lock=True):
        found = result_of(carry_out(RankBackbones(options.project, tuple(options.backbones))))
    return {"ranking": [asdict(each) for each in found]}


def weights(options: Namespace) -> Answer:
    """List the backbones with their weights, add a file, or fetch one."""
    match options.what:
        case "add":
            source = (options.title, options.source_task, options.source_data, options.licence)
            added = result_of(carry_out(AddWeights(options.file.resolve(), options.backbone, *source)))
        case "download":
            added = result_of(carry_out(DownloadWeights(options.name)))
        case _:
            listed = [
                {
                    "name": each.name,
                    "title": each.title,
                    "installed": weights_file(each) is not None,
                    "trained_for": each.source_task,
                    "trained_on": each.source_data,
                    "input": each.input_size,
                    "parameters": each.parameters,
                    "licence": each.licence,
                    "sha256": each.weights.sha256,
                    "stages": [stage.name for stage in each.stages],
                }
                for each in backbones()
            ]
            return {"backbones": listed, "unreadable": [str(path) for path in unreadable_records()]}
    return {"added": added.backbone, "sha256": added.sha256}


def recipe_of(options: Namespace) -> Recipe:
    """The recipe in a file, or the one that the options name over what suits the mode."""
    if options.recipe is not None:
        return Recipe.from_json(options.recipe.read_text("utf-8"))
    given = {name: value for name, value in vars(options).items() if value is not None}
    names = {"head": "head_kind", "loss": "loss_kind"}

    def chosen(settings: Any, part: str = "") -> Any:
        own = {each.name for each in fields(settings)} - {"head", "loss", "augment", "tuning"}
        changed = {name: given[name] for name in own & given.keys()}
        if names.get(part) in given:
            changed["kind"] = given[names[part]]
        return replace(settings, **changed)

    start = for_mode(options.mode)
    parts = {part: chosen(getattr(start, part), part) for part in ("head", "loss", "augment", "tuning")}
    recipe: Recipe = replace(chosen(start), **parts)
    return recipe


def repeat(options: Namespace) -> Answer:
    """Train by a run's recipe on its split, and compare the predictions."""
    import numpy as np

    with open_project(options.project, lock=True) as project:
        first = run(project, options.name)
        recipe = Recipe.of_run(first.path)
        split_hash = first.metrics()["split"]["hash"]
        if latest_split(project, split_hash) is None:
            raise FinerayError(
                f"The split of {options.name} is not kept any more",
                todo="Read it back from its file (fineray split --from), or use the label set that it was made for.",
            )
        recipe = replace(recipe, search_minutes=0.0)  # what a search found is repeated, not its hurry
        done = result_of(carry_out(Train(options.project, recipe, split_hash)))
        one, two = first.predictions(), run(project, done.run).predictions()
        order = np.argsort(one.images), np.argsort(two.images)
        difference = np.abs(one.probabilities[order[0]] - two.probabilities[order[1]]).max()
        return {"run": done.run, "repeats": options.name, "largest_difference": float(difference)}


def demo(options: Namespace) -> Answer:
    """Make the demo study and train on it."""
    started = time.monotonic()
    folder = demo_folder(options.folder)
    done = result_of(carry_out(RunDemo(folder)))
    return {"project": str(done.project), **figures(done.project, done.run, time.monotonic() - started)}


def figures(root: Path, name: str, seconds: float | None) -> dict[str, Any]:
    """The figures of a run, worked out anew from its predictions."""
    from fineray.evaluation.metrics import evaluate

    with open_project(root) as project:
        folder = run(project, name)
        recipe = folder.recipe()
        found = evaluate(folder.predictions(), resamples=recipe["bootstrap"], seed=recipe["seed"])
        stored, frozen, test = folder.metrics(), folder.frozen(), folder.test()
    return {
        "run": name,
        "auc": found.auc.value,
        "accuracy": found.accuracy.value,
        "confusion_matrix": found.confusion,
        "classes": found.classes,
        "seconds": round(stored["seconds"]["total"] if seconds is None else seconds, 3),
        "intervals": {"auc": asdict(found.auc), "accuracy": asdict(found.accuracy)},
        "per_class": [asdict(each) for each in found.per_class],
        **({"findings": {name: asdict(each) for name, each in found.findings.items()}} if found.several else {}),
        "images": found.images,
        "patients": found.patients,
        "out_of_sample": True,
        "split": stored["split"],
        **({"frozen": frozen} if frozen else {}),
        **({"test": test} if test else {}),
    }


def _split_where_needed(options: Namespace) -> None:
    """Make a split where there is none that fits, or where folds or a seed were asked for."""
    asked = options.folds is not None or options.seed is not None
    plan = SplitPlan("folds", folds=options.folds or 5, seed=options.seed or 0)
    with open_project(options.project) as project:
        split = latest_split(project)
        if split is None or (asked and split.plan != plan) or not is_current(project, split):
            from fineray.project.splitting.make import make_split

            make_split(project, plan)
