"""What has to outlive a power cut: bytes first, then the name that makes them count, then the folder's entry.

A rename may reach the disk before the bytes of what it renames, and neither is safe before it was waited for
(POSIX fsync; T. S. Pillai et al., All file systems are not created equal, OSDI 2014).
"""

from __future__ import annotations

import os
from pathlib import Path


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries are on the disk; Windows keeps their order by itself and cannot be asked."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
