"""Files of records that only ever grow: one JSON object a line; a line that a power cut tore is passed over."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fineray.errors import storage_error
from fineray.system.durable import sync_file


def append_record(path: Path, record: Mapping[str, Any], *, sync: bool = True) -> None:
    """Write one more record. sync: wait until it is on the disk. Raises a storage error."""
    try:
        with path.open("a", encoding="utf-8") as file:
            # On a line of its own, also after one that a power cut tore.
            file.write("\n" + json.dumps(record) + "\n")
        if sync:
            sync_file(path)
    except OSError as error:
        raise storage_error(error) or error from error


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file, the first one first; none where it is not there."""
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
        except ValueError:  # empty, or torn
            continue
        if isinstance(record, dict):
            yield record
