"""A decoder that dies like a segmentation fault on files that carry a mark."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from fineray.dicom.location import FileLocation
from fineray.project.files import decoding_pool
from fineray.project.files.preparation import Outcome, store_file

MARK = b"THIS FILE KILLS THE DECODER"
_prepare_here = decoding_pool._prepare_here


def mark(path: Path) -> None:
    """Append the mark to a file."""
    path.write_bytes(path.read_bytes() + MARK)


def prepare_or_die(locations: list[FileLocation]) -> list[Outcome]:
    """Like the pool's own function, until a marked file comes."""
    for location in locations:
        if location.path.read_bytes().endswith(MARK):
            os.kill(os.getpid(), signal.SIGKILL)
    return _prepare_here(locations)


def prepare_or_hang(locations: list[FileLocation]) -> list[Outcome]:
    """Like the pool's own function with a limit of a second, and a decoder that never returns from a marked file."""
    decoding_pool.SECONDS_A_FILE = 1
    decoding_pool.store_file = _prepare_or_hang
    return _prepare_here(locations)


def _prepare_or_hang(location: FileLocation, *rest: Any) -> Outcome:
    while location.path.read_bytes().endswith(MARK):
        pass
    return store_file(location, *rest)
