"""What the commands do that take models out of a project, into another, and to new films."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fineray.cli.commands import (
    Answer,
    carry_out,
    passphrase,
    point_rule,
    result_of,
)
from fineray.cli.console import ConsoleMonitor
from fineray.cli.training import figures
from fineray.engine.requests.models import (
    ExportModel,
    OpenPackage,
    PredictFolder,
    ValidateFolder,
    ValidateModel,
    Verify,
    WritePredictions,
)
from fineray.errors import FinerayError
from fineray.prediction.results import PredictionTable
from fineray.progress import Interim, Report
from fineray.project.project import CATALOGUE, open_project
from fineray.system.output_file import check_output


def predict(options: Namespace) -> Answer:
    """Apply a run to a folder and write the table; with --watch, again and again until Ctrl+C."""
    check_output(options.output, (".csv", ".xlsx"), "A table")
    request = PredictFolder(
        options.project,
        options.name,
        options.films.resolve(),
        tuple(options.abstain) if options.abstain else None,
        options.maps,
        options.dicom,
        options.watch or 0.0,
        point_rule(options, options.name),
    )
    if not options.watch:
        return _written(result_of(carry_out(request)), options)
    watch = _Watch(options)
    try:
        result_of(carry_out(request, watch))
    except KeyboardInterrupt:
        if watch.answer is None:
            raise
    return watch.answer or {}


class _Watch(ConsoleMonitor):
    """Writes the table whenever it has changed."""

    def __init__(self, options: Namespace) -> None:
        super().__init__()
        self._options = options
        self.answer: Answer | None = None

    def report(self, what: Report) -> None:
        """Write a table, or print."""
        if isinstance(what, Interim) and isinstance(what.result, PredictionTable):
            self.answer = _written(what.result, self._options)
        else:
            super().report(what)


def _written(table: PredictionTable, options: Namespace) -> Answer:
    result_of(carry_out(WritePredictions(table, options.output)))
    drift = [asdict(each) for each in table.drift.lines] if table.drift else []
    return {
        "output": str(options.output),
        "run": table.run,
        "films": len(table.rows),
        "scored": table.scored,
        "flagged": table.flagged,
        "classes": table.classes,
        "point": table.point.to_json(),
        "drift": [{name: line[name] for name in ("what", "size", "p", "differs")} for line in drift],
    }


def export(options: Namespace) -> Answer:
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
    told: dict[str, Any] = asdict(result_of(carry_out(request)))
    return {"output": told.pop("path"), "format": options.format, **told}


def open_model(options: Namespace) -> Answer:
    """Take a package in."""
    target = options.to or options.package.resolve().with_suffix("")  # beside it, under its name
    with _held(target):
        found = result_of(carry_out(OpenPackage(options.package, target.resolve(), options.signed_by or "")))
    signed = found.fingerprint or "not signed: compare its SHA-256 with the one that its sender was shown"
    told = {"project": str(found.project), "run": found.run, "classes": found.classes, "signed_by": signed}
    return {**told, "difference": found.difference}


def validate(options: Namespace) -> Answer:
    """Judge a model on films of one's own."""
    given = (options.films, options.labels, options.to)
    if any(given) and not all(given):
        raise FinerayError(
            "Films in no project need a folder, a table of labels and a new project",
            todo="Give --films, --labels and --to together; or none of them, to judge on the project's own images.",
        )
    if options.films:
        request = ValidateFolder(
            options.project, options.name, options.films.resolve(), options.labels.resolve(), options.to.resolve()
        )
        done = result_of(carry_out(request))
    else:
        with _held(options.project):
            done = result_of(carry_out(ValidateModel(options.project, options.name, options.statistics)))
    return {"project": str(done.project), **figures(done.project, done.run, None)}


@contextmanager
def _held(root: Path) -> Iterator[None]:
    """Hold the lock of a project, if one is there."""
    if not (root / CATALOGUE).is_file():
        yield
        return
    with open_project(root, lock=True):
        yield


def verify(options: Namespace) -> Answer:
    """Derive figures again."""
    checks = result_of(carry_out(Verify(options.what, options.name or "")))
    return {"verified": str(options.what), "found": [asdict(each) for each in checks]}


def signing_key(options: Namespace) -> Answer:
    """Make a key to sign packages with."""
    from fineray.package.signature import make_key

    key = make_key(options.file, passphrase(twice=True) if options.locked else "")
    return {"key": str(options.file), "fingerprint": key.fingerprint}
