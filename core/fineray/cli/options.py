"""Options that several commands of the command line have."""

from __future__ import annotations

import argparse
from typing import Any

from fineray import RESEARCH_USE
from fineray.cli.commands import PASSPHRASE

PASSPHRASE_FROM = f"its passphrase is asked for, or taken from the variable {PASSPHRASE}"


def command(group: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    """Add a command that answers in words or, with --json, as one object."""
    added: argparse.ArgumentParser = group.add_parser(name, help=text, description=f"{text}. {RESEARCH_USE}")
    added.add_argument("--json", action="store_true", help="one JSON object on standard output")
    added.set_defaults(run=run)
    return added


def point_options(added: argparse.ArgumentParser) -> None:
    """How the operating point is chosen, where not by the point that the run keeps."""
    added.add_argument(
        "--positive",
        default="",
        metavar="CLASS",
        help="the class that the threshold is for; alone: Youden's index chooses. Without it and the options below the"
        " run's own operating point counts",
    )
    rule = added.add_mutually_exclusive_group()
    rule.add_argument("--most-probable", action="store_true", help="the most probable class; findings from one half on")
    rule.add_argument("--threshold", type=float, help="0 to 1")
    rule.add_argument("--sensitivity", type=float, help="0 to 1; the highest threshold that reaches it")
    rule.add_argument("--specificity", type=float, help="0 to 1; the lowest threshold that reaches it")
    rule.add_argument("--cost", type=float, help="how many false alarms a miss is worth")


def abstain_option(added: argparse.ArgumentParser) -> None:
    """The band without an answer."""
    added.add_argument(
        "--abstain",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="probabilities between which the run says nothing",
    )
