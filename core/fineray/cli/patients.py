"""The command about patients: what tells them apart."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fineray.cli.label_table import source_of, table_options
from fineray.cli.options import of_project
from fineray.cli.running import Reply
from fineray.project.patients.from_table import patients_in_table
from fineray.project.patients.identify import (
    RulePreview,
    SharedNumbers,
    identify_patients,
    kept_rule,
    preview_patients,
    shared_numbers,
    unidentified_images,
)
from fineray.project.patients.levels import folder_levels
from fineray.project.patients.rule import APART_BY, PatientRule, RuleUnusable
from fineray.project.project import Project, open_project

RULE = "study, image, folder:N (1: the first below the imported folder, -1: that of the file), name:PATTERN, or id"


def add_commands(group: Any) -> None:
    """Its parser."""
    patients_ = of_project(group, "patients", patients, "say what tells patients apart, or see what does")
    patients_.add_argument("by", type=patient_rule, nargs="?", metavar="RULE", help=RULE)
    patients_.add_argument("--table", type=Path, metavar="FILE", help="a table whose rows name images and patients")
    patients_.add_argument("--column", default="patient_id", metavar="NAME", help="the table's column of patients")
    table_options(patients_)
    patients_.add_argument("--everywhere", action="store_true", help="also for images that state a patient ID")
    patients_.add_argument(
        "--one-place", action="store_true", help="a folder of the same name elsewhere is another patient"
    )
    patients_.add_argument(
        "--same-number", choices=list(APART_BY), dest="apart_by", metavar="BY",
        help="where a patient ID stands at several origins: nothing (one person), or what parts them: site, issuer or"
        " source (the imported folder)",
    )  # fmt: skip
    patients_.add_argument("--preview", action="store_true", help="say what would come of it, and change nothing")


def patient_rule(text: str) -> PatientRule:
    """A rule on the command line."""
    try:
        return PatientRule.parse(text)
    except RuleUnusable as error:
        raise ArgumentTypeError(f"{error.what}. {error.todo}") from error


def patients(options: Namespace) -> Reply:
    """Show, try or set the rule."""
    with open_project(options.project, lock=True) as project:
        if options.by is None and options.apart_by is None and options.table is None:
            return _as_it_is(project)
        kept = kept_rule(project)
        rule = kept if options.by is None else options.by
        named = None
        if options.table is not None:
            rule = PatientRule("table")
            named = patients_in_table(project, source_of(options, options.table, (options.column,), ""))
        elif options.by is not None and rule.by == "table":
            raise RuleUnusable("The table is not named", todo="Add --table FILE --column NAME.")
        rule = replace(
            rule,
            everywhere=options.everywhere or (rule is kept and kept.everywhere),
            one_place=options.one_place or (rule is kept and kept.one_place),
            apart_by=options.apart_by or kept.apart_by,
        )
        done = (preview_patients if options.preview else identify_patients)(project, rule, named)
    return Reply(_answer(done), "\n".join(_lines(done, options.preview)))


def shared_in_words(shared: SharedNumbers) -> str:
    """The question that such numbers raise, and how it is answered here."""
    return f"{shared.in_words()} Say so by fineray patients PROJECT --same-number."


def _as_it_is(project: Project) -> Reply:
    rule, shared, waiting = kept_rule(project), shared_numbers(project), len(unidentified_images(project))
    (count,) = project.db.execute("SELECT count(DISTINCT patient_id) FROM image").fetchone()
    levels = folder_levels(project)
    lines = [f"{count:,} patients: {rule.in_words()}."]
    if rule.apart_by:
        lines.append(f"Where IDs are stated, {APART_BY[rule.apart_by]}.")
    if waiting:
        lines.append(f"{waiting:,} images carry a patient ID that is blank, a placeholder, or the same for all.")
    lines += [f"folder:{each.level}: {each.names:,} names, for example “{each.example}”" for each in levels]
    if shared:
        lines.append(shared_in_words(shared))
    answer = {
        "patients": count,
        "rule": asdict(rule),
        "unidentified": waiting,
        "shared_numbers": asdict(shared) if shared else None,
        "levels": [asdict(each) for each in levels],
    }
    return Reply(answer, "\n".join(lines))


def _answer(done: RulePreview) -> dict[str, Any]:
    return {**asdict(done), "examples": [list(each) for each in done.examples]}


def _lines(done: RulePreview, preview: bool) -> list[str]:
    would = "would be" if preview else "are"
    lines = [f"{done.patients_after:,} patients {would} told apart, {done.patients_before:,} before: "
             f"{done.rule.in_words()}."]  # fmt: skip
    lines += [f"  {path}  ->  {name or '(no name: the image by itself)'}" for path, name in done.examples]
    for count, text in (
        (done.moved, "images change their company"),
        (done.alone, "images have no name by this rule: each is a patient by itself"),
        (done.unplaced, "images stay as they are: where their files lie is not known on this computer"),
        (done.elsewhere, "names occur in several places, and count as one patient each (--one-place parts them)"),
        (done.torn, f"patients {'would stand' if preview else 'stand'} on two sides of the latest split: make it anew"),
    ):
        if count and not (done.rule.one_place and text.startswith("names occur")):
            lines.append(f"{count:,} {text}.")
    return lines
