"""What archives answer; plain data, for the window too. It names patients: it is shown and never kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Criteria:
    """What studies to look for; empty means any. from_date, to_date: YYYYMMDD, both included; modality: CR, DX, ...;
    patient_id and description may hold * and ? as wildcards."""

    patient_id: str = ""
    from_date: str = ""
    to_date: str = ""
    modality: str = ""
    description: str = ""


@dataclass(frozen=True)
class StudyFound:
    """A study in an archive. date: YYYYMMDD; images: how many objects it holds, or None where it does not say."""

    uid: str
    patient_id: str
    date: str
    description: str
    modalities: str
    images: int | None


@dataclass(frozen=True)
class Fetched:
    """received: files written; failed: objects that the archive could not send, or that were no DICOM objects."""

    folder: str
    received: int
    failed: int


@dataclass(frozen=True)
class Received:
    """What the receiver has taken until now, and how many associations and objects it refused."""

    files: int
    refused: int
    last: str
