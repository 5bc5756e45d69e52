"""What is asked of the worker process about archives. Each names an archive of the settings; passwords are not kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fineray.pacs.results import Criteria, Fetched, StudyFound


@dataclass(frozen=True)
class EchoArchive:
    """Whether an archive answers. Result: the archive's name."""

    archive: str
    password: str = ""


@dataclass(frozen=True)
class FindStudies:
    """Result: a tuple of StudyFound."""

    archive: str
    criteria: Criteria
    password: str = ""


@dataclass(frozen=True)
class FetchStudies:
    """Studies, by their UIDs, into a folder. Result: Fetched."""

    archive: str
    studies: tuple[str, ...]
    folder: Path
    password: str = ""


@dataclass(frozen=True)
class ReceiveImages:
    """Take what known archives send; only cancelling ends it. A Received as an Interim whenever something has come."""

    folder: Path


@dataclass(frozen=True)
class SendResults:
    """The DICOM objects that Fineray made below a folder. Result: how many were stored."""

    archive: str
    folder: Path
    password: str = ""


PacsRequest = EchoArchive | FindStudies | FetchStudies | ReceiveImages | SendResults
PacsResult = str | tuple[StudyFound, ...] | Fetched | None | int
