"""Kinds of files in the project, as a table model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from fineray.project.files.file_kinds import FileKind
from fineray_desktop.models.sorted_model import SortedModel

COLUMNS = ("Folder", "Images", "Encoding", "Polarity", "Bits", "Window from", "View", "Burned in", "Intent", "Warnings")


class FileKindsModel(SortedModel):
    """One row for images that are stored alike."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, parent)
        self._rows: list[FileKind] = []

    def set_rows(self, rows: list[FileKind]) -> None:
        """Show these kinds instead."""
        self._rows = rows
        self.reload(len(rows))

    def example(self, shown_row: int) -> int:
        """An image of the kind in a row on show."""
        return self._rows[int(self._shown[shown_row])].example

    def cell(self, row: int, column: int) -> str:
        return str(self._values(row)[column])

    def sort_key(self, column: int) -> NDArray[np.generic]:
        return np.array([self._values(row)[column] for row in range(len(self._rows))], dtype=object)

    def _values(self, row: int) -> tuple[str | int, ...]:
        kind = self._rows[row]
        origin = (kind.folder, kind.images, kind.transfer_syntax, kind.photometric, kind.bits_stored)
        stated = (kind.view_position, kind.burned_in, kind.presentation_intent.lower())
        return (*origin, kind.voi_source, *(each or "not stated" for each in stated), kind.warnings.replace("\n", ". "))
