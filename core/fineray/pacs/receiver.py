"""Taking images that archives send by themselves: a storage SCP (PS3.4 B) for known peers only."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pynetdicom import evt

from fineray.pacs.association import (
    VERIFICATION,
    PeerFailed,
    entity,
    image_contexts,
)
from fineray.pacs.results import Received
from fineray.pacs.settings import PacsSettings, Peer
from fineray.pacs.storing import SUCCESS, store
from fineray.progress import Interim, Monitor, Progress

STAGE = "Listening for images"
LOOK_EVERY_S = 0.2
CALLING_NOT_KNOWN = (0x01, 0x01, 0x03)  # rejected for good, by the user, calling AE title (PS3.8 9.3.4)


def receive(settings: PacsSettings, folder: Path, monitor: Monitor) -> None:
    """Take images from the known archives until it is cancelled (Cancelled); a Received is reported as an Interim
    whenever something has come. Raises PacsOff or PeerFailed."""
    settings.check_enabled()
    folder.mkdir(parents=True, exist_ok=True)
    files = refused = 0
    last = ""

    def take(event: evt.Event) -> int:
        nonlocal files, refused, last
        status = store(event, folder)
        files, refused = files + (status == SUCCESS), refused + (status != SUCCESS)
        last = str(event.assoc.requestor.ae_title)
        return status

    def turn_away() -> None:
        nonlocal refused
        refused += 1

    told = (-1, -1)
    with listening(settings, settings.peers, take, turn_away):
        while True:
            if (files, refused) != told:
                told = files, refused
                monitor.report(Interim(Received(files, refused, last)))
            monitor.report(Progress(STAGE, files, 0, "images"))
            monitor.check()
            time.sleep(LOOK_EVERY_S)


@contextmanager
def listening(
    settings: PacsSettings,
    peers: Sequence[Peer],
    take: Callable[[evt.Event], int],
    turn_away: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Listen on this workstation's port; an association is accepted only if a known archive's AE title calls from that
    archive's own address, and calls this workstation by its name. Raises PeerFailed where the port is taken."""
    known = {(peer.ae_title.strip(), address) for peer in peers for address in _addresses(peer.host)}
    ae = entity(settings)
    ae.require_called_aet = True
    for context in image_contexts():
        assert context.abstract_syntax is not None
        ae.add_supported_context(context.abstract_syntax, context.transfer_syntax, scu_role=True, scp_role=True)
    ae.add_supported_context(VERIFICATION)

    def look(event: evt.Event) -> None:
        caller = event.assoc.requestor
        title = caller.primitive.calling_ae_title if caller.primitive is not None else ""
        if (str(title).strip(), caller.address) not in known:
            turn_away()
            event.assoc.acse.send_reject(*CALLING_NOT_KNOWN)
            event.assoc.kill()

    handlers = [(evt.EVT_REQUESTED, look), (evt.EVT_C_STORE, take)]
    try:
        server = ae.start_server(("", settings.port), block=False, evt_handlers=handlers)  # type: ignore[arg-type]
    except OSError as error:
        raise PeerFailed(
            f"Port {settings.port} of this computer cannot be listened on",
            todo="Choose another one; another program may use it, and those below 1024 need an administrator.",
        ) from error
    try:
        yield
    finally:
        server.shutdown()  # type: ignore[union-attr]


def _addresses(host: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return set()
