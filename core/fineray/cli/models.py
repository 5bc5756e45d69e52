"""Commands that take models out of a project, into another, and to new images: predict, export, open, validate, verify,
signing-key."""

from __future__ import annotations

import argparse
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from fineray.cli.console import ConsoleMonitor
from fineray.cli.figures import figures_of, with_figures
from fineray.cli.options import abstain_option, command, of_run, point_options, point_rule
from fineray.cli.running import PASSPHRASE_FROM, Answer, Reply, carry_out, held, listed, passphrase
from fineray.engine.requests.models import (
    ExportModel,
    Format,
    OpenPackage,
    PredictFolder,
    ValidateFolder,
    ValidateModel,
    Verify,
    WritePredictions,
)
from fineray.errors import FinerayError
from fineray.prediction.results import FolderPredictions
from fineray.progress import Interim, ProgressEvent
from fineray.system.output_file import check_output


def add_commands(group: Any) -> None:
    """Their parsers."""
    predict_ = of_run(group, "predict", predict, "apply a run to a folder of new images")
    predict_.add_argument("images", type=Path, metavar="DIR")
    predict_.add_argument("--output", type=Path, required=True, metavar="FILE", help=".csv or .xlsx")
    abstain_option(predict_)
    point_options(predict_)
    predict_.add_argument("--maps", type=Path, metavar="DIR", help="heat maps as PNG")
    predict_.add_argument("--dicom", type=Path, metavar="DIR", help="reports, heat maps, presentation states as DICOM")
    predict_.add_argument(
        "--watch", type=_seconds, metavar="SECONDS", help="look for new images this often, until Ctrl+C ends it"
    )

    export_ = of_run(group, "export", export, "write a run for others")
    export_.add_argument("--format", required=True, choices=get_args(Format))
    export_.add_argument("--output", type=Path, required=True, metavar="PATH")
    export_.add_argument("--sign", type=Path, metavar="KEY", help="of packages: a key made by signing-key")
    export_.add_argument("--locked", action="store_true", help=f"the key has a passphrase; {PASSPHRASE_FROM}")
    abstain_option(export_)
    point_options(export_)

    open_ = command(group, "open", open_model, "check a package and take its model in")
    open_.add_argument("package", type=Path, metavar="PACKAGE")
    open_.add_argument("--to", type=Path, metavar="P", help="a project, or a new one; beside the package if not given")
    open_.add_argument("--signed-by", metavar="FINGERPRINT", help="refuse it unless this key signed it")

    validate_ = of_run(group, "validate", validate, "judge a model from elsewhere on images with labels")
    validate_.add_argument("--statistics", type=Path, metavar="FILE", help=".json: figures alone, to be returned")
    validate_.add_argument(
        "--images", "--films", type=Path, metavar="DIR", help="images in no project; with --labels and --to"
    )
    validate_.add_argument("--labels", type=Path, metavar="TABLE", help="CSV or Excel, as for import")
    validate_.add_argument("--to", type=Path, metavar="P", help="the new project that these go into")

    verify_ = command(group, "verify", verify, "derive figures again from what they came from")
    verify_.add_argument("what", type=Path, metavar="PATH", help="a package, a file of statistics, or a project")
    verify_.add_argument("name", nargs="?", metavar="RUN", help="of the project")

    key = command(group, "signing-key", signing_key, "make a key to sign packages with")
    key.add_argument("file", type=Path, metavar="FILE")
    key.add_argument("--locked", action="store_true", help=f"under a passphrase; {PASSPHRASE_FROM}")


def _seconds(text: str) -> float:
    number = float(text)
    if not 0.5 <= number <= 86_400:
        raise argparse.ArgumentTypeError("between half a second and a day")
    return number


