"""The command line: the same engine without a window.

With --json one JSON object goes to standard output; progress always goes to standard error. The exit status is 0
only for success, 1 for an error in the user's words, 2 for a wrong command line, 130 for an interruption.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from core import __version__
from core.backbones.catalogue import backbone
from core.dicom.radiograph import FrameChoice
from core.engine.messages import CheckData, EndEvent, Failed, Finished, ImportFolders, RunDemo, Stopped, Train
from core.errors import FinerayError, storage_error
from core.progress import FileResult, FoldDone, Monitor, Pace, Progress, Report
from core.project.doctor import file_kinds
from core.project.identification import RULES, identify_patients
from core.project.import_options import ImportOptions
from core.project.labels import LabelPreview
from core.project.paths import demo_folder
from core.project.project import create_project, open_project
from core.project.splits import SplitPlan, is_current, latest_split, part_counts

RESEARCH_USE = "For research use only, not for diagnosis."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        answer: dict[str, Any] = _run(options)
    except FinerayError as error:
        if options.json:
            _write(json.dumps({"error": error.what, "where": error.where, "todo": error.todo}))
        print(f"fineray: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nfineray: stopped; everything finished so far is kept.", file=sys.stderr)
        return 130
    _write(json.dumps(answer) if options.json else _in_words(answer))
    return 0


def _run(options: argparse.Namespace) -> Any:
    try:
        return options.run(options)
    except (OSError, sqlite3.Error) as error:
        raise storage_error(error) or error from error


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="fineray",
        description=f"Transfer learning on DICOM X-rays. {RESEARCH_USE} Without a command the window opens.",
    )
    top.add_argument("--version", action="version", version=f"fineray {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    new = _command(commands, "new", _new, "create a project in a new or empty folder")
    new.add_argument("project", type=Path, metavar="P")

    bring = _command(commands, "import", _import, "import folders of DICOM files")
    bring.add_argument("project", type=Path, metavar="P")
    bring.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    bring.add_argument("--frames", choices=get_args(FrameChoice), default="none", help="of files that hold several")
    for name, what in (("modality", "CR, DX, ..."), ("view", "PA, AP, ..."), ("body-part", "CHEST, ...")):
        bring.add_argument(
            f"--{name}", action="append", default=[], type=str.upper, metavar="VALUE", help=f"only these ({what})"
        )
    labels = bring.add_mutually_exclusive_group()
    labels.add_argument(
        "--labels", type=Path, metavar="TABLE", help="CSV or Excel: file, sop_instance_uid or patient_id, and label"
    )
    labels.add_argument("--labels-from-folders", action="store_true", help="the first folder below DIR is the label")

    divide = _command(commands, "split", _split, "split by patient, study and picture; read or write the split")
    divide.add_argument("project", type=Path, metavar="P")
    divide.add_argument("--folds", type=_folds, default=5)
    divide.add_argument("--holdout", action="store_true", help="training, validation and test instead of folds")
    divide.add_argument("--seed", type=int, default=0)
    divide.add_argument("--patients", choices=list(RULES), help="what identifies a patient where the ID does not")
    divide.add_argument("--from", type=Path, dest="source", metavar="CSV", help="take the parts from an edited file")
    divide.add_argument("--to", type=Path, dest="target", metavar="CSV", help="write the split to a file")

    check = _command(commands, "check", _check, "look for what may spoil the study")
    check.add_argument("project", type=Path, metavar="P")

    doctor = _command(commands, "doctor", _doctor, "test the decoders; list what kinds of files a project holds")
    doctor.add_argument("project", type=Path, metavar="P", nargs="?")

    train = _command(commands, "train", _train, "split by patient, train, and judge out of sample")
    train.add_argument("project", type=Path, metavar="P")
    train.add_argument("--backbone", default="efficientnet_lite0", metavar="NAME")
    train.add_argument("--mode", default="frozen", choices=["frozen"])
    train.add_argument("--folds", type=_folds, help="5 unless a split was made before")
    train.add_argument("--seed", type=int, help="0 unless a split was made before")

    judge = _command(commands, "evaluate", _evaluate, "work out the figures of a run again from its predictions")
    judge.add_argument("project", type=Path, metavar="P")
    judge.add_argument("name", metavar="RUN")

    demo = _command(commands, "demo", _demo, "make, import and train a small synthetic study")
    demo.add_argument("--no-window", action="store_true", help="do not open the window on the result")
    demo.add_argument("folder", type=Path, nargs="?", metavar="DIR")
    return top


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=f"{text}. {RESEARCH_USE}")
    added.add_argument("--json", action="store_true", help="one JSON object on standard output")
    added.set_defaults(run=run)
    return added


def _folds(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError("at least 2 folds are needed")
    return number


def _new(options: argparse.Namespace) -> dict[str, Any]:
    create_project(options.project)
    return {"project": str(options.project.resolve())}


def _import(options: argparse.Namespace) -> dict[str, Any]:
    from core.engine.jobs import carry_out
    from core.project.labels import apply_labels, preview_folders, preview_table

    with open_project(options.project, lock=True) as project:
        wanted = ImportOptions(
            frames=options.frames,
            modalities=tuple(options.modality),
            views=tuple(options.view),
            body_parts=tuple(options.body_part),
        )
        request = ImportFolders(options.project, tuple(options.folders), wanted)
        summary = _result(carry_out(0, request, ConsoleMonitor()))
        answer = {
            **{name: getattr(summary, name) for name in ("imported", "unchanged", "skipped", "failed", "duplicates")},
            "seconds": round(summary.seconds, 3),
        }
        preview: LabelPreview | None = None
        if options.labels:
            preview = preview_table(project, options.labels)
        elif options.labels_from_folders:
            preview = preview_folders(project)
        if preview is not None:
            for warning in preview.warnings:
                print(f"note: {warning}", file=sys.stderr)
            answer["labelled"] = apply_labels(project, preview)
            answer["classes"] = {name: images for name, (images, _) in preview.classes.items()}
            answer["unmatched_entries"] = len(preview.unmatched_entries)
            answer["unmatched_images"] = preview.unmatched_images
            answer["conflicts"] = len(preview.conflicts)
    return answer


def _split(options: argparse.Namespace) -> dict[str, Any]:
    from core.project.split_file import read_split, write_split
    from core.project.splitting import make_split

    with open_project(options.project, lock=True) as project:
        if options.patients:
            identify_patients(project, options.patients)
        if options.source:
            split = read_split(project, options.source)
        else:
            kind: Any = "holdout" if options.holdout else "folds"
            split = make_split(project, SplitPlan(kind, folds=options.folds, seed=options.seed))
        if options.target:
            write_split(project, split, options.target)
        return {
            "hash": split.hash,
            "parts": {part.part: part.classes for part in part_counts(project, split)},
            "certificate": asdict(split.certificate) if split.certificate else None,
        }


def _check(options: argparse.Namespace) -> dict[str, Any]:
    from core.engine.jobs import carry_out

    with open_project(options.project, lock=True):
        findings = _result(carry_out(0, CheckData(options.project), ConsoleMonitor()))
    return {"checks": [asdict(finding) for finding in findings]}


def _doctor(options: argparse.Namespace) -> dict[str, Any]:
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


def _train(options: argparse.Namespace) -> dict[str, Any]:
    from core.engine.jobs import carry_out
    from core.training.recipe import Recipe

    started = time.monotonic()
    backbone(options.backbone)  # a wrong name is said before a split is made for it
    asked = options.folds is not None or options.seed is not None
    plan = SplitPlan("folds", folds=options.folds or 5, seed=options.seed or 0)
    recipe = Recipe(backbone=options.backbone, mode=options.mode, seed=options.seed or 0)
    with open_project(options.project, lock=True) as project:
        split = latest_split(project)
        if split is None or (asked and split.plan != plan) or not is_current(project, split):
            from core.project.splitting import make_split

            make_split(project, plan)
        done = _result(carry_out(0, Train(options.project, recipe), ConsoleMonitor()))
        return _figures(options.project, done.run, time.monotonic() - started)


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    return _figures(options.project, options.name, None)


def _demo(options: argparse.Namespace) -> dict[str, Any]:
    from core.engine.jobs import carry_out

    started = time.monotonic()
    folder = demo_folder(options.folder)
    done = _result(carry_out(0, RunDemo(folder), ConsoleMonitor()))
    return {"project": str(done.project), **_figures(done.project, done.run, time.monotonic() - started)}


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
        stored = folder.metrics()
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
    }


class ConsoleMonitor(Monitor):
    """Progress as lines on standard error; Ctrl+C cancels."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._last = ("", 0.0)

    def report(self, what: Report) -> None:
        """Print what a person waiting wants to know, at most a line a second for each stage."""
        if isinstance(what, FileResult) and what.status == "failed":
            print(f"failed: {what.path}: {what.reason}", file=sys.stderr)
        elif isinstance(what, FoldDone) and what.auc is not None:
            print(f"fold {what.fold} of {what.folds}: AUC {what.auc:.3f} on {what.images} images", file=sys.stderr)
        elif isinstance(what, Progress):
            rate, left = self._pace.update(what)
            stage, printed = self._last
            finished = what.total > 0 and what.done == what.total
            if what.stage != stage or finished or time.monotonic() - printed > 1:
                self._last = (what.stage, time.monotonic())
                print(_progress_line(what, rate, left), file=sys.stderr)


