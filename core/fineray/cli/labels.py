"""The command labels: list label sets; make, fill, use, compare or write them."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fineray.cli.label_table import SAID_APART, preview_in_lines, preview_in_short, source_of, table_options
from fineray.cli.options import of_project
from fineray.cli.running import Answer, Reply, carry_out
from fineray.engine.requests.labels import CompareReaders
from fineray.errors import FinerayError
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.wording import with_interval
from fineray.project.label_sets import active_label_set, add_label_set, class_counts, label_sets, use_label_set
from fineray.project.labels.label_file import write_labels
from fineray.project.labels.preview import FromAttribute, FromFinding, LabelSource, apply_labels, preview_labels
from fineray.project.project import Project, open_project


def add_commands(group: Any) -> None:
    """Its parser."""
    labels_ = of_project(group, "labels", labels, "list label sets; make, fill, use, compare or write them")
    labels_.add_argument("--new", metavar="NAME", help="make an empty set")
    labels_.add_argument("--multi", action="store_true", help="the new set gives an image several findings")
    labels_.add_argument(
        "--classes", default="", metavar="A,B", help="classes of the new set, in the order of their keys"
    )
    origin = labels_.add_mutually_exclusive_group()
    origin.add_argument("--from", type=Path, dest="source", metavar="TABLE", help="CSV, JSON lines, Excel or .ods")
    origin.add_argument("--by", metavar="ATTRIBUTE", help="labels by an attribute, such as view_position")
    origin.add_argument("--finding", nargs=2, metavar=("SET", "FINDING"), help="one finding as a question of its own")
    labels_.add_argument(
        "--column", "--label-column", action="append", default=[], metavar="NAME",
        help="of the table, with its labels; several hold a finding each; guessed unless given",
    )  # fmt: skip
    table_options(labels_)
    labels_.add_argument("--preview", action="store_true", help="say what would come of it, and change nothing")
    labels_.add_argument("--cut", type=float, help="with --by age_years: two classes, under and from this age")
    labels_.add_argument("--set", metavar="NAME", help="where the labels go")
    labels_.add_argument("--use", metavar="NAME", help="the set that splits and training go by")
    labels_.add_argument("--compare", nargs=2, metavar="SET", help="two readers: Cohen's kappa and disagreements")
    labels_.add_argument("--to", type=Path, dest="target", metavar="FILE", help="write all sets as CSV or .xlsx")
    labels_.add_argument("--with-files", action="store_true", help="with --to: file paths too, which may hold names")


def labels(options: Namespace) -> Reply:
    """List label sets; make, fill, use, compare or write them."""
    source = _source(options)
    if options.preview and source is None:
        raise FinerayError("There is nothing to preview", todo="Say where labels come from: --from, --by or --finding.")
    with open_project(options.project, lock=True) as project:
        if options.preview and source is not None:
            preview = preview_labels(project, source)
            return Reply(preview_in_short(preview), "\n".join(preview_in_lines(preview)))
        if options.new:
            add_label_set(project, options.new, "multi" if options.multi else "single", options.classes.split(","))
        answer: Answer = {}
        if source is not None:
            preview = preview_labels(project, source)
            answer = {**preview_in_short(preview), "labelled": apply_labels(project, preview)}
        if options.use:
            use_label_set(project, options.use)
        if options.target:
            answer["written"] = write_labels(project, options.target, with_files=options.with_files)
        if options.compare:
            answer["agreement"] = asdict(carry_out(CompareReaders(options.project, *options.compare)))
        answer["label_sets"] = _sets(project)
    return Reply(answer, _in_words(answer))


def _source(options: Namespace) -> LabelSource | None:
    into = options.set or ""
    if options.source:
        return source_of(options, options.source, tuple(options.column), into)
    if options.by:
        return FromAttribute(options.by, into, options.cut)
    if options.finding:
        return FromFinding(options.finding[0], options.finding[1], into)
    return None


def _sets(project: Project) -> list[Answer]:
    in_use = active_label_set(project).name
    counted = {each: class_counts(project, each) for each in label_sets(project)}
    return [
        {"name": each.name, "kind": each.kind, "in_use": each.name == in_use, "classes": classes, "uncertain": open_}
        for each, (classes, open_) in counted.items()
    ]


def _in_words(answer: Answer) -> str:
    lines = [
        f"{name}: {value}" for name, value in answer.items() if name not in ("label_sets", "agreement", *SAID_APART)
    ]
    if "agreement" in answer:
        found = answer["agreement"]
        kappa = with_interval(Estimate(**found["kappa"]))
        images = sum(map(sum, found["table"]))
        lines.append(f"kappa of {found['first']} and {found['second']}: {kappa}, {images} images")
        lines.append(f"they differ in {len(found['disagreements'])} images")
    for each in answer["label_sets"]:
        classes = ", ".join(f"{name} {images}" for name, images in each["classes"].items()) or "no labels yet"
        more = f"; uncertain {each['uncertain']}" if each["uncertain"] else ""
        lines.append(f"{each['name']}{' (in use)' if each['in_use'] else ''}: {classes}{more}")
    return "\n".join(lines)
