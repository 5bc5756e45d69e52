"""The options of the commands that take models out of a project, to new films, and to archives."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

from fineray.cli import models as travel_commands
from fineray.cli import pacs as pacs_commands
from fineray.cli.options import (
    PASSPHRASE_FROM,
    abstain_option,
    command,
    point_options,
)
from fineray.engine.requests.models import Format


def travel_options(added: Any) -> None:
    """predict, export, open, validate, verify, signing-key."""
    apply = command(added, "predict", travel_commands.predict, "apply a run to a folder of new films")
    apply.add_argument("project", type=Path, metavar="P")
    apply.add_argument("name", metavar="RUN")
    apply.add_argument("films", type=Path, metavar="DIR")
    apply.add_argument("--output", type=Path, required=True, metavar="FILE", help=".csv or .xlsx")
    abstain_option(apply)
    point_options(apply)
    apply.add_argument("--maps", type=Path, metavar="DIR", help="heat maps as PNG")
    apply.add_argument("--dicom", type=Path, metavar="DIR", help="reports, heat maps and presentation states as DICOM")
    apply.add_argument(
        "--watch", type=_seconds, metavar="SECONDS", help="look for new films this often, until Ctrl+C ends it"
    )

    give = command(added, "export", travel_commands.export, "write a run for others")
    give.add_argument("project", type=Path, metavar="P")
    give.add_argument("name", metavar="RUN")
    give.add_argument("--format", required=True, choices=get_args(Format))
    give.add_argument("--output", type=Path, required=True, metavar="PATH")
    give.add_argument("--sign", type=Path, metavar="KEY", help="of packages: a key made by signing-key")
    give.add_argument("--locked", action="store_true", help=f"the key has a passphrase; {PASSPHRASE_FROM}")
    abstain_option(give)
    point_options(give)

    take = command(added, "open", travel_commands.open_model, "check a package and take its model in")
    take.add_argument("package", type=Path, metavar="PACKAGE")
    take.add_argument("--to", type=Path, metavar="P", help="a project, or a new one; beside the package if not given")
    take.add_argument("--signed-by", metavar="FINGERPRINT", help="refuse it unless this key signed it")

    judge = command(added, "validate", travel_commands.validate, "judge a model from elsewhere on films with labels")
    judge.add_argument("project", type=Path, metavar="P")
    judge.add_argument("name", metavar="RUN")
    judge.add_argument("--statistics", type=Path, metavar="FILE", help=".json: figures alone, to be returned")
    judge.add_argument("--films", type=Path, metavar="DIR", help="films in no project; with --labels and --to")
    judge.add_argument("--labels", type=Path, metavar="TABLE", help="CSV or Excel, as for import")
    judge.add_argument("--to", type=Path, metavar="P", help="the new project that these go into")

    again = command(added, "verify", travel_commands.verify, "derive figures again from what they came from")
    again.add_argument("what", type=Path, metavar="PATH", help="a package, a file of statistics, or a project")
    again.add_argument("name", nargs="?", metavar="RUN", help="of the project")

    key = command(added, "signing-key", travel_commands.signing_key, "make a key to sign packages with")
    key.add_argument("file", type=Path, metavar="FILE")
    key.add_argument("--locked", action="store_true", help=f"under a passphrase; {PASSPHRASE_FROM}")


def pacs_options(added: Any) -> None:
    """pacs and its ways."""
    top = command(added, "pacs", pacs_commands.pacs, "the hospital's archive; off until it is switched on")
    top.set_defaults(what="list")
    ways = top.add_subparsers(metavar="WHAT", dest="what")

    def way(name: str, text: str, archive: bool = True) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = ways.add_parser(name, help=text)
        made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        if archive:
            made.add_argument("name", metavar="ARCHIVE")
        return made

    way("list", "what is known, and whether it is on", archive=False)
    way("on", "allow connections to the archives listed", archive=False)
    way("off", "allow none", archive=False)
    new = way("add", "know an archive: by --host, --port and --ae-title, or by --url")
    new.add_argument("--host")
    new.add_argument("--port", type=int, default=104)
    new.add_argument("--ae-title")
    new.add_argument("--url", help="of DICOMweb")
    new.add_argument("--user", default="", help=f"of DICOMweb; the password is never kept: {PASSPHRASE_FROM}")
    way("remove", "forget an archive")
    way("echo", "whether it answers")
    look = way("find", "list studies")
    look.add_argument("--patient", default="", metavar="ID")
    look.add_argument("--since", default="", metavar="YYYYMMDD")
    look.add_argument("--until", default="", metavar="YYYYMMDD")
    look.add_argument("--modality", default="", type=str.upper)
    look.add_argument("--description", default="", metavar="TEXT", help="may hold * and ?")
    get = way("fetch", "fetch studies into a folder, as they are, with identity")
    get.add_argument("studies", nargs="+", metavar="STUDY_UID")
    get.add_argument("--output", type=Path, required=True, metavar="DIR")
    listen = way("receive", "take films that known archives send, until Ctrl+C", archive=False)
    listen.add_argument("folder", type=Path, metavar="DIR")
    give = way("send", "send results that predict --dicom made; nothing else is ever sent")
    give.add_argument("folder", type=Path, metavar="DIR")


def _seconds(text: str) -> float:
    number = float(text)
    if not 0.5 <= number <= 86_400:
        raise argparse.ArgumentTypeError("between half a second and a day")
    return number
