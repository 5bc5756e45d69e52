"""The command pacs and its ways: the hospital's archives, off until they are switched on."""

from __future__ import annotations

import argparse
from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fineray.cli.console import ConsoleMonitor
from fineray.cli.options import command
from fineray.cli.running import PASSPHRASE_FROM, Reply, carry_out, listed, passphrase
from fineray.engine.requests.pacs import EchoArchive, FetchStudies, FindStudies, ReceiveImages, SendResults
from fineray.pacs.results import Criteria, Received, StudyFound
from fineray.pacs.settings import Peer, Protocol, load_settings, save_settings
from fineray.progress import Interim, ProgressEvent


def add_commands(group: Any) -> None:
    """The parsers of its ways; each names the function that goes it."""
    top = command(group, "pacs", listing, "the hospital's archive; off until it is switched on")
    ways = top.add_subparsers(metavar="WHAT", dest="what")

    def way(name: str, run: Any, text: str, archive: bool = True) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = ways.add_parser(name, help=text)
        made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        made.set_defaults(run=run)
        if archive:
            made.add_argument("name", metavar="ARCHIVE")
        return made

    way("list", listing, "what is known, and whether it is on", archive=False)
    way("on", switch, "allow connections to the archives listed", archive=False)
    way("off", switch, "allow none", archive=False)
    new = way("add", add, "know an archive: by --host, --port and --ae-title, or by --url")
    new.add_argument("--host")
    new.add_argument("--port", type=int, default=104)
    new.add_argument("--ae-title")
    new.add_argument("--url", help="of DICOMweb")
    new.add_argument("--user", default="", help=f"of DICOMweb; the password is never kept: {PASSPHRASE_FROM}")
    way("remove", remove, "forget an archive")
    way("echo", echo, "whether it answers")
    find_ = way("find", find, "list studies")
    find_.add_argument("--patient", default="", metavar="ID")
    find_.add_argument("--since", default="", metavar="YYYYMMDD")
    find_.add_argument("--until", default="", metavar="YYYYMMDD")
    find_.add_argument("--modality", default="", type=str.upper)
    find_.add_argument("--description", default="", metavar="TEXT", help="may hold * and ?")
    fetch_ = way("fetch", fetch, "fetch studies into a folder, as they are, with identity")
    fetch_.add_argument("studies", nargs="+", metavar="STUDY_UID")
    fetch_.add_argument("--output", type=Path, required=True, metavar="DIR")
    receive_ = way("receive", receive, "take images that known archives send, until Ctrl+C", archive=False)
    receive_.add_argument("folder", type=Path, metavar="DIR")
    send_ = way("send", send, "send results that predict --dicom made; nothing else is ever sent")
    send_.add_argument("folder", type=Path, metavar="DIR")


def listing(_options: Namespace) -> Reply:
    """The settings."""
    settings = load_settings()
    lines = [f"connections to archives are {'allowed' if settings.enabled else 'off'}"]
    lines += [f"{peer.name}: {peer.url or f'{peer.ae_title} at {peer.host}:{peer.port}'}" for peer in settings.peers]
    return Reply({"archives": asdict(settings)}, "\n".join(lines))


def switch(options: Namespace) -> Reply:
    """Allow connections, or not."""
    save_settings(replace(load_settings(), enabled=options.what == "on"))
    return listing(options)


def add(options: Namespace) -> Reply:
    """Know an archive."""
    settings = load_settings()
    protocol: Protocol = "dicomweb" if options.url else "dicom"
    peer = Peer(
        options.name,
        protocol,
        options.host or "",
        options.port,
        options.ae_title or "",
        options.url or "",
        options.user,
    )
    others = tuple(each for each in settings.peers if each.name != peer.name)
    save_settings(replace(settings, peers=(*others, peer)))
    return listing(options)


def remove(options: Namespace) -> Reply:
    """Forget an archive."""
    settings = load_settings()
    save_settings(replace(settings, peers=tuple(each for each in settings.peers if each.name != options.name)))
    return listing(options)


def echo(options: Namespace) -> Reply:
    """Whether it answers."""
    return listed({"answers": carry_out(EchoArchive(options.name, _password(options)))})


def find(options: Namespace) -> Reply:
    """Look for studies."""
    criteria = Criteria(options.patient, options.since, options.until, options.modality, options.description)
    found: tuple[StudyFound, ...] = carry_out(FindStudies(options.name, criteria, _password(options)))
    lines = [
        f"{each.uid}  {each.date}  {each.modalities}  {each.description}"
        + (f"  {each.images} images" if each.images is not None else "")
        for each in found
    ]
    return Reply({"studies": [asdict(each) for each in found]}, "\n".join([*lines, f"{len(found)} studies"]))


def fetch(options: Namespace) -> Reply:
    """Fetch studies."""
    request = FetchStudies(options.name, tuple(options.studies), options.output.resolve(), _password(options))
    return listed(asdict(carry_out(request)))


def send(options: Namespace) -> Reply:
    """Send results."""
    return listed({"stored": carry_out(SendResults(options.name, options.folder.resolve(), _password(options)))})


def receive(options: Namespace) -> Reply:
    """Listen until Ctrl+C."""
    listener = _Listener()
    try:
        carry_out(ReceiveImages(options.folder.resolve()), listener)
    except KeyboardInterrupt:
        if listener.received is None:
            raise
    assert listener.received is not None
    return listed(
        {"folder": str(options.folder), "files": listener.received.files, "refused": listener.received.refused}
    )


class _Listener(ConsoleMonitor):
    received: Received | None = None

    def report(self, what: ProgressEvent) -> None:
        """Remember the tally, print the rest."""
        if isinstance(what, Interim) and isinstance(what.result, Received):
            self.received = what.result
        else:
            super().report(what)


def _password(options: Namespace) -> str:
    peer = next((each for each in load_settings().peers if each.name == options.name), None)
    return passphrase() if peer is not None and peer.user else ""
