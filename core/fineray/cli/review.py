"""What the commands about judging runs do."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, replace

from fineray.cli.commands import (
    Answer,
    carry_out,
    point_rule,
    result_of,
)
from fineray.cli.training import figures
from fineray.engine.requests.review import CompareRuns, JudgeRun, WriteReport
from fineray.errors import FinerayError
from fineray.evaluation.operating_point import PointRule
from fineray.project.kept_point import keep_point, point_of, rule_of
from fineray.project.project import Project, open_project
from fineray.project.runs import run
from fineray.review.query import View


def evaluate(options: Namespace) -> Answer:
    """Work out a run's figures again, and all that the review says of the class asked for; with --keep, let the run
    have the operating point from now on."""
    if options.keep:
        with open_project(options.project, lock=True) as project:
            folder, rule = run(project, options.name), _rule_to_keep(options, project)
            judged = result_of(carry_out(JudgeRun(options.project, _view(options))))
            keep_point(project, folder, rule, judged.point, options.finding)
    else:
        judged = result_of(carry_out(JudgeRun(options.project, _view(options))))
    with open_project(options.project) as project:
        point = point_of(run(project, options.name))
    return {**figures(options.project, options.name, None), "point": point.to_json(), "review": asdict(judged)}


def _rule_to_keep(options: Namespace, project: Project) -> PointRule:
    rule, several = point_rule(options, options.name), run(project, options.name).metrics().get("several")
    if rule is None or options.on_test or (several and not options.finding):
        raise FinerayError(
            "There is no operating point to keep",
            todo="Say by what it is chosen on held-out images, such as --positive CLASS --sensitivity 0.9; of several"
            " findings also for which: --finding NAME.",
        )
    return replace(rule, positive=options.finding) if several else rule


def compare(options: Namespace) -> Answer:
    """Compare two runs, both called by the same rule: the one given, or that of the first."""
    rule = point_rule(options, options.first) or _own_rule(options, options.first).for_another()
    sides = [View(name, rule, options.positive or rule.positive) for name in (options.first, options.second)]
    return asdict(result_of(carry_out(CompareRuns(options.project, *sides))))


def report(options: Namespace) -> Answer:
    """Write a run's report."""
    request = WriteReport(options.project, _view(options), options.output, options.thumbnails, options.parts)
    return {"report": result_of(carry_out(request)), "run": options.name}


def _own_rule(options: Namespace, name: str, finding: str = "") -> PointRule:
    with open_project(options.project) as project:
        folder = run(project, name)
        metrics = folder.metrics()
        return rule_of(folder, (finding or metrics["classes"][0]) if metrics.get("several") else "")


def _view(options: Namespace) -> View:
    rule = point_rule(options, options.name) or _own_rule(options, options.name, options.finding)
    return View(
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
