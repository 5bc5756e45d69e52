"""What the commands about judging runs do."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from core.commands import Answer, carry_out, point_rule, result_of
from core.engine.review_requests import CompareRuns, JudgeRun, WriteReport
from core.evaluation.judgement import View
from core.model_commands import figures


def evaluate(options: Namespace) -> Answer:
    """Work out a run's figures again, and all that the review says of the class asked for."""
    judged = result_of(carry_out(JudgeRun(options.project, _view(options))))
    known = figures(options.project, options.name, None)
    return {**known, "review": asdict(judged)}


def compare(options: Namespace) -> Answer:
    """Compare two runs."""
    rule = point_rule(options)
    sides = [View(name, rule, options.positive) for name in (options.first, options.second)]
    return asdict(result_of(carry_out(CompareRuns(options.project, *sides))))


def report(options: Namespace) -> Answer:
    """Write a run's report."""
    request = WriteReport(options.project, _view(options), options.output, options.thumbnails, options.parts)
    return {"report": result_of(carry_out(request)), "run": options.name}


def _view(options: Namespace) -> View:
    return View(
        options.name,
        point_rule(options),
        options.positive,
        on_test=options.on_test,
        finding=options.finding,
        attribute=options.only[0],
        value=options.only[1],
        prevalence=options.prevalence,
        method=options.interval,
    )
