"""What each command of the command line does; each takes the parsed options and returns what --json prints."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from dataclasses import asdict, replace
from getpass import getpass
from pathlib import Path
from typing import Any

from core.backbones.catalogue import backbone
from core.console import ConsoleMonitor
from core.engine.messages import (
    CheckData,
    CompareReaders,
    EndEvent,
    ExportDeidentified,
    Failed,
    Finished,
    FreezeRun,
    ImportFolders,
    OpenTest,
    PointRule,
    Request,
    RunDemo,
    SealTest,
    Stopped,
    Train,
)
from core.errors import FinerayError
from core.export.options import ExportOptions
from core.project.doctor import file_kinds
from core.project.identification import identify_patients
from core.project.import_options import ImportOptions
from core.project.label_file import write_labels
from core.project.label_sets import active_label_set, add_label_set, class_counts, label_sets, use_label_set
from core.project.labels import (
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
from core.project.paths import demo_folder
from core.project.project import create_project, open_project
from core.project.runs import run
from core.project.seal import break_seal
from core.project.splits import SplitPlan, is_current, latest_split, part_counts
from core.training.recipe import FROM_SCRATCH, Recipe, Tuning

Answer = dict[str, Any]
PASSPHRASE = "FINERAY_PASSPHRASE"


def new(options: Namespace) -> Answer:
    """Create a project."""
    create_project(options.project)
    return {"project": str(options.project.resolve())}


def import_films(options: Namespace) -> Answer:
    """Import folders, and labels for them."""
    from core.project.labels import apply_labels

    with open_project(options.project, lock=True) as project:
        wanted = ImportOptions(
            frames=options.frames,
            modalities=tuple(options.modality),
            views=tuple(options.view),
            body_parts=tuple(options.body_part),
        )
        request = ImportFolders(options.project, tuple(options.folders), wanted)
        summary = _result(carry_out(request))
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
    from core.project.split_file import read_split, write_split
    from core.project.splitting import make_split

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
    return asdict(_result(carry_out(SealTest(options.project, _plan(options)))))


def freeze(options: Namespace) -> Answer:
    """Fix a run's model and operating point."""
    rule: PointRule = "most probable"
    value = 0.0
    if options.positive:
        rule = "youden"
        if options.threshold is not None:
            rule, value = "threshold", options.threshold
        elif options.sensitivity is not None:
            rule, value = "sensitivity", options.sensitivity
    with open_project(options.project, lock=True) as project:
        _result(carry_out(FreezeRun(options.project, options.name, rule, options.positive, value)))
        return run(project, options.name).frozen() or {}


def open_test(options: Namespace) -> Answer:
    """Predict the sealed test set with a frozen run."""
    with open_project(options.project, lock=True) as project:
        _result(carry_out(OpenTest(options.project, options.name)))
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
            answer["agreement"] = asdict(_result(carry_out(CompareReaders(options.project, *options.compare))))
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
        findings = _result(carry_out(CheckData(options.project)))
    return {"checks": [asdict(finding) for finding in findings]}


def doctor(options: Namespace) -> Answer:
    """Test the decoders and list the kinds of files."""
    from core.dicom.selftest import codec_self_test

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
    passphrase = _passphrase(twice=True) if options.key else ""
    wanted = ExportOptions(options.dates, options.keep_device, not options.keep_text, options.key, passphrase)
    with open_project(options.project, lock=True):
        return asdict(_result(carry_out(ExportDeidentified(options.project, options.target, wanted))))


def reidentify(options: Namespace) -> Answer:
    """Look pseudonyms up in a key file."""
    from core.export.key_file import KeyFileRefused, read_key_file

    content = read_key_file(options.key, _passphrase())
    patients: dict[str, Any] = content["patients"]
    unknown = [name for name in options.pseudonyms if name not in patients]
    if unknown:
        raise KeyFileRefused(f"The key file does not know {', '.join(unknown)}", todo="Choose the key of that export.")
    return {"patients": {name: patients[name] for name in options.pseudonyms or patients}}


def _passphrase(twice: bool = False) -> str:
    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given
    typed = getpass("Passphrase of the key file: ")
    if twice and typed != getpass("Once more: "):
        raise FinerayError("The two passphrases differ", todo="Start the command again.")
    return typed


