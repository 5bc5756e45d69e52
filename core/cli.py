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
from pathlib import Path
from typing import Any, get_args

from core import __version__
from core.backbones.catalogue import backbone
from core.dicom.read import FrameChoice
from core.engine.messages import EndEvent, Failed, Finished, ImportFolders, RunDemo, Stopped, Train
from core.errors import FinerayError, storage_error
from core.progress import FileResult, FoldDone, Monitor, Pace, Progress, Report
from core.project.import_options import ImportOptions
from core.project.labels import LabelPreview
from core.project.paths import demo_folder
from core.project.project import create_project, open_project
from core.project.splits import SplitPlan, is_current, latest_split

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
    labels.add_argument("--labels", type=Path, metavar="CSV", help="file, sop_instance_uid or patient_id, and label")
    labels.add_argument("--labels-from-folders", action="store_true", help="the first folder below DIR is the label")

    train = _command(commands, "train", _train, "split by patient, train, and judge out of sample")
    train.add_argument("project", type=Path, metavar="P")
    train.add_argument("--backbone", default="efficientnet_lite0", metavar="NAME")
    train.add_argument("--mode", default="frozen", choices=["frozen"])
    train.add_argument("--folds", type=_folds, default=5)
    train.add_argument("--seed", type=int, default=0)

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
    from core.project.labels import apply_labels, preview_csv, preview_folders

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
            preview = preview_csv(project, options.labels)
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


def _train(options: argparse.Namespace) -> dict[str, Any]:
    from core.engine.jobs import carry_out
    from core.training.recipe import Recipe

    started = time.monotonic()
    backbone(options.backbone)  # a wrong name is said before a split is made for it
    plan = SplitPlan("folds", folds=options.folds, seed=options.seed)
    recipe = Recipe(backbone=options.backbone, mode=options.mode, seed=options.seed)
    with open_project(options.project, lock=True) as project:
        split = latest_split(project)
        if split is None or split.plan != plan or not is_current(project, split):
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
    from dataclasses import asdict

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
