"""Where the bytes of a file are: in a folder, or in a ZIP archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


def shown(name: str) -> str:
    """A name of a file for people. Old discs and shares hold names that are no UTF-8; Python keeps their bytes as
    surrogates, which no file and no window can take: each becomes a replacement character."""
    return "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in name)


@dataclass(frozen=True, order=True)
class FileLocation:
    """A file, or the member of an archive. member: its name inside the archive at `path`, empty for a plain file."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @property
    def shown(self) -> str:
        """Its place as text that can be shown and written anywhere."""
        return shown(str(self))

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its path; an archive counts as a folder."""
        return Path(str(self)).parts
