"""Looking for studies: C-FIND (PS3.4 C.4.1) or QIDO-RS (PS3.18 10.6)."""

from __future__ import annotations

from typing import Any

from pydicom import Dataset

from fineray.pacs.association import (
    FIND,
    PENDING,
    associated,
    echo,
    entity,
    lost,
    refused,
)
from fineray.pacs.results import Criteria, StudyFound
from fineray.pacs.settings import PacsSettings, Peer
from fineray.pacs.web import asked, client
from fineray.progress import SILENT, Monitor, Progress

MOST = 1000  # studies of one answer
STAGE = "Asking the archive"


def find_studies(
    settings: PacsSettings, peer: Peer, criteria: Criteria, password: str = "", monitor: Monitor = SILENT
) -> tuple[StudyFound, ...]:
    """Studies that fit, the newest first, 1,000 at most. Raises PacsOff, PeerFailed, Cancelled."""
    settings.check_enabled()
    monitor.report(Progress(STAGE, 0, 0, "studies"))
    found = (
        _by_web(peer, criteria, password)
        if peer.protocol == "dicomweb"
        else _by_find(settings, peer, criteria, monitor)
    )
    return tuple(sorted(found, key=lambda each: (each.date, each.uid), reverse=True))


def answers(settings: PacsSettings, peer: Peer, password: str = "") -> None:
    """Whether an archive answers: C-ECHO, or a question for one study. Raises PacsOff or PeerFailed."""
    settings.check_enabled()
    if peer.protocol == "dicom":
        echo(settings, peer)
        return
    with asked(peer):
        client(peer, password).search_for_studies(limit=1)


def _by_find(settings: PacsSettings, peer: Peer, criteria: Criteria, monitor: Monitor) -> list[StudyFound]:
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.PatientID = criteria.patient_id
    wanted.StudyDate = _dates(criteria)
    wanted.ModalitiesInStudy = criteria.modality
    wanted.StudyDescription = criteria.description
    wanted.StudyInstanceUID = ""
    wanted.NumberOfStudyRelatedInstances = ""
    ae = entity(settings)
    ae.add_requested_context(FIND)
    found: list[StudyFound] = []
    with associated(ae, peer) as association:
        for status, identifier in association.send_c_find(wanted, FIND):
            if "Status" not in status:
                raise lost(peer)
            if status.Status in PENDING:
                if identifier is not None and len(found) < MOST:
                    found.append(_study(identifier))
                monitor.report(Progress(STAGE, len(found), 0, "studies"))
                monitor.check()
            elif status.Status != 0:
                raise refused(peer, status.Status, "does not answer the question")
    return found


def _by_web(peer: Peer, criteria: Criteria, password: str) -> list[StudyFound]:
    filters: dict[str, Any] = {
        "PatientID": criteria.patient_id,
        "StudyDate": _dates(criteria),
        "ModalitiesInStudy": criteria.modality,
        "StudyDescription": criteria.description,
    }
    fields = ["StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedInstances"]
    given = {name: value for name, value in filters.items() if value}
    with asked(peer):
        rows = client(peer, password).search_for_studies(search_filters=given, fields=fields, limit=MOST)
        return [_study(Dataset.from_json(row)) for row in rows]


def _study(told: Dataset) -> StudyFound:
    modalities = told.get("ModalitiesInStudy") or ""
    number = str(told.get("NumberOfStudyRelatedInstances") or "")
    return StudyFound(
        uid=str(told.get("StudyInstanceUID", "")),
        patient_id=str(told.get("PatientID", "")),
        date=str(told.get("StudyDate", "")),
        description=str(told.get("StudyDescription") or ""),
        modalities=modalities if isinstance(modalities, str) else ", ".join(map(str, modalities)),
        images=int(number) if number.isdecimal() else None,
    )


def _dates(criteria: Criteria) -> str:
    if not criteria.from_date and not criteria.to_date:
        return ""
    return f"{criteria.from_date}-{criteria.to_date}"