def _progress_line(progress: Progress, rate: float | None, left: float | None) -> str:
    text = progress.stage
    if progress.unit:
        text += f": {progress.done}" + (f" of {progress.total}" if progress.total else "") + f" {progress.unit}"
    if rate is not None:
        text += f", {rate:.0f} a second"
    if left:
        text += f", {left:.0f} s left"
    return text


def _in_words(answer: dict[str, Any]) -> str:
    if "codecs" in answer:
        lines = [f"decodes {each['transfer_syntax']} ({each['library']})" for each in answer["codecs"]]
        for kind in answer.get("kinds", []):
            told = [str(value or "-") for name, value in kind.items() if name not in ("images", "example")]
            lines.append(f"{kind['images']:>7} images: {', '.join(told)}")
        return "\n".join(lines)
    if "checks" in answer:
        return "\n".join("{severity:<8}{title} ({evidence})".format(**finding) for finding in answer["checks"])
    if "auc" not in answer:
        return "\n".join(f"{name}: {value}" for name, value in answer.items())
    lines = [f"run: {answer['run']}" + (f" in {answer['project']}" if "project" in answer else "")]
    for name in ("auc", "accuracy"):
        interval = answer["intervals"][name]
        shown = (
            "undefined"
            if interval["value"] is None
            else "{value:.3f} (95 % {low:.3f} to {high:.3f})".format(**interval)
        )
        lines.append(f"{name}: {shown}, {interval['method']}")
    lines.append(f"images: {answer['images']} of {answer['patients']} patients, each predicted out of sample")
    width = max(len(name) for name in answer["classes"])
    lines.append("confusion matrix, rows true, columns predicted as " + ", ".join(answer["classes"]) + ":")
    for name, row in zip(answer["classes"], answer["confusion_matrix"], strict=True):
        lines.append(f"  {name:<{width}} " + " ".join(f"{count:>6}" for count in row))
    return "\n".join([*lines, RESEARCH_USE])


def _write(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