def predict(options: Namespace) -> Reply:
    """Apply a run to a folder and write the table; with --watch, again and again until Ctrl+C."""
    check_output(options.output, (".csv", ".xlsx"), "A table")
    request = PredictFolder(
        options.project,
        options.name,
        options.images.resolve(),
        tuple(options.abstain) if options.abstain else None,
        options.maps,
        options.dicom,
        options.watch or 0.0,
        point_rule(options, options.name),
    )
    if not options.watch:
        return _in_short(_written(carry_out(request), options))
    watch = _Watch(options)
    try:
        carry_out(request, watch)
    except KeyboardInterrupt:
        if watch.answer is None:
            raise
    return _in_short(watch.answer or {})


class _Watch(ConsoleMonitor):
    """Writes the table whenever it has changed."""

    def __init__(self, options: Namespace) -> None:
        super().__init__()
        self._options = options
        self.answer: Answer | None = None

    def report(self, what: ProgressEvent) -> None:
        """Write a table, or print."""
        if isinstance(what, Interim) and isinstance(what.result, FolderPredictions):
            self.answer = _written(what.result, self._options)
        else:
            super().report(what)


def _written(table: FolderPredictions, options: Namespace) -> Answer:
    carry_out(WritePredictions(table, options.output))
    drift = [asdict(each) for each in table.drift.lines] if table.drift else []
    return {
        "output": str(options.output),
        "run": table.run,
        "images": len(table.rows),
        "scored": table.scored,
        "flagged": table.flagged,
        "classes": table.classes,
        "point": table.point.to_json(),
        "drift": [{name: line[name] for name in ("what", "size", "p", "differs")} for line in drift],
    }


def _in_short(answer: Answer) -> Reply:
    lines = [f"{name}: {value}" for name, value in answer.items() if name != "drift" and value not in (None, "")]
    lines += [
        f"unlike the training images: {each['what']} (difference {each['size']:.2f}, p {each['p']:.1g})"
        for each in answer.get("drift", [])
        if each["differs"]
    ]
    return Reply(answer, "\n".join(lines))


def export(options: Namespace) -> Reply:
    """Write a run for others."""
    secret = passphrase() if options.sign and options.locked else ""
    request = ExportModel(
        options.project,
        options.name,
        options.format,
        options.output,
        point_rule(options, options.name),
        tuple(options.abstain) if options.abstain else None,
        options.sign,
        secret,
    )
    told: Answer = asdict(carry_out(request))
    return listed({"output": told.pop("path"), "format": options.format, **told})


def open_model(options: Namespace) -> Reply:
    """Take a package in."""
    target = options.to or options.package.resolve().with_suffix("")  # beside it, under its name
    with held(target):
        found = carry_out(OpenPackage(options.package, target.resolve(), options.signed_by or ""))
    signed = found.fingerprint or "not signed: compare its SHA-256 with the one that its sender was shown"
    told = {"project": str(found.project), "run": found.run, "classes": found.classes, "signed_by": signed}
    return listed({**told, "difference": found.difference})


def validate(options: Namespace) -> Reply:
    """Judge a model on images of one's own."""
    given = (options.images, options.labels, options.to)
    if any(given) and not all(given):
        raise FinerayError(
            "Images in no project need a folder, a table of labels and a new project",
            todo="Give --images, --labels and --to together; or none of them, to judge on the project's own images.",
        )
    if options.images:
        request = ValidateFolder(
            options.project, options.name, options.images.resolve(), options.labels.resolve(), options.to.resolve()
        )
        done = carry_out(request)
    else:
        with held(options.project):
            done = carry_out(ValidateModel(options.project, options.name, options.statistics))
    return with_figures({"project": str(done.project), **figures_of(done.project, done.run)})


def verify(options: Namespace) -> Reply:
    """Derive figures again."""
    found = [asdict(each) for each in carry_out(Verify(options.what, options.name or ""))]
    return Reply(
        {"verified": str(options.what), "found": found}, "\n".join("{what} ({how})".format(**each) for each in found)
    )


def signing_key(options: Namespace) -> Reply:
    """Make a key to sign packages with."""
    from fineray.package.signature import make_key

    key = make_key(options.file, passphrase(twice=True) if options.locked else "")
    return listed({"key": str(options.file), "fingerprint": key.fingerprint})
