"""Commands that train or prepare it: train, search, rank, controls, weights, repeat, demo."""

from __future__ import annotations

import argparse
import os
import time
from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fineray.backbones.catalogue import backbone, backbones, unreadable_records, weights_file
from fineray.cli.figures import figures_of, with_figures
from fineray.cli.options import command, folds, of_project, of_run
from fineray.cli.recipe_options import recipe_of, recipe_options, search_option
from fineray.cli.running import Answer, Reply, carry_out, listed
from fineray.engine.requests.training import (
    AddWeights,
    DownloadWeights,
    FindRate,
    RankBackbones,
    RunControls,
    RunDemo,
    Train,
)
from fineray.errors import FinerayError
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.wording import with_interval
from fineray.project.project import open_project
from fineray.project.runs import run
from fineray.project.splits import SplitPlan, is_current, latest_split
from fineray.system.user_folder import demo_folder
from fineray.training.recipe import Recipe
from fineray.training.standing import left_off


def add_commands(group: Any) -> None:
    """Their parsers."""
    train_ = of_project(group, "train", train, "split by patient, train, and judge out of sample")
    _training_options(train_)
    train_.add_argument("--anew", action="store_true", help="do not go on with a training that was paused")
    train_.add_argument("--continue", dest="go_on", action="store_true", help="go on with the one that was paused last")
    train_.add_argument("--find-rate", action="store_true", help="let a short trial choose the learning rate")

    search_ = of_project(group, "search", search, "train, each fit with a search for better settings in it")
    _training_options(search_)
    search_option(search_, minutes=10.0)

    rank_ = of_project(group, "rank", rank, "which backbone suits this data?")
    rank_.add_argument("backbones", nargs="*", metavar="NAME", help="these alone, instead of all that are installed")

    of_run(group, "controls", controls, "frozen, unfrozen, from scratch and shuffled beside a run")
    of_run(group, "repeat", repeat, "train as a run was trained, and compare the predictions")
    _weights_commands(group)

    demo_ = command(group, "demo", demo, "make, import and train a small synthetic study")
    demo_.add_argument("--no-window", action="store_true", help="do not open the window on the result")
    demo_.add_argument("folder", type=Path, nargs="?", metavar="DIR")


def _weights_commands(group: Any) -> None:
    weights_ = command(group, "weights", weights, "pretrained weights on this computer")
    weights_.set_defaults(what="list")
    ways = weights_.add_subparsers(metavar="WHAT", dest="what")
    listing = ways.add_parser("list", help="every backbone, and whether its weights are here")
    add = ways.add_parser("add", help="take a .pth or .safetensors file in")
    add.add_argument("file", type=Path, metavar="FILE")
    add.add_argument(
        "--backbone", default="", metavar="NAME", help="which one it is for; timm:NAME for any CNN of timm"
    )
    add.add_argument("--title", default="", help="of weights that Fineray does not know")
    add.add_argument("--source-task", default="", metavar="TEXT", help="what they were trained for")
    add.add_argument("--source-data", default="", metavar="TEXT", help="on what")
    add.add_argument("--licence", default="", metavar="TEXT")
    fetch = ways.add_parser("download", help="fetch the published file; no other command goes online")
    fetch.add_argument("name", metavar="NAME")
    for each in (listing, add, fetch):
        each.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def _training_options(train: argparse.ArgumentParser) -> None:
    train.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe.json, instead of the settings below")
    recipe_options(train)
    train.add_argument(
        "--folds",
        type=folds,
        help="5 unless a split was made before; given, or with --seed, one that differs is made anew",
    )


def train(options: Namespace) -> Reply:
    """Split where needed, and train."""
    started = time.monotonic()
    recipe = _recipe(options)
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
            found = carry_out(FindRate(options.project, recipe))
            recipe = replace(recipe, tuning=replace(recipe.tuning, learning_rate=found.suggested))
        done = carry_out(Train(options.project, recipe, split_hash, options.anew))
        if not first:
            return Reply({}, "")
        return with_figures(figures_of(options.project, done.run, time.monotonic() - started))


def search(options: Namespace) -> Reply:
    """Train with a search for better settings inside each fit."""
    started = time.monotonic()
    recipe = replace(_recipe(options), search_minutes=options.minutes)
    backbone(recipe.backbone)
    with open_project(options.project, lock=True):
        _split_where_needed(options)
        done = carry_out(Train(options.project, recipe))
        return with_figures(figures_of(options.project, done.run, time.monotonic() - started))


