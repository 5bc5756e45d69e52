"""The command labels: list label sets; make, fill, use, compare or write them."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fineray.cli.options import of_project
from fineray.cli.running import Answer, Reply, carry_out
from fineray.engine.requests.labels import CompareReaders
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.wording import with_interval
from fineray.project.label_sets import active_label_set, add_label_set, class_counts, label_sets, use_label_set
from fineray.project.labels.label_file import write_labels
from fineray.project.labels.preview import (
    FromAttribute,
    FromFinding,
    FromTable,
    LabelPreview,
    LabelSource,
    apply_labels,
    preview_labels,
)
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
    origin.add_argument("--from", type=Path, dest="source", metavar="TABLE", help="CSV or Excel")
    origin.add_argument("--by", metavar="ATTRIBUTE", help="labels by an attribute, such as view_position")
    origin.add_argument("--finding", nargs=2, metavar=("SET", "FINDING"), help="one finding as a question of its own")
    labels_.add_argument("--column", action="append", default=[], help="of the table; several hold a finding each")
    labels_.add_argument("--cut", type=float, help="with --by age_years: two classes, under and from this age")
    labels_.add_argument("--set", metavar="NAME", help="where the labels go")
    labels_.add_argument("--use", metavar="NAME", help="the set that splits and training go by")
    labels_.add_argument("--compare", nargs=2, metavar="SET", help="two readers: Cohen's kappa and disagreements")
    labels_.add_argument("--to", type=Path, dest="target", metavar="FILE", help="write all sets as CSV or .xlsx")
    labels_.add_argument("--with-files", action="store_true", help="with --to: file paths too, which may hold names")


def labels(options: Namespace) -> Reply:
    """List label sets; make, fill, use, compare or write them."""
    with open_project(options.project, lock=True) as project:
        if options.new:
            add_label_set(project, options.new, "multi" if options.multi else "single", options.classes.split(","))
        answer: Answer = {}
        source = _source(options)
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
        return FromTable(options.source, tuple(options.column), into)
    if options.by:
        return FromAttribute(options.by, into, options.cut)
    if options.finding:
        return FromFinding(options.finding[0], options.finding[1], into)
    return None


def preview_in_short(preview: LabelPreview) -> Answer:
    """What a preview says, in numbers; its warnings go to standard error."""
    for warning in preview.warnings:
        print(f"note: {warning}", file=sys.stderr)
    return {
        "label_set": preview.label_set,
        "classes": {name: images for name, (images, _) in preview.classes.items()},
        "unmatched_entries": len(preview.unmatched_entries),
        "unmatched_images": preview.unmatched_images,
        "conflicts": len(preview.conflicts),
    }


def _sets(project: Project) -> list[Answer]:
    in_use = active_label_set(project).name
    counted = {each: class_counts(project, each) for each in label_sets(project)}
    return [
        {"name": each.name, "kind": each.kind, "in_use": each.name == in_use, "classes": classes, "uncertain": open_}
        for each, (classes, open_) in counted.items()
    ]


def _in_words(answer: Answer) -> str:
    lines = [f"{name}: {value}" for name, value in answer.items() if name not in ("label_sets", "agreement")]
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
