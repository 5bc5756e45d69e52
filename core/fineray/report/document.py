"""What a report is made of, whatever it is written as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Heading:
    """level: 1 for a section, 2 within one."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of texts below the names of the columns. name: of its file."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Drawing:
    """A figure, drawn as vectors. name: of its file; alt: what it shows, for who cannot see it."""

    name: str
    title: str
    figure: Figure
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Pictures:
    """Images as PNG with a caption each."""

    title: str
    pictures: Sequence[tuple[bytes, str]]


Block = Heading | Paragraph | Table | Drawing | Pictures


@dataclass(frozen=True)
class Document:
    """subtitle: below the title; foot: stands on every page."""

    title: str
    subtitle: str
    foot: str
    blocks: list[Block] = field(default_factory=list)
