"""What a run says of new images, as a table model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from fineray.dicom.location import shown
from fineray.prediction.results import FolderPredictions
from fineray_desktop.models.sorted_model import SortedModel


class FolderPredictionsModel(SortedModel):
    """File, what it counts as, the score of that, and why to be careful."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(("File", "Counts as", "Score", "Be careful"), parent)
        self._table: FolderPredictions | None = None
        self._flagged = False

    def show_table(self, table: FolderPredictions | None) -> None:
        """Show these rows instead."""
        self._table = table
        self.reload(len(table.rows) if table is not None else 0)

    def show_only(self, flagged: bool) -> None:
        """Only rows with a flag, or all."""
        self._flagged = flagged
        self.reload(self.total)

    def cell(self, row: int, column: int) -> str:
        assert self._table is not None
        each = self._table.rows[row]
        match column:
            case 0:
                return shown(each.file)
            case 1:
                return each.predicted or ("not scored" if not each.probabilities else "no answer")
            case 2:
                return f"{max(each.probabilities):.3f}" if each.probabilities else ""
            case _:
                return each.flag

    def sort_key(self, column: int) -> NDArray[np.generic]:
        assert self._table is not None
        if column == 2:
            return np.array([max(each.probabilities, default=-1.0) for each in self._table.rows])
        return np.array([self.cell(row, column).casefold() for row in range(len(self._table.rows))])

    def accepts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        if self._table is None or not self._flagged:
            return np.ones(len(rows), dtype=bool)
        return np.array([bool(self._table.rows[row].flag) for row in rows.tolist()], dtype=bool)
