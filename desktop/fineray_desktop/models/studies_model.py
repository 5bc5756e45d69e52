"""Studies of an archive as a table model. What it shows is shown and never kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from fineray.pacs.results import StudyFound
from fineray_desktop.models.sorted_model import SortedModel


class StudiesModel(SortedModel):
    """Date, patient ID, modality, images, description."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(("Date", "Patient ID", "Modality", "Images", "Description"), parent)
        self._studies: tuple[StudyFound, ...] = ()

    def show_studies(self, studies: tuple[StudyFound, ...]) -> None:
        """Show these instead."""
        self._studies = studies
        self.reload(len(studies))

    def study(self, row: int) -> StudyFound:
        """The study on a row as it is shown."""
        return self._studies[int(self.shown[row])]

    def cell(self, row: int, column: int) -> str:
        each = self._studies[row]
        match column:
            case 0:
                return f"{each.date[:4]}-{each.date[4:6]}-{each.date[6:]}" if len(each.date) == 8 else each.date
            case 1:
                return each.patient_id
            case 2:
                return each.modalities
            case 3:
                return "" if each.images is None else str(each.images)
            case _:
                return each.description

    def sort_key(self, column: int) -> NDArray[np.generic]:
        if column == 3:
            return np.array([-1 if each.images is None else each.images for each in self._studies])
        return np.array([self.cell(row, column).casefold() for row in range(len(self._studies))])

    def accepts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.ones(len(rows), dtype=bool)
