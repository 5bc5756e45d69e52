"""The images of the project as a table model with thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from fineray.project.catalogue import ImageRow, image_rows
from fineray.project.label_sets import label_set
from fineray.project.project import Project
from fineray.project.splits import latest_split
from fineray_desktop.models.thumbnails import Thumbnails
from fineray_desktop.models.thumbnails_model import ThumbnailsModel

IMAGE_COLUMNS = (
    *("Patient", "Label", "Second", "Part", "View", "Body part", "Modality"),
    *("Sex", "Age", "Size", "Bits", "Encoding", "Intent", "Warnings"),
)
CHANGING = ("Patient", "Label", "Second", "Part")  # columns that a person changes
Codes = tuple[dict[str, int], NDArray[np.int64]]


@dataclass
class ImageListing:
    """All images, ready to be shown. codes: column -> (a number for each text that occurs, the number of each row).

    Most columns hold few different texts: searching and sorting those is quick however many rows there are.
    """

    rows: list[ImageRow]
    images: NDArray[np.int64]
    codes: dict[int, Codes] = field(default_factory=dict)

    @staticmethod
    def of(project: Project, second: str = "", only: Sequence[int] | None = None) -> ImageListing:
        """Of the project's images (or some); `second` names a label set to show beside that in use."""
        split = latest_split(project)
        beside = label_set(project, second) if second else None
        rows = image_rows(project, split.id if split else None, beside, only)
        made = ImageListing(rows, np.array([row.id for row in rows], dtype=np.int64))
        if only is None:
            for column in range(1, len(IMAGE_COLUMNS) + 1):
                made.coded(column)
        return made

    def coded(self, column: int) -> Codes:
        """The codes of a column, worked out once."""
        if column not in self.codes:
            cell, numbers = _IMAGE_CELLS[column - 1], dict[str, int]()
            coded = [numbers.setdefault(cell(row), len(numbers)) for row in self.rows]
            self.codes[column] = numbers, np.array(coded, dtype=np.int64)
        return self.codes[column]

    def replace(self, place: int, row: ImageRow) -> None:
        """Put another row there."""
        self.rows[place] = row
        for name in CHANGING:
            column = IMAGE_COLUMNS.index(name) + 1
            if column in self.codes:
                numbers, coded = self.codes[column]
                coded[place] = numbers.setdefault(_IMAGE_CELLS[column - 1](row), len(numbers))

    def ranks(self, column: int) -> NDArray[np.int64]:
        """Where the text of each row stands among all texts of the column."""
        numbers, coded = self.coded(column)
        rank = np.empty(len(numbers), dtype=np.int64)
        rank[[numbers[text] for text in sorted(numbers)]] = np.arange(len(numbers))
        ranked: NDArray[np.int64] = rank[coded]
        return ranked


class ImagesModel(ThumbnailsModel):
    """Every image of the project with its label and part."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(IMAGE_COLUMNS, thumbnails, parent)
        self._listing = ImageListing([], self._images)
        self._text = ""
        self._wanted: NDArray[np.int64] | None = None

    def set_listing(self, listing: ImageListing) -> None:
        """Show these images instead."""
        self._listing = listing
        self.set_pictures(listing.images, lambda row: listing.rows[row].stored_at)
        self.reload(len(listing.rows))

    def texts(self, column: int) -> tuple[str, ...]:
        """The different texts of a column."""
        return tuple(self._listing.coded(column)[0]) if self._listing.rows else ()

    def clear(self) -> None:
        self._listing = ImageListing([], np.empty(0, dtype=np.int64))
        super().clear()

    def update_rows(self, changed: ImageListing) -> None:
        """Take these images as they are now; the others, and what is on show, stay."""
        now = {row.id: row for row in changed.rows}
        for number in self.numbers_of(list(now)).tolist():
            self._listing.replace(number, now[self._listing.rows[number].id])
        if len(self._shown):
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._shown) - 1, len(self.columns) - 1))

    def row(self, shown_row: int) -> ImageRow:
        """The image in a row on show."""
        return self._listing.rows[int(self._shown[shown_row])]

    def show_only(self, text: str, images: Sequence[int] | None = None) -> None:
        """Keep images that fit a search and, unless None, are among these ids.

        Each word of the search stands in some column; a word like view:pa in the column whose name starts so.
        """
        self._text = text.strip().casefold()
        self._wanted = None if images is None else np.array(images, dtype=np.int64)
        self.reload(self._total)

    def cell(self, row: int, column: int) -> str:
        return _IMAGE_CELLS[column - 1](self._listing.rows[row]) if column else ""

    def sort_key(self, column: int) -> NDArray[np.generic]:
        by_number = _SORTED_BY_NUMBER.get(self.columns[column])
        if by_number is not None:
            return np.array([by_number(row) for row in self._listing.rows])
        return self._listing.ranks(column) if column else np.zeros(self._total, dtype=np.int64)

    def accepts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        keep = np.ones(len(rows), dtype=bool)
        if self._wanted is not None:
            keep &= np.isin(self._images[rows], self._wanted)
        for word in self._text.split():
            start, colon, rest = word.partition(":")
            named = [n for n, name in enumerate(self.columns) if name and name.casefold().startswith(start)]
            columns, wanted = (named, rest) if colon and named else (range(1, len(self.columns)), word)
            found = np.zeros(len(rows), dtype=bool)
            for column in columns:
                numbers, codes = self._listing.coded(column)
                fits = np.array([wanted in text.casefold() for text in numbers], dtype=bool)
                found |= fits[codes[rows]]
            keep &= found
        return keep


def _age(row: ImageRow) -> str:
    if row.age_years is None:
        return ""
    return f"{row.age_years:.0f}" if row.age_years >= 2 else f"{row.age_years:.1f}"


def _part(row: ImageRow) -> str:
    if row.left_out:
        return "Left out"
    return "Sealed" if row.sealed else part_title(row.part)


_IMAGE_CELLS: tuple[Callable[[ImageRow], str], ...] = (
    lambda row: row.patient,
    lambda row: row.label,
    lambda row: row.other,
    _part,
    lambda row: row.view_position,
    lambda row: row.body_part,
    lambda row: row.modality,
    lambda row: row.sex,
    _age,
    lambda row: f"{row.columns} × {row.rows}",
    lambda row: str(row.bits_stored),
    lambda row: f"{row.transfer_syntax}, {row.photometric}",
    lambda row: row.presentation_intent.lower(),
    lambda row: row.warnings.replace("\n", ". "),
)
_SORTED_BY_NUMBER: dict[str, Callable[[ImageRow], float]] = {
    "Age": lambda row: -1.0 if row.age_years is None else row.age_years,
    "Size": lambda row: row.rows * row.columns,
    "Bits": lambda row: row.bits_stored,
}


def part_title(part: str) -> str:
    """A split's part as the window names it: Fold 1, Training, Validation, Test, Set aside."""
    if part == "aside":
        return "Set aside"
    return f"Fold {part}" if part.isdecimal() else part.capitalize()
