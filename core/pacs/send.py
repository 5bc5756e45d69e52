"""Sending results to an archive: C-STORE (PS3.4 B) or STOW-RS (PS3.18 10.5)."""

from __future__ import annotations

from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pynetdicom.presentation import build_context

from core.errors import FinerayError
from core.pacs.association import associated, entity, lost, refused
from core.pacs.settings import PacsSettings, Peer
from core.pacs.web import asked, client
from core.progress import Monitor, Progress

STAGE = "Sending to the archive"
MAKER = "Fineray"


class NothingToSend(FinerayError):
    """A folder holds no results of Fineray."""


def send_results(settings: PacsSettings, peer: Peer, folder: Path, monitor: Monitor, password: str = "") -> int:
    """Send the DICOM objects that Fineray made below a folder; how many were stored. Nothing else is ever sent.

    Raises PacsOff, NothingToSend, PeerFailed, Cancelled.
    """
    settings.check_enabled()
    files = [path for path in sorted(folder.rglob("*.dcm")) if _ours(path)]
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
    ae.requested_contexts = [build_context(*pair) for pair in sorted({_kind(dcmread(path)) for path in files})]
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


def _ours(path: Path) -> bool:
    try:
        return str(dcmread(path, specific_tags=["Manufacturer"], stop_before_pixels=True).get("Manufacturer")) == MAKER
    except (InvalidDicomError, OSError):
        return False


def _kind(ds: Dataset) -> tuple[str, str]:
    return str(ds.SOPClassUID), str(ds.file_meta.TransferSyntaxUID)
