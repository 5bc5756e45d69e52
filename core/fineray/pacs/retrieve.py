"""Fetching studies into a folder: C-GET, or C-MOVE where an archive offers no C-GET (PS3.4 C.4), or WADO-RS."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydicom import Dataset, dcmwrite
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation

from fineray.errors import DiskFull
from fineray.pacs.association import (
    GET,
    IMAGES,
    MOVE,
    PENDING,
    PeerFailed,
    associated,
    entity,
    image_contexts,
    lost,
    refused,
)
from fineray.pacs.results import Fetched
from fineray.pacs.settings import PacsSettings, Peer
from fineray.pacs.storing import (
    OUT_OF_RESOURCES,
    SUCCESS,
    store,
    store_bytes,
)
from fineray.pacs.web import asked, client
from fineray.progress import SILENT, Monitor, Progress

Answers = Iterator[tuple[Dataset, Dataset | None]]  # (status, identifier) of each response
STAGE = "Fetching from the archive"
WARNING = 0xB000


def fetch_studies(
    settings: PacsSettings,
    peer: Peer,
    studies: Sequence[str],
    folder: Path,
    password: str = "",
    monitor: Monitor = SILENT,
) -> Fetched:
    """Write the images of studies (UIDs) into a folder, `<SOP Instance UID>.dcm` each; they hold identity, as in the
    archive. What was fetched stays if the rest fails. Raises PacsOff, PeerFailed, DiskFull, Cancelled."""
    settings.check_enabled()
    folder.mkdir(parents=True, exist_ok=True)
    tally = _Tally(folder, monitor)
    if peer.protocol == "dicomweb":
        for study in studies:
            _by_web(peer, study, tally, password)
    else:
        _by_association(settings, peer, studies, tally)
    return Fetched(str(folder), tally.received, tally.failed)


class _Tally:
    """What has come, told to the monitor."""

    def __init__(self, folder: Path, monitor: Monitor) -> None:
        self.folder, self.monitor = folder, monitor
        self.received = self.failed = 0
        self.full = False
        self.tell()

    def stored(self, status: int) -> int:
        """Count an object by the status that it was answered with."""
        self.received += status == SUCCESS
        self.failed += status != SUCCESS
        self.full |= status == OUT_OF_RESOURCES
        return status

    def tell(self) -> None:
        """Report, and stop where the user or the disk wants it."""
        self.monitor.report(Progress(STAGE, self.received, 0, "images"))
        self.monitor.check()
        if self.full:
            raise DiskFull(
                "There is no room left for the images, or the folder cannot be written",
                where=str(self.folder),
                todo="Free some space and fetch again; what came before is kept.",
            )


def _by_association(settings: PacsSettings, peer: Peer, studies: Sequence[str], tally: _Tally) -> None:
    ae = entity(settings)
    ae.add_requested_context(GET)
    ae.add_requested_context(MOVE)
    for context in image_contexts():
        assert context.abstract_syntax is not None
        ae.add_requested_context(context.abstract_syntax, context.transfer_syntax)
    handlers = [(evt.EVT_C_STORE, lambda event: tally.stored(store(event, tally.folder)))]
    with associated(ae, peer, handlers, [_as_receiver(image) for image in IMAGES]) as association:
        offered = {str(context.abstract_syntax) for context in association.accepted_contexts}
        if GET in offered:
            for study in studies:
                _follow(association.send_c_get, peer, study, tally, GET)
        elif MOVE in offered:
            _by_move(ae, association, settings, peer, studies, tally)
        else:
            raise PeerFailed(
                f"{peer.name} lets nothing be fetched", where=f"{peer.host}:{peer.port}", todo="Ask its administrator."
            )


def _by_move(
    _ae: AE, association: Association, settings: PacsSettings, peer: Peer, studies: Sequence[str], tally: _Tally
) -> None:
    """The archive opens a second association to this workstation, which listens for as long as that takes."""
    from fineray.pacs.receiver import listening

    with listening(settings, (peer,), lambda event: tally.stored(store(event, tally.folder))):
        for study in studies:

            def send(wanted: Dataset, model: UID) -> Answers:
                return association.send_c_move(wanted, settings.ae_title, model)

            _follow(send, peer, study, tally, MOVE)


def _follow(send: Callable[[Dataset, UID], Answers], peer: Peer, study: str, tally: _Tally, model: UID) -> None:
    """Ask for a study and hear how its sending goes."""
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.StudyInstanceUID = study
    before = tally.failed
    for status, _ in send(wanted, model):
        if "Status" not in status:
            raise lost(peer)
        tally.tell()
        if status.Status in PENDING:
            continue
        if status.Status not in (SUCCESS, WARNING):
            raise refused(peer, status.Status, "does not send the study")
        unsent = int(status.get("NumberOfFailedSuboperations", 0) or 0)
        tally.failed += max(0, unsent - (tally.failed - before))  # those not refused here


def _as_receiver(image: str) -> SCP_SCU_RoleSelectionNegotiation:
    role = SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid = image
    role.scu_role, role.scp_role = False, True
    return role


def _by_web(peer: Peer, study: str, tally: _Tally, password: str) -> None:
    with asked(peer):
        coming = client(peer, password).iter_study(study, media_types=(("application/dicom", "*"),))
        for ds in coming:
            buffer = io.BytesIO()
            dcmwrite(buffer, ds, enforce_file_format=True)
            tally.stored(store_bytes(buffer.getvalue(), str(ds.SOPInstanceUID), tally.folder))
            tally.tell()
