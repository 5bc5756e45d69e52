"""The command line: the same engine without a window.

With --json one JSON object goes to standard output; progress always goes to standard error. The exit status is 0
only for success, 1 for an error in the user's words, 2 for a wrong command line, 130 for an interruption.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence

from fineray import RESEARCH_USE, __version__
from fineray.cli import labels, models, pacs, patients, project, review, splits, training
from fineray.cli.running import Reply
from fineray.errors import FinerayError
from fineray.system.crash_report import OwnFault, to_user
from fineray.system.debug_log import begin_debug_log
from fineray.system.processes import begin_program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    begin_program()
    for stream in (sys.stdout, sys.stderr):  # a file's name may be no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = parser().parse_args(arguments)
    if options.debug:
        begin_debug_log()
    try:
        reply = _run(options)
    except FinerayError as error:
        if options.json:
            _write(json.dumps({"error": error.what, "where": error.where, "todo": error.todo}))
        print(f"fineray: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nfineray: stopped; everything finished so far is kept.", file=sys.stderr)
        return 130
    _write(json.dumps(reply.answer) if options.json else reply.words)
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options, from each group's own file."""
    top = argparse.ArgumentParser(
        prog="fineray",
        description=f"Transfer learning on DICOM X-rays. {RESEARCH_USE} Without a command the window opens.",
    )
    top.add_argument("--version", action="version", version=f"fineray {__version__}")
    top.add_argument("--debug", action="store_true", help="keep a log without names in the user folder, for a report")
    group = top.add_subparsers(metavar="COMMAND", required=True)
    for each in (project, patients, labels, splits, training, review, models, pacs):
        each.add_commands(group)
    return top


def _run(options: argparse.Namespace) -> Reply:
    try:
        reply: Reply = options.run(options)
        return reply
    except FinerayError:
        raise
    except Exception as error:
        told = to_user(error)
        if isinstance(told, OwnFault):
            print(told.details, file=sys.stderr)
        raise told from error


def _write(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