def train(options: Namespace) -> Answer:
    """Split where needed, and train."""
    started = time.monotonic()
    backbone(options.backbone)  # a wrong name is said before a split is made for it
    asked = options.folds is not None or options.seed is not None
    plan = SplitPlan("folds", folds=options.folds or 5, seed=options.seed or 0)
    tuning = FROM_SCRATCH if options.mode == "scratch" else Tuning()
    for name in ("frozen_stages", "epochs"):
        if getattr(options, name) is not None:
            tuning = replace(tuning, **{name: getattr(options, name)})
    recipe = Recipe(backbone=options.backbone, mode=options.mode, seed=options.seed or 0, tuning=tuning)
    with open_project(options.project, lock=True) as project:
        split = latest_split(project)
        if split is None or (asked and split.plan != plan) or not is_current(project, split):
            from core.project.splitting import make_split

            make_split(project, plan)
        done = _result(carry_out(Train(options.project, recipe)))
        return _figures(options.project, done.run, time.monotonic() - started)


def repeat(options: Namespace) -> Answer:
    """Train by a run's recipe on its split, and compare the predictions."""
    import numpy as np

    with open_project(options.project, lock=True) as project:
        first = run(project, options.name)
        recipe = Recipe.from_json((first.path / "recipe.json").read_text("utf-8"))
        split_hash = first.metrics()["split"]["hash"]
        if latest_split(project, split_hash) is None:
            raise FinerayError(
                f"The split of {options.name} is not kept any more",
                todo="Read it back from its file (fineray split --from), or use the label set that it was made for.",
            )
        done = _result(carry_out(Train(options.project, recipe, split_hash)))
        one, two = first.predictions(), run(project, done.run).predictions()
        order = np.argsort(one.images), np.argsort(two.images)
        difference = np.abs(one.probabilities[order[0]] - two.probabilities[order[1]]).max()
        return {"run": done.run, "repeats": options.name, "largest_difference": float(difference)}


def evaluate(options: Namespace) -> Answer:
    """Work out a run's figures again."""
    return _figures(options.project, options.name, None)


def demo(options: Namespace) -> Answer:
    """Make the demo study and train on it."""

    started = time.monotonic()
    folder = demo_folder(options.folder)
    done = _result(carry_out(RunDemo(folder)))
    return {"project": str(done.project), **_figures(done.project, done.run, time.monotonic() - started)}


def carry_out(request: Request) -> EndEvent:
    """Do a request here, with progress on standard error."""
    from core.engine import jobs  # through it come the heavy libraries; `fineray --version` needs none

    return jobs.carry_out(0, request, ConsoleMonitor())


def _result(ended: EndEvent) -> Any:
    match ended:
        case Finished(_, result):
            return result
        case Failed(_, what, where, todo, details):
            if details:
                print(details, file=sys.stderr)
            raise FinerayError(what, where=where, todo=todo)
        case Stopped():
            raise KeyboardInterrupt


def _figures(root: Path, name: str, seconds: float | None) -> dict[str, Any]:
    """The figures of a run, worked out anew from its predictions."""
    from core.evaluation.metrics import evaluate
    from core.project.runs import run

    with open_project(root) as project:
        folder = run(project, name)
        recipe = folder.recipe()
        found = evaluate(folder.predictions(), resamples=recipe["bootstrap"], seed=recipe["seed"])
        stored, frozen, test = folder.metrics(), folder.frozen(), folder.test()
    return {
        "run": name,
        "auc": found.auc.value,
        "accuracy": found.accuracy.value,
        "confusion_matrix": found.confusion,
        "classes": found.classes,
        "seconds": round(stored["seconds"]["total"] if seconds is None else seconds, 3),
        "intervals": {"auc": asdict(found.auc), "accuracy": asdict(found.accuracy)},
        "per_class": [asdict(each) for each in found.per_class],
        "images": found.images,
        "patients": found.patients,
        "out_of_sample": True,
        "split": stored["split"],
        **({"frozen": frozen} if frozen else {}),
        **({"test": test} if test else {}),
    }
