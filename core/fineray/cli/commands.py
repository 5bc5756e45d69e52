"""What each command of the command line does; each takes the parsed options and returns what --json prints."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from dataclasses import asdict, replace
from getpass import getpass
from typing import Any

from fineray.cli.console import ConsoleMonitor
from fineray.cli.interrupting import interruptible
from fineray.engine.messages import (
    CheckData,
    CompareReaders,
    EndEvent,
    ExportDeidentified,
    Failed,
    Finished,
    FreezeRun,
    ImportFolders,
    OpenTest,
    Pausable,
    Request,
    SealTest,
    Stopped,
)
from fineray.errors import FinerayError
from fineray.evaluation.operating_point import PointRule, RuleKind
from fineray.export.options import ExportOptions
from fineray.progress import Monitor
from fineray.project.files.file_kinds import file_kinds
from fineray.project.files.options import ImportOptions
from fineray.project.files.patients import identify_patients
from fineray.project.label_sets import (
    active_label_set,
    add_label_set,
    class_counts,
    label_sets,
    use_label_set,
)
from fineray.project.labels.label_file import write_labels
from fineray.project.labels.preview import (
    LABEL_COLUMN,
    FromAttribute,
    FromFinding,
    FromTable,
    LabelPreview,
    LabelSource,
    apply_labels,
    preview_folders,
    preview_labels,
    preview_table,
)
from fineray.project.project import create_project, open_project
from fineray.project.runs import run
from fineray.project.seal import break_seal
from fineray.project.splits import SplitPlan, part_counts
from fineray.system.loading import loading_told
from fineray.training.standing import left_off

Answer = dict[str, Any]
PASSPHRASE = "FINERAY_PASSPHRASE"


def new(options: Namespace) -> Answer:
    """Create a project."""
    create_project(options.project)
    return {"project": str(options.project.resolve())}


def import_films(options: Namespace) -> Answer:
    """Import folders, and labels for them."""
    from fineray.project.labels.preview import apply_labels

    with open_project(options.project, lock=True) as project:
        wanted = ImportOptions(
            frames=options.frames,
            modalities=tuple(options.modality),
            views=tuple(options.view),
            body_parts=tuple(options.body_part),
        )
        request = ImportFolders(options.project, tuple(options.folders), wanted)
        summary = result_of(carry_out(request))
        answer = {
            **{name: getattr(summary, name) for name in ("imported", "unchanged", "skipped", "failed", "duplicates")},
            "seconds": round(summary.seconds, 3),
        }
        preview: LabelPreview | None = None
        if options.labels:
            preview = preview_table(project, options.labels, (options.label_column,), options.label_set or "")
        elif options.labels_from_folders:
            preview = preview_folders(project, options.label_set or "")
        if preview is not None:
            answer["labelled"] = apply_labels(project, preview)
            answer |= _preview_in_short(preview)
    return answer


def split(options: Namespace) -> Answer:
    """Make, read or write a split."""
    from fineray.project.splitting.make import make_split
    from fineray.project.splitting.split_file import read_split, write_split

    with open_project(options.project, lock=True) as project:
        if options.patients:
            identify_patients(project, options.patients)
        if options.source:
            split = read_split(project, options.source)
        else:
            kind: Any = "holdout" if options.holdout else "folds"
            split = make_split(project, replace(_plan(options), kind=kind))
        if options.target:
            write_split(project, split, options.target)
        return {
            "hash": split.hash,
            "parts": {part.part: part.classes for part in part_counts(project, split)},
            "certificate": asdict(split.certificate) if split.certificate else None,
        }


def _plan(options: Namespace) -> SplitPlan:
    return SplitPlan(
        folds=getattr(options, "folds", 5),
        test_share=options.test_share,
        seed=options.seed,
        by=options.by,
        test_values=tuple(options.test_value),
        stratify=tuple(options.stratify),
    )


def seal(options: Namespace) -> Answer:
    """Seal a test set, or break the seal."""
    with open_project(options.project, lock=True) as project:
        if options.break_seal:
            return asdict(break_seal(project))
    return asdict(result_of(carry_out(SealTest(options.project, _plan(options)))))


def freeze(options: Namespace) -> Answer:
    """Fix a run's model and operating point."""
    rule = point_rule(options, options.name)
    with open_project(options.project, lock=True) as project:
        result_of(carry_out(FreezeRun(options.project, options.name, rule)))
        return run(project, options.name).frozen() or {}


def point_rule(options: Namespace, name: str) -> PointRule | None:
    """The rule that the options --positive, --most-probable, --threshold, --sensitivity, --specificity and --cost name
    for a run; None where there is none of them. Raises FinerayError where the class is missing."""
    if options.most_probable:
        return PointRule()
    kinds: tuple[RuleKind, ...] = ("threshold", "sensitivity", "specificity", "cost")
    kind = next((each for each in kinds if getattr(options, each) is not None), None)
    if kind is None:
        return PointRule("youden", options.positive) if options.positive else None
    if not options.positive:
        with open_project(options.project) as project:
            several = run(project, name).metrics().get("several")
        if not several:  # of findings that stand side by side each is called for itself
            raise FinerayError(
                "An operating point is for one of two classes", todo="Say for which one: --positive CLASS."
            )
    return PointRule(kind, options.positive, getattr(options, kind))


