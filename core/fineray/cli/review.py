"""Commands that judge runs: evaluate, compare, report."""

from __future__ import annotations

import argparse
from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

from fineray.cli.figures import figures_of, with_figures
from fineray.cli.options import of_project, of_run, point_options, point_rule
from fineray.cli.running import Answer, Reply, carry_out, listed
from fineray.engine.requests.review import CompareRuns, JudgeRun, WriteReport
from fineray.errors import FinerayError
from fineray.evaluation.intervals import Estimate, Method
from fineray.evaluation.operating_point import PointRule
from fineray.evaluation.wording import with_interval
from fineray.project.kept_point import keep_point, point_of, rule_of
from fineray.project.project import Project, open_project
from fineray.project.runs import run
from fineray.review.query import ReviewQuery


def add_commands(group: Any) -> None:
    """Their parsers."""
    evaluate_ = of_run(group, "evaluate", evaluate, "work out the figures of a run again from its predictions")
    evaluate_.add_argument("--keep", action="store_true", help="let the run have this operating point from now on")
    _view_options(evaluate_)

    compare_ = of_project(group, "compare", compare, "two runs on the same images, with paired tests")
    compare_.add_argument("first", metavar="RUN_A")
    compare_.add_argument("second", metavar="RUN_B")
    point_options(compare_)

    report_ = of_run(group, "report", report, "write the report of a run as PDF or HTML")
    report_.add_argument("--output", type=Path, required=True, metavar="FILE", help=".pdf or .html")
    report_.add_argument("--thumbnails", action="store_true", help="of images predicted wrong, by pseudonym")
    report_.add_argument("--parts", type=Path, metavar="DIR", help="tables as CSV, figures as SVG and PDF too")
    _view_options(report_)


def _view_options(added: argparse.ArgumentParser) -> None:
    added.add_argument("--on-test", action="store_true", help="on the sealed test set, once it was opened")
    added.add_argument("--prevalence", type=float, help="0 to 1: PPV and NPV for it too")
    added.add_argument("--interval", choices=get_args(Method), default="wilson", help="of shares")
    added.add_argument(
        "--only", nargs=2, default=("", ""), metavar=("ATTRIBUTE", "VALUE"), help="only images of this subgroup"
    )
    added.add_argument("--finding", default="", metavar="NAME", help="one of several that stand side by side")
    point_options(added)


def evaluate(options: Namespace) -> Reply:
    """Work out a run's figures again, and all that the review says of the class asked for; with --keep, let the run
    have the operating point from now on."""
    if options.keep:
        with open_project(options.project, lock=True) as project:
            folder, rule = run(project, options.name), _rule_to_keep(options, project)
            judged = carry_out(JudgeRun(options.project, _view(options)))
            keep_point(project, folder, rule, judged.point, options.finding)
    else:
        judged = carry_out(JudgeRun(options.project, _view(options)))
    with open_project(options.project) as project:
        own = point_of(run(project, options.name))
    answer = figures_of(options.project, options.name)
    rates = ", ".join(
        f"{name} {with_interval(getattr(judged.figures, name))}" for name in ("sensitivity", "specificity")
    )
    predicted = (
        f"predicted: {judged.point.in_words()} “{judged.positive}”: {rates}",
        f"the run's own operating point: {own.in_words(bool(answer.get('findings')))}",
    )
    return with_figures({**answer, "point": own.to_json(), "review": asdict(judged)}, *predicted)


def _rule_to_keep(options: Namespace, project: Project) -> PointRule:
    rule, multilabel = point_rule(options, options.name), run(project, options.name).metrics().multilabel
    if rule is None or options.on_test or (multilabel and not options.finding):
        raise FinerayError(
            "There is no operating point to keep",
            todo="Say by what it is chosen on held-out images, such as --positive CLASS --sensitivity 0.9; of several"
            " findings also for which: --finding NAME.",
        )
    return replace(rule, positive=options.finding) if multilabel else rule


def compare(options: Namespace) -> Reply:
    """Compare two runs, both by the same rule: the one given, or that of the first."""
    rule = point_rule(options, options.first) or _own_rule(options, options.first).for_another()
    sides = [ReviewQuery(name, rule, options.positive or rule.positive) for name in (options.first, options.second)]
    answer = asdict(carry_out(CompareRuns(options.project, *sides)))
    return Reply(answer, _compared_in_words(answer))


def _compared_in_words(answer: Answer) -> str:
    lines = [f"{answer['first']} and {answer['second']}: {answer['images']} images of {answer['patients']} patients"]
    for test in answer["tests"]:
        if test["first"] is None or test["second"] is None:
            lines.append(f"{test['what']}: not defined")
            continue
        gap = Estimate(**test["difference"])
        chance = "" if test["p"] is None else f", p {test['p']:.3g}"
        corrected = "" if test["p_holm"] is None else f" (Holm {test['p_holm']:.3g})"
        difference = "" if gap.value is None else f", difference {with_interval(gap)}"
        lines.append(f"{test['what']}: {test['first']:.3f} and {test['second']:.3f}{difference}{chance}{corrected}")
    lines.append(f"they predict {len(answer['differing'])} images differently")
    return "\n".join([*lines, *(f"note: {warning}" for warning in answer["warnings"])])


def report(options: Namespace) -> Reply:
    """Write a run's report."""
    request = WriteReport(options.project, _view(options), options.output, options.thumbnails, options.parts)
    return listed({"report": carry_out(request), "run": options.name})


def _own_rule(options: Namespace, name: str, finding: str = "") -> PointRule:
    with open_project(options.project) as project:
        folder = run(project, name)
        metrics = folder.metrics()
        return rule_of(folder, (finding or metrics.classes[0]) if metrics.multilabel else "")


def _view(options: Namespace) -> ReviewQuery:
    rule = point_rule(options, options.name) or _own_rule(options, options.name, options.finding)
    return ReviewQuery(
        options.name,
        rule,
        options.positive or rule.positive,
        on_test=options.on_test,
        finding=options.finding,
        attribute=options.only[0],
        value=options.only[1],
        prevalence=options.prevalence,
        method=options.interval,
    )
