"""What a published collection says of an image, whatever form it is published in."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from fineray.errors import FinerayError
from fineray.label_values import Kind, multi_value

Part = Literal["", "training", "validation", "test"]
PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "train_val", "trainval"), "training"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
PRESENT, ABSENT, DOUBTFUL = "1", "0", "-1"


class LayoutUnusable(FinerayError):
    """The folder is not laid out as said, or a table of it cannot be read."""


@dataclass(frozen=True)
class PublishedImage:
    """file: its path from the collection's folder on, or as much of its end as is published, without an ending where
    none is given; labels: label set -> value (fineray.label_values); patient, study: as published, empty where not;
    view, sex, laterality: defined terms of DICOM, or empty; age: in years."""

    file: str
    labels: dict[str, str]
    patient: str = ""
    part: Part = ""
    view: str = ""
    sex: str = ""
    laterality: str = ""
    age: float | None = None


@dataclass(frozen=True)
class Published:
    """What a collection's tables say. kinds: of each label set; notes: how they were read, a sentence each."""

    images: tuple[PublishedImage, ...]
    kinds: dict[str, Kind]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A way of publishing.

    name: for the command line; looks_like: whether a folder may be laid out so, by the names in it; read: what its
    tables say.
    """

    name: str
    title: str
    looks_like: Callable[[Listing], bool]
    read: Callable[[Listing], Published]


@dataclass(frozen=True)
class Listing:
    """The files below a folder. tables: those that may say something of pictures; images: those that may be ones."""

    root: Path
    tables: tuple[Path, ...]
    images: tuple[Path, ...] = field(repr=False)

    def table(self, *parts: str) -> Path | None:
        """The first table whose name holds all of these, in any case."""
        for path in self.tables:
            if all(part in path.name.lower() for part in parts):
                return path
        return None

    def inside(self, path: Path) -> tuple[str, ...]:
        """The parts of a path below the folder."""
        return path.relative_to(self.root).parts


TABLES = (".csv", ".gz", ".txt", ".json", ".xlsx", ".xls", ".tsv")
IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom")


def listing(root: Path) -> Listing:
    """Walk a folder, once. Raises LayoutUnusable where it is none."""
    if not root.is_dir():
        raise LayoutUnusable("The folder is not there", where=str(root), todo="Choose the folder of the collection.")
    tables, images = [], []
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in TABLES and path.is_file():
            tables.append(path)
        elif path.suffix.lower() in IMAGES:
            images.append(path)
    return Listing(root, tuple(tables), tuple(images))


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a published CSV (UTF-8, plain or gzipped), by column name as published."""
    with _opened(path) as raw:
        yield from csv.DictReader(io.TextIOWrapper(raw, "utf-8-sig", newline=""))


def columns_of(path: Path) -> list[str]:
    """The names of its columns."""
    with _opened(path) as raw:
        return next(csv.reader(io.TextIOWrapper(raw, "utf-8-sig", newline="")), [])


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        if path.suffix != ".gz":
            yield raw
            return
        with gzip.open(raw) as unpacked:
            yield unpacked  # type: ignore[misc]


def view_term(text: str) -> str:
    """A view as published, in DICOM's terms (PS3.16 CID 4010); empty where it says none of them."""
    word = text.strip().upper().replace("_", " ")
    if word in ("PA", "AP", "LL", "RL", "LATERAL", "CC", "MLO"):
        return word
    return {"L": "LATERAL", "LAT": "LATERAL", "AP HORIZONTAL": "AP", "AP SUPINE": "AP", "LLAT": "LL", "RLAT": "RL"}.get(
        word, ""
    )


def sex_term(text: str) -> str:
    """M, F or O."""
    first = text.strip().upper()[:1]
    return first if first in ("M", "F", "O") else ""


def years(text: str) -> float | None:
    """An age in years, written 58, 58.0 or 058Y; None where it is none or cannot be."""
    try:
        age = float(text.strip().upper().removesuffix("Y"))
    except ValueError:
        return None
    return age if 0 <= age <= 120 else None


def findings(marks: Iterable[tuple[str, str]]) -> str:
    """A multi-label value of columns that say 1, 0, -1 or nothing."""
    said = {name: text.strip().removesuffix(".0") for name, text in marks}
    return multi_value({name: text == PRESENT for name, text in said.items() if text in (PRESENT, DOUBTFUL)})
