"""The command line: the same engine without a window.

With --json one JSON object goes to standard output; progress always goes to standard error. The exit status is 0
only for success, 1 for an error in the user's words, 2 for a wrong command line, 130 for an interruption.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from fineray import RESEARCH_USE, __version__
from fineray.cli import commands
from fineray.cli import review as review_commands
from fineray.cli import training as model_commands
from fineray.cli.console import in_words
from fineray.cli.options import PASSPHRASE_FROM, command, point_options
from fineray.cli.travel_options import pacs_options, travel_options
from fineray.dicom.radiograph import FrameChoice
from fineray.errors import FinerayError
from fineray.evaluation.intervals import Method
from fineray.project.files.patients import RULES
from fineray.project.labels.preview import LABEL_COLUMN
from fineray.system.crash_report import OwnFault, to_user
from fineray.system.processes import begin_program
from fineray.training.recipe import (
    Balance,
    HeadKind,
    Loss,
    Mode,
    Pooling,
    Uncertain,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    begin_program()
    options = parser().parse_args(arguments)
    try:
        answer = _run(options)
    except FinerayError as error:
        if options.json:
            _write(json.dumps({"error": error.what, "where": error.where, "todo": error.todo}))
        print(f"fineray: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nfineray: stopped; everything finished so far is kept.", file=sys.stderr)
        return 130
    _write(json.dumps(answer) if options.json else in_words(answer))
    return 0


def _run(options: argparse.Namespace) -> commands.Answer:
    try:
        answer: commands.Answer = options.run(options)
        return answer
    except FinerayError:
        raise
    except Exception as error:
        told = to_user(error)
        if isinstance(told, OwnFault):
            print(told.details, file=sys.stderr)
        raise told from error


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="fineray",
        description=f"Transfer learning on DICOM X-rays. {RESEARCH_USE} Without a command the window opens.",
    )
    top.add_argument("--version", action="version", version=f"fineray {__version__}")
    added = top.add_subparsers(metavar="COMMAND", required=True)

    new = command(added, "new", commands.new, "create a project in a new or empty folder")
    new.add_argument("project", type=Path, metavar="P")

    bring = command(added, "import", commands.import_films, "import folders of DICOM files")
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
    bring.add_argument("--label-column", default=LABEL_COLUMN, metavar="NAME", help="the table's column of labels")
    bring.add_argument("--label-set", metavar="NAME", help="where the labels go; the set in use unless given")

    sets = command(added, "labels", commands.labels, "list label sets; make, fill, use, compare or write them")
    sets.add_argument("project", type=Path, metavar="P")
    sets.add_argument("--new", metavar="NAME", help="make an empty set")
    sets.add_argument("--multi", action="store_true", help="the new set gives an image several findings")
    sets.add_argument("--classes", default="", metavar="A,B", help="classes of the new set, in the order of their keys")
    origin = sets.add_mutually_exclusive_group()
    origin.add_argument("--from", type=Path, dest="source", metavar="TABLE", help="CSV or Excel")
    origin.add_argument("--by", metavar="ATTRIBUTE", help="labels by an attribute, such as view_position")
    origin.add_argument("--finding", nargs=2, metavar=("SET", "FINDING"), help="one finding as a question of its own")
    sets.add_argument("--column", action="append", default=[], help="of the table; several hold a finding each")
    sets.add_argument("--cut", type=float, help="with --by age_years: two classes, under and from this age")
    sets.add_argument("--set", metavar="NAME", help="where the labels go")
    sets.add_argument("--use", metavar="NAME", help="the set that splits and training go by")
    sets.add_argument("--compare", nargs=2, metavar="SET", help="two readers: Cohen's kappa and disagreements")
    sets.add_argument("--to", type=Path, dest="target", metavar="FILE", help="write all sets as CSV or .xlsx")
    sets.add_argument("--with-files", action="store_true", help="with --to: file paths too, which may hold names")

    divide = command(added, "split", commands.split, "split by patient, study and picture; read or write the split")
    divide.add_argument("project", type=Path, metavar="P")
    divide.add_argument("--folds", type=_folds, default=5)
    divide.add_argument("--holdout", action="store_true", help="training, validation and test instead of folds")
    _plan_options(divide)
    divide.add_argument("--patients", choices=list(RULES), help="what identifies a patient where the ID does not")
    divide.add_argument("--from", type=Path, dest="source", metavar="CSV", help="take the parts from an edited file")
    divide.add_argument("--to", type=Path, dest="target", metavar="CSV", help="write the split to a file")

    close = command(added, "seal", commands.seal, "seal a test set that nothing is learned or chosen from")
    close.add_argument("project", type=Path, metavar="P")
    _plan_options(close)
    close.add_argument("--break", action="store_true", dest="break_seal", help="give it up; counts as an opening")

    fix = command(added, "freeze", commands.freeze, "fix a run's model and operating point for the sealed test")
    fix.add_argument("project", type=Path, metavar="P")
    fix.add_argument("name", metavar="RUN")
    point_options(fix)

    look = command(added, "open-test", commands.open_test, "predict the sealed test set with a frozen run; counted")
    look.add_argument("project", type=Path, metavar="P")
    look.add_argument("name", metavar="RUN")

    check = command(added, "check", commands.check, "look for what may spoil the study")
    check.add_argument("project", type=Path, metavar="P")

    doctor = command(added, "doctor", commands.doctor, "test the decoders; list what kinds of files a project holds")
    doctor.add_argument("project", type=Path, metavar="P", nargs="?")

    strip = command(added, "deidentify", commands.deidentify, "write the films as DICOM files without identity")
    strip.add_argument("project", type=Path, metavar="P")
    strip.add_argument("target", type=Path, metavar="DIR", help="a new or empty folder")
    strip.add_argument("--dates", choices=["shifted", "removed"], default="shifted")
    strip.add_argument("--keep-device", action="store_true", help="keep what identifies the device")
    strip.add_argument("--keep-text", action="store_true", help="do not look for letters burned into the pixels")
    strip.add_argument("--key", type=Path, metavar="FILE", help=f"the way back to the patients, {PASSPHRASE_FROM}")

    reveal = command(added, "reidentify", commands.reidentify, "say who stands behind pseudonyms, with the key file")
    reveal.add_argument("key", type=Path, metavar="FILE", help=f"the key file; {PASSPHRASE_FROM}")
    reveal.add_argument("pseudonyms", nargs="*", metavar="PSEUDONYM", help="all unless given")

    train = command(added, "train", model_commands.train, "split by patient, train, and judge out of sample")
    _training_options(train)
    train.add_argument("--anew", action="store_true", help="do not go on with a training that was paused")
    train.add_argument("--continue", dest="go_on", action="store_true", help="go on with the one that was paused last")
    train.add_argument("--find-rate", action="store_true", help="let a short trial choose the learning rate")

    look = command(added, "search", model_commands.search, "train, each fit with a search for better settings in it")
    _training_options(look)
    look.add_argument("--minutes", type=float, default=10.0, metavar="N", help="for all the searching (10)")

    ranking = command(added, "rank", model_commands.rank, "which backbone suits this data?")
    ranking.add_argument("project", type=Path, metavar="P")
    ranking.add_argument("backbones", nargs="*", metavar="NAME", help="these alone, instead of all that are installed")

    beside = command(
        added, "controls", model_commands.controls, "frozen, unfrozen, from scratch and shuffled beside a run"
    )
    beside.add_argument("project", type=Path, metavar="P")
    beside.add_argument("name", metavar="RUN")

    packs = command(added, "weights", model_commands.weights, "pretrained weights on this computer")
    packs.set_defaults(what="list")
    ways = packs.add_subparsers(metavar="WHAT", dest="what")
    listing = ways.add_parser("list", help="every backbone, and whether its weights are here")
    add = ways.add_parser("add", help="take a .pth or .safetensors file in")
    add.add_argument("file", type=Path, metavar="FILE")
    add.add_argument(
        "--backbone", default="", metavar="NAME", help="which one it is for; timm:NAME for any CNN of timm"
    )
    add.add_argument("--title", default="", help="of weights that Fineray does not know")
    add.add_argument("--source-task", default="", metavar="TEXT", help="what they were trained for")
    add.add_argument("--source-data", default="", metavar="TEXT", help="on what")
    add.add_argument("--licence", default="", metavar="TEXT")
    fetch = ways.add_parser("download", help="fetch the published file; no other command goes online")
    fetch.add_argument("name", metavar="NAME")
    for each in (listing, add, fetch):
        each.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)

    again = command(added, "repeat", model_commands.repeat, "train as a run was trained, and compare the predictions")
    again.add_argument("project", type=Path, metavar="P")
    again.add_argument("name", metavar="RUN")

    _review_commands(added)
    travel_options(added)
    pacs_options(added)

    demo = command(added, "demo", model_commands.demo, "make, import and train a small synthetic study")
    demo.add_argument("--no-window", action="store_true", help="do not open the window on the result")
    demo.add_argument("folder", type=Path, nargs="?", metavar="DIR")
    return top


def _review_commands(added: Any) -> None:
    judge = command(
        added, "evaluate", review_commands.evaluate, "work out the figures of a run again from its predictions"
    )
    judge.add_argument("project", type=Path, metavar="P")
    judge.add_argument("name", metavar="RUN")
    judge.add_argument("--keep", action="store_true", help="let the run have this operating point from now on")
    _view_options(judge)

    beside = command(added, "compare", review_commands.compare, "two runs on the same images, with paired tests")
    beside.add_argument("project", type=Path, metavar="P")
    beside.add_argument("first", metavar="RUN_A")
    beside.add_argument("second", metavar="RUN_B")
    point_options(beside)

    tell = command(added, "report", review_commands.report, "write the report of a run as PDF or HTML")
    tell.add_argument("project", type=Path, metavar="P")
    tell.add_argument("name", metavar="RUN")
    tell.add_argument("--output", type=Path, required=True, metavar="FILE", help=".pdf or .html")
    tell.add_argument("--thumbnails", action="store_true", help="of films that were called wrong, by pseudonym")
    tell.add_argument("--parts", type=Path, metavar="DIR", help="tables as CSV, figures as SVG and PDF too")
    _view_options(tell)


def _view_options(added: argparse.ArgumentParser) -> None:
    added.add_argument("--on-test", action="store_true", help="on the sealed test set, once it was opened")
    added.add_argument("--prevalence", type=float, help="0 to 1: PPV and NPV for it too")
    added.add_argument("--interval", choices=get_args(Method), default="wilson", help="of shares")
    added.add_argument(
        "--only", nargs=2, default=("", ""), metavar=("ATTRIBUTE", "VALUE"), help="only images of this subgroup"
    )
    added.add_argument("--finding", default="", metavar="NAME", help="one of several that stand side by side")
    point_options(added)


def _training_options(train: argparse.ArgumentParser) -> None:
    train.add_argument("project", type=Path, metavar="P")
    train.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe.json, instead of the options below")
    train.add_argument("--backbone", metavar="NAME", help="efficientnet_lite0 unless another is named")
    train.add_argument(
        "--mode", default="frozen", choices=get_args(Mode), help="the last layer alone, later stages too, or everything"
    )
    train.add_argument(
        "--side", type=int, metavar="PIXELS", help="of the square input; the backbone's own if not given"
    )
    train.add_argument("--pooling", choices=get_args(Pooling))
    train.add_argument("--head", dest="head_kind", choices=get_args(HeadKind))
    train.add_argument("--loss", dest="loss_kind", choices=get_args(Loss))
    train.add_argument(
        "--balance", choices=get_args(Balance), help="classes of unlike size weigh alike, or are drawn alike"
    )
    train.add_argument("--smoothing", type=float, metavar="SHARE", help="of the labels")
    train.add_argument("--uncertain", choices=get_args(Uncertain), help="what doubtful findings are for training")
    train.add_argument("--views", type=int, metavar="N", help="augmented views of each film that are kept")
    train.add_argument("--test-views", type=int, metavar="N", help="augmented views that predictions are averaged over")
    train.add_argument("--flip", action="store_true", default=None, help="mirrored views too; laterality is lost")
    train.add_argument("--shuffled", action="store_true", default=None, help="a control: learn from shuffled labels")
    tuning = train.add_argument_group("with finetune or scratch")
    tuning.add_argument("--frozen-stages", type=int, metavar="N", help="stages that stay as they are")
    tuning.add_argument("--gradual", action="store_true", default=None, help="unfreeze the last stage first")
    tuning.add_argument("--epochs", type=int, metavar="N")
    tuning.add_argument("--batch", type=int, metavar="N", help="images a step")
    tuning.add_argument("--learning-rate", type=float, metavar="RATE")
    tuning.add_argument("--validation", type=float, metavar="SHARE", help="of training patients, for stopping early")
    tuning.add_argument("--patience", type=int, metavar="EPOCHS", help="without a better validation AUC")
    tuning.add_argument("--source-pull", type=float, metavar="STRENGTH", help="towards the pretrained weights (L2-SP)")
    train.add_argument("--folds", type=_folds, help="5 unless a split was made before")
    train.add_argument("--seed", type=int, help="0 unless a split was made before")


def _plan_options(added: argparse.ArgumentParser) -> None:
    added.add_argument("--seed", type=int, default=0)
    added.add_argument("--test-share", type=float, default=0.2, help="of the patients, 0.05 to 0.5")
    added.add_argument("--by", default="", metavar="ATTRIBUTE", help="study_date, site_hash, manufacturer, ...")
    added.add_argument(
        "--test-value", action="append", default=[], metavar="VALUE", help="with --by: the test's values"
    )
    added.add_argument(
        "--stratify", action="append", default=[], metavar="ATTRIBUTE", help="spread evenly beside the label"
    )


def _folds(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError("at least 2 folds are needed")
    return number


def _write(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
