"""A decoder that dies like a segmentation fault on files that carry a mark."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from core.project import decoding_pool
from core.project.preparation import Prepared, Rejected

MARK = b"THIS FILE KILLS THE DECODER"
_prepare_here = decoding_pool._prepare_here


def mark(path: Path) -> None:
    """Append the mark to a file."""
    path.write_bytes(path.read_bytes() + MARK)


def prepare_or_die(paths: list[Path]) -> list[Prepared | Rejected]:
    """Like the pool's own function, until a marked file comes."""
    for path in paths:
        if path.read_bytes().endswith(MARK):
            os.kill(os.getpid(), signal.SIGKILL)
    return _prepare_here(paths)
