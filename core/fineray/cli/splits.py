"""Commands about splits and the sealed test set: split, seal, freeze, open-test."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fineray.cli.options import folds, of_project, of_run, plan_options, point_options, point_rule, split_plan
from fineray.cli.patients import RULE, patient_rule, shared_in_words
from fineray.cli.running import Reply, carry_out, listed
from fineray.engine.requests.splits import FreezeRun, OpenTest, SealTest
from fineray.project.patients.identify import identify_patients, shared_numbers
from fineray.project.project import open_project
from fineray.project.runs import run
from fineray.project.seal import break_seal
from fineray.project.splits import part_counts


def add_commands(group: Any) -> None:
    """Their parsers."""
    split_ = of_project(group, "split", split, "split by patient, study and picture; read or write the split")
    split_.add_argument("--folds", type=folds, default=5)
    split_.add_argument("--holdout", action="store_true", help="training, validation and test instead of folds")
    plan_options(split_)
    split_.add_argument("--patients", type=patient_rule, metavar="RULE", help=f"as for the command patients: {RULE}")
    split_.add_argument("--from", type=Path, dest="source", metavar="CSV", help="take the parts from an edited file")
    split_.add_argument("--to", type=Path, dest="target", metavar="CSV", help="write the split to a file")

    seal_ = of_project(group, "seal", seal, "seal a test set that nothing is learned or chosen from")
    plan_options(seal_)
    seal_.add_argument("--break", action="store_true", dest="break_seal", help="give it up; counts as an opening")

    freeze_ = of_run(group, "freeze", freeze, "fix a run's model and operating point for the sealed test")
    point_options(freeze_)

    of_run(group, "open-test", open_test, "predict the sealed test set with a frozen run; counted")


def split(options: Namespace) -> Reply:
    """Make, read or write a split."""
    from fineray.project.splitting.make import make_split
    from fineray.project.splitting.split_file import read_split, write_split

    with open_project(options.project, lock=True) as project:
        if options.patients:
            identify_patients(project, options.patients)
        if options.source:
            made = read_split(project, options.source)
        else:
            kind: Any = "holdout" if options.holdout else "folds"
            made = make_split(project, replace(split_plan(options), kind=kind))
        if options.target:
            write_split(project, made, options.target)
        shared = shared_numbers(project)
        parts = {part.part: part.classes for part in part_counts(project, made)}
    certificate = asdict(made.certificate) if made.certificate else {}
    lines = [
        f"{part}: " + ", ".join(f"{name} {images}" for name, images in classes.items())
        for part, classes in parts.items()
    ]
    lines += [f"{name}: {value}" for name, value in certificate.items() if value not in (None, "", (), [], {})]
    if shared:
        lines.append(shared_in_words(shared))
    answer = {
        "hash": made.hash,
        "parts": parts,
        "certificate": certificate or None,
        "shared_numbers": asdict(shared) if shared else None,
    }
    return Reply(answer, "\n".join([*lines, f"hash: {made.hash}"]))


def seal(options: Namespace) -> Reply:
    """Seal a test set, or break the seal."""
    with open_project(options.project, lock=True) as project:
        if options.break_seal:
            return listed(asdict(break_seal(project)))
    return listed(asdict(carry_out(SealTest(options.project, split_plan(options)))))


def freeze(options: Namespace) -> Reply:
    """Fix a run's model and operating point."""
    rule = point_rule(options, options.name)
    with open_project(options.project, lock=True) as project:
        carry_out(FreezeRun(options.project, options.name, rule))
        frozen = run(project, options.name).frozen()
        return listed(frozen.to_json() if frozen else {})


def open_test(options: Namespace) -> Reply:
    """Predict the sealed test set with a frozen run."""
    with open_project(options.project, lock=True) as project:
        carry_out(OpenTest(options.project, options.name))
        test = run(project, options.name).test()
        return listed({"run": options.name, **(test.to_json() if test else {})})
