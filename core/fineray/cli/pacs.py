"""What the commands about archives do."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, replace

from fineray.cli.commands import (
    Answer,
    carry_out,
    passphrase,
    result_of,
)
from fineray.cli.console import ConsoleMonitor
from fineray.engine.requests.pacs import (
    EchoArchive,
    FetchStudies,
    FindStudies,
    ReceiveFilms,
    SendResults,
)
from fineray.pacs.results import Criteria, Received
from fineray.pacs.settings import (
    Peer,
    Protocol,
    load_settings,
    save_settings,
)
from fineray.progress import Interim, Report


def pacs(options: Namespace) -> Answer:
    """One of the ways of `fineray pacs`."""
    answer: Answer = {
        "list": listing,
        "on": switch,
        "off": switch,
        "add": add,
        "remove": remove,
        "echo": echo,
        "find": find,
        "fetch": fetch,
        "receive": receive,
        "send": send,
    }[options.what or "list"](options)
    return answer


def listing(options: Namespace) -> Answer:
    """The settings."""
    return {"archives": asdict(load_settings())}


def switch(options: Namespace) -> Answer:
    """Allow connections, or not."""
    save_settings(replace(load_settings(), enabled=options.what == "on"))
    return listing(options)


def add(options: Namespace) -> Answer:
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


def remove(options: Namespace) -> Answer:
    """Forget an archive."""
    settings = load_settings()
    save_settings(replace(settings, peers=tuple(each for each in settings.peers if each.name != options.name)))
    return listing(options)


def echo(options: Namespace) -> Answer:
    """Whether it answers."""
    return {"answers": result_of(carry_out(EchoArchive(options.name, _password(options))))}


def find(options: Namespace) -> Answer:
    """Look for studies."""
    criteria = Criteria(options.patient, options.since, options.until, options.modality, options.description)
    found = result_of(carry_out(FindStudies(options.name, criteria, _password(options))))
    return {"studies": [asdict(each) for each in found]}


def fetch(options: Namespace) -> Answer:
    """Fetch studies."""
    request = FetchStudies(options.name, tuple(options.studies), options.output.resolve(), _password(options))
    return asdict(result_of(carry_out(request)))


def send(options: Namespace) -> Answer:
    """Send results."""
    return {"stored": result_of(carry_out(SendResults(options.name, options.folder.resolve(), _password(options))))}


def receive(options: Namespace) -> Answer:
    """Listen until Ctrl+C."""
    listener = _Listener()
    try:
        result_of(carry_out(ReceiveFilms(options.folder.resolve()), listener))
    except KeyboardInterrupt:
        if listener.received is None:
            raise
    assert listener.received is not None
    return {"folder": str(options.folder), "files": listener.received.files, "refused": listener.received.refused}


class _Listener(ConsoleMonitor):
    received: Received | None = None

    def report(self, what: Report) -> None:
        """Remember the tally, print the rest."""
        if isinstance(what, Interim) and isinstance(what.result, Received):
            self.received = what.result
        else:
            super().report(what)


def _password(options: Namespace) -> str:
    peer = next((each for each in load_settings().peers if each.name == options.name), None)
    return passphrase() if peer is not None and peer.user else ""
