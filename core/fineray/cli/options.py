"""Options that several groups of commands have."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fineray import RESEARCH_USE
from fineray.cli.running import Reply
from fineray.errors import FinerayError, nearest
from fineray.evaluation.operating_point import PointRule, RuleKind
from fineray.project.project import open_project
from fineray.project.runs import run
from fineray.project.splits import SplitPlan


def command(group: Any, name: str, run: Callable[[Namespace], Reply], text: str) -> argparse.ArgumentParser:
    """Add a command that answers in words or, with --json, as one object."""
    added: argparse.ArgumentParser = group.add_parser(name, help=text, description=f"{text}. {RESEARCH_USE}")
    added.add_argument("--json", action="store_true", help="one JSON object on standard output")
    added.set_defaults(run=run)
    return added


def of_project(group: Any, name: str, run: Callable[[Namespace], Reply], text: str) -> argparse.ArgumentParser:
    """Add a command about a project."""
    added = command(group, name, run, text)
    added.add_argument("project", type=Path, metavar="P")
    return added


def of_run(group: Any, name: str, run: Callable[[Namespace], Reply], text: str) -> argparse.ArgumentParser:
    """Add a command about a run of a project."""
    added = of_project(group, name, run, text)
    added.add_argument("name", metavar="RUN")
    return added


def point_options(added: argparse.ArgumentParser) -> None:
    """How the operating point is chosen, where not by the point that the run keeps."""
    added.add_argument(
        "--positive",
        default="",
        metavar="CLASS",
        help="the class that the threshold is for; alone: Youden's index chooses. Without it and the options below the"
        " run's own operating point counts",
    )
    rule = added.add_mutually_exclusive_group()
    rule.add_argument("--most-probable", action="store_true", help="the most probable class; findings from one half on")
    rule.add_argument("--threshold", type=float, help="0 to 1")
    rule.add_argument("--sensitivity", type=float, help="0 to 1; the highest threshold that reaches it")
    rule.add_argument("--specificity", type=float, help="0 to 1; the lowest threshold that reaches it")
    rule.add_argument("--cost", type=float, help="how many false alarms a miss is worth")


def point_rule(options: Namespace, name: str) -> PointRule | None:
    """The rule that these options name for a run; None where there is none of them. Raises FinerayError where the class
    is missing, or none of the run's."""
    if options.most_probable:
        return PointRule()
    with open_project(options.project) as project:
        metrics = run(project, name).metrics()
    classes, multilabel = metrics.classes, metrics.multilabel
    known = [*classes, *(f"no {each}" for each in classes)] if multilabel else classes
    if options.positive and options.positive not in known:
        raise FinerayError(f"{name} knows no class “{options.positive}”", todo=nearest(options.positive, known, ""))
    kinds: tuple[RuleKind, ...] = ("threshold", "sensitivity", "specificity", "cost")
    kind = next((each for each in kinds if getattr(options, each) is not None), None)
    if kind is None:
        return PointRule("youden", options.positive) if options.positive else None
    if not options.positive and not multilabel:  # of findings that stand side by side each is predicted for itself
        raise FinerayError("An operating point is for one of two classes", todo="Say for which one: --positive CLASS.")
    return PointRule(kind, options.positive, getattr(options, kind))


def plan_options(added: argparse.ArgumentParser) -> None:
    """How patients are dealt out to the sides of a split."""
    added.add_argument("--seed", type=int, default=0)
    added.add_argument("--test-share", type=float, default=0.2, help="of the patients, 0.05 to 0.5")
    added.add_argument("--by", default="", metavar="ATTRIBUTE", help="study_date, site_hash, manufacturer, ...")
    added.add_argument(
        "--test-value", action="append", default=[], metavar="VALUE", help="with --by: the test's values"
    )
    added.add_argument(
        "--stratify", action="append", default=[], metavar="ATTRIBUTE", help="spread evenly beside the label"
    )


def split_plan(options: Namespace) -> SplitPlan:
    """The plan that these options name."""
    return SplitPlan(
        folds=getattr(options, "folds", 5),
        test_share=options.test_share,
        seed=options.seed,
        by=options.by,
        test_values=tuple(options.test_value),
        stratify=tuple(options.stratify),
    )


def folds(text: str) -> int:
    """A number of folds."""
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError("at least 2 folds are needed")
    return number


def abstain_option(added: argparse.ArgumentParser) -> None:
    """The band without an answer."""
    added.add_argument(
        "--abstain",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="probabilities between which the run says nothing",
    )