def open_test(options: Namespace) -> Answer:
    """Predict the sealed test set with a frozen run."""
    with open_project(options.project, lock=True) as project:
        result_of(carry_out(OpenTest(options.project, options.name)))
        return {"run": options.name, **(run(project, options.name).test() or {})}


def labels(options: Namespace) -> Answer:
    """List label sets; make, fill, use, compare or write them."""
    with open_project(options.project, lock=True) as project:
        if options.new:
            add_label_set(project, options.new, "multi" if options.multi else "single", options.classes.split(","))
        source: LabelSource | None = None
        into = options.set or ""
        if options.source:
            source = FromTable(options.source, tuple(options.column) or (LABEL_COLUMN,), into)
        elif options.by:
            source = FromAttribute(options.by, into, options.cut)
        elif options.finding:
            source = FromFinding(options.finding[0], options.finding[1], into)
        answer: Answer = {}
        if source is not None:
            preview = preview_labels(project, source)
            answer = {**_preview_in_short(preview), "labelled": apply_labels(project, preview)}
        if options.use:
            use_label_set(project, options.use)
        if options.target:
            answer["written"] = write_labels(project, options.target, with_files=options.with_files)
        if options.compare:
            answer["agreement"] = asdict(result_of(carry_out(CompareReaders(options.project, *options.compare))))
        in_use = active_label_set(project).name
        counted = {each: class_counts(project, each) for each in label_sets(project)}
        answer["label_sets"] = [
            {
                "name": each.name,
                "kind": each.kind,
                "in_use": each.name == in_use,
                "classes": classes,
                "uncertain": open_,
            }
            for each, (classes, open_) in counted.items()
        ]
        return answer


def _preview_in_short(preview: LabelPreview) -> Answer:
    for warning in preview.warnings:
        print(f"note: {warning}", file=sys.stderr)
    return {
        "label_set": preview.label_set,
        "classes": {name: images for name, (images, _) in preview.classes.items()},
        "unmatched_entries": len(preview.unmatched_entries),
        "unmatched_images": preview.unmatched_images,
        "conflicts": len(preview.conflicts),
    }


def check(options: Namespace) -> Answer:
    """Run the data checks."""

    with open_project(options.project, lock=True):
        findings = result_of(carry_out(CheckData(options.project)))
    return {"checks": [asdict(finding) for finding in findings]}


def doctor(options: Namespace) -> Answer:
    """Test the decoders and list the kinds of files."""
    from fineray.dicom.selftest import codec_self_test

    codecs = codec_self_test()
    broken = [result.transfer_syntax for result in codecs if result.problem]
    if broken:
        raise FinerayError(f"This installation cannot decode {', '.join(broken)}", todo="Install Fineray again, whole.")
    answer: dict[str, Any] = {"codecs": [asdict(result) for result in codecs]}
    if options.project:
        with open_project(options.project) as project:
            answer["kinds"] = [asdict(kind) for kind in file_kinds(project)]
    return answer


def deidentify(options: Namespace) -> Answer:
    """Write the films as DICOM files without identity."""
    secret = passphrase(twice=True) if options.key else ""
    wanted = ExportOptions(options.dates, options.keep_device, not options.keep_text, options.key, secret)
    with open_project(options.project, lock=True):
        return asdict(result_of(carry_out(ExportDeidentified(options.project, options.target, wanted))))


def reidentify(options: Namespace) -> Answer:
    """Look pseudonyms up in a key file."""
    from fineray.export.key_file import KeyFileRefused, read_key_file

    content = read_key_file(options.key, passphrase())
    patients: dict[str, Any] = content["patients"]
    unknown = [name for name in options.pseudonyms if name not in patients]
    if unknown:
        raise KeyFileRefused(f"The key file does not know {', '.join(unknown)}", todo="Choose the key of that export.")
    return {"patients": {name: patients[name] for name in options.pseudonyms or patients}}


def passphrase(twice: bool = False) -> str:
    """From the environment, or asked for."""
    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given
    typed = getpass("Passphrase of the key file: ")
    if twice and typed != getpass("Once more: "):
        raise FinerayError("The two passphrases differ", todo="Start the command again.")
    return typed


def carry_out(request: Request, monitor: Monitor | None = None) -> EndEvent:
    """Do a request here, with progress on standard error unless another monitor listens."""
    heard = monitor or ConsoleMonitor()
    if not isinstance(request, Pausable):
        return _carried_out(request, heard)
    with interruptible(heard) as stopping:
        ended = _carried_out(request, stopping)
    if isinstance(ended, Stopped):
        with open_project(request.project) as project:
            kept = left_off(project)
        told = kept[0].standing.in_words() if kept else "Stopped."
        print(f"fineray: {told} The same command goes on from there (or: train --continue).", file=sys.stderr)
    return ended


def _carried_out(request: Request, monitor: Monitor) -> EndEvent:
    with loading_told(monitor):
        from fineray.engine.jobs import (
            table as jobs,  # through it come the heavy libraries; `fineray --version` needs none
        )

        return jobs.carry_out(0, request, monitor)


def result_of(ended: EndEvent) -> Any:
    """The result of a request that was carried out, or its error raised."""
    match ended:
        case Finished(_, result):
            return result
        case Failed(_, what, where, todo, details):
            if details:
                print(details, file=sys.stderr)
            raise FinerayError(what, where=where, todo=todo)
        case Stopped():
            raise KeyboardInterrupt
