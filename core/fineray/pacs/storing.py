"""Objects from the network into files: whole or not at all, under names that lead nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

from pynetdicom import evt

from fineray.errors import FinerayError
from fineray.system.output_file import whole_file

_UID = re.compile(r"[0-9.]{1,64}")
OUT_OF_RESOURCES, CANNOT_UNDERSTAND, SUCCESS = 0xA700, 0xC000, 0x0000  # PS3.4 B.2.3


def store(event: evt.Event, folder: Path) -> int:
    """Write the object of a C-STORE as it came, undecoded; the status to answer with."""
    try:
        content = event.encoded_dataset()
        uid = str(event.request.AffectedSOPInstanceUID or "")  # type: ignore[union-attr]
    except (AttributeError, ValueError, TypeError):
        return CANNOT_UNDERSTAND
    return store_bytes(content, uid, folder)


def store_bytes(content: bytes, uid: str, folder: Path) -> int:
    """The same for the bytes of a DICOM file."""
    if not _UID.fullmatch(uid) or content[128:132] != b"DICM":
        return CANNOT_UNDERSTAND
    try:
        with whole_file(folder / f"{uid}.dcm") as partial:
            partial.write_bytes(content)
    except (OSError, FinerayError):
        return OUT_OF_RESOURCES
    return SUCCESS
