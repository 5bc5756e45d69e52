"""Sending results to an archive: C-STORE (PS3.4 B) or STOW-RS (PS3.18 10.5)."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pynetdicom.presentation import build_context

from fineray.errors import FinerayError
from fineray.pacs.association import (
    associated,
    entity,
    lost,
    refused,
)
from fineray.pacs.settings import PacsSettings, Peer
from fineray.pacs.web import asked, client
from fineray.progress import SILENT, Monitor, Progress

STAGE = "Sending to the archive"
MAKER = "Fineray"


class NothingToSend(FinerayError):
    """A folder holds no results of Fineray."""


def send_results(
    settings: PacsSettings, peer: Peer, folder: Path, password: str = "", monitor: Monitor = SILENT
) -> int:
    """Send the DICOM objects that Fineray made below a folder; how many were stored. Nothing else is ever sent.

    Raises PacsOff, NothingToSend, PeerFailed, Cancelled.
    """
    settings.check_enabled()
    kinds = {path: kind for path in sorted(folder.rglob("*.dcm")) if (kind := _kind_of_ours(path)) is not None}
    files = list(kinds)
    if not files:
        raise NothingToSend(
            "The folder holds no results of Fineray", where=str(folder), todo="Choose the folder that they went into."
        )
    monitor.report(Progress(STAGE, 0, len(files), "objects"))
    if peer.protocol == "dicomweb":
        speaker = client(peer, password)
        for number, path in enumerate(files, start=1):
            with asked(peer):
                speaker.store_instances([dcmread(path)])
            _told(monitor, number, len(files))
        return len(files)
    ae = entity(settings)
    ae.requested_contexts = [build_context(*kind) for kind in sorted(set(kinds.values()))]
    with associated(ae, peer) as association:
        for number, path in enumerate(files, start=1):
            try:
                status = association.send_c_store(path)
            except (ValueError, RuntimeError) as error:  # no context for it, or gone
                raise (
                    lost(peer) if not association.is_established else refused(peer, 0x0122, "takes no such objects")
                ) from error
            if "Status" not in status:
                raise lost(peer)
            if status.Status != 0 and status.Status & 0xF000 != 0xB000:
                raise refused(peer, status.Status, "does not store the results")
            _told(monitor, number, len(files))
    return len(files)


def _told(monitor: Monitor, number: int, of: int) -> None:
    monitor.report(Progress(STAGE, number, of, "objects"))
    monitor.check()


def _kind_of_ours(path: Path) -> tuple[str, str] | None:
    """(SOP class, transfer syntax) of an object that Fineray made; None for any other file."""
    try:
        header = dcmread(path, specific_tags=["Manufacturer", "SOPClassUID"], stop_before_pixels=True)
    except (InvalidDicomError, OSError):
        return None
    ours = str(header.get("Manufacturer")) == MAKER
    return (str(header.SOPClassUID), str(header.file_meta.TransferSyntaxUID)) if ours else None
