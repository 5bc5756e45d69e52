"""Where the bytes of a file are: in a folder, or in a ZIP archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class FileLocation:
    """A file, or the member of an archive. member: its name inside the archive at `path`, empty for a plain file."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its path; an archive counts as a folder."""
        return Path(str(self)).parts