def controls(options: Namespace) -> Reply:
    """The same split, seed and budget: frozen, unfrozen, from scratch, and with shuffled labels."""
    with open_project(options.project, lock=True) as project:
        first = run(project, options.name)
        recipe = Recipe.of_run(first.path)
        request = RunControls(options.project, recipe, first.metrics().split.hash)
        made = [asdict(each) for each in carry_out(request)]
    return Reply({"controls": made}, "\n".join(_control_line(each) for each in made))


def _control_line(each: Answer) -> str:
    warning = "" if each["sound"] else "; its interval should cover 0.5: look for copies across the split"
    area = Estimate(each["auc"], each["low"], each["high"], 0, "")
    return f"{each['what']}: AUC {with_interval(area)}, {each['run']}{warning}"


def rank(options: Namespace) -> Reply:
    """The installed backbones by how well their frozen features suit the project's images."""
    with open_project(options.project, lock=True):
        ranked = [asdict(each) for each in carry_out(RankBackbones(options.project, tuple(options.backbones)))]
    lines = [_ranked_line(each) for each in ranked]
    return Reply({"ranking": ranked}, "\n".join([*lines, "more is better in each figure"]))


def _ranked_line(each: Answer) -> str:
    area = Estimate(each["auc"], each["auc_low"], each["auc_high"], each["images"], "")
    figures = f"AUC {with_interval(area)}, LogME {each['logme']:.3f}, H-score {each['h_score']:.3f}"
    return f"{each['title']}: {figures}, {each['seconds']:.0f} s"


def weights(options: Namespace) -> Reply:
    """List the backbones with their weights, add a file, or fetch one."""
    match options.what:
        case "add":
            source = (options.title, options.source_task, options.source_data, options.licence)
            added = carry_out(AddWeights(options.file.resolve(), options.backbone, *source))
        case "download":
            added = carry_out(DownloadWeights(options.name))
        case _:
            return _listed_weights()
    return listed({"added": added.backbone, "sha256": added.sha256})


def _listed_weights() -> Reply:
    known = [
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
    unreadable = [str(path) for path in unreadable_records()]
    lines = [f"{each['name']:<22} {'here' if each['installed'] else 'not here':<9} {each['licence']}" for each in known]
    lines += [f"cannot be read: {path}" for path in unreadable]
    return Reply({"backbones": known, "unreadable": unreadable}, "\n".join(lines))


def repeat(options: Namespace) -> Reply:
    """Train by a run's recipe on its split, and compare the predictions."""
    import numpy as np

    with open_project(options.project, lock=True) as project:
        first = run(project, options.name)
        recipe = Recipe.of_run(first.path)
        split_hash = first.metrics().split.hash
        if latest_split(project, split_hash) is None:
            raise FinerayError(
                f"The split of {options.name} is not kept any more",
                todo="Read it back from its file (fineray split --from), or use the label set that it was made for.",
            )
        recipe = replace(recipe, search_minutes=0.0)  # what a search found is repeated, not its hurry
        done = carry_out(Train(options.project, recipe, split_hash))
        one, two = first.predictions(), run(project, done.run).predictions()
        order = np.argsort(one.images), np.argsort(two.images)
        difference = np.abs(one.probabilities[order[0]] - two.probabilities[order[1]]).max()
        return listed({"run": done.run, "repeats": options.name, "largest_difference": float(difference)})


def demo(options: Namespace) -> Reply:
    """Make the demo study and train on it."""
    started = time.monotonic()
    done = carry_out(RunDemo(demo_folder(options.folder)))
    return with_figures(
        {"project": str(done.project), **figures_of(done.project, done.run, time.monotonic() - started)}
    )


def _recipe(options: Namespace) -> Recipe:
    """The recipe in a file, or the one that the options name over what suits the mode."""
    if options.recipe is not None:
        return Recipe.from_json(options.recipe.read_text("utf-8"))
    return recipe_of(options)


def _split_where_needed(options: Namespace) -> None:
    """Make a split where there is none that fits, or where folds or a seed were asked for."""
    asked = options.folds is not None or options.seed is not None
    plan = SplitPlan("folds", folds=options.folds or 5, seed=options.seed or 0)
    with open_project(options.project) as project:
        split = latest_split(project)
        if split is None or (asked and split.plan != plan) or not is_current(project, split):
            from fineray.project.splitting.make import make_split

            make_split(project, plan)
