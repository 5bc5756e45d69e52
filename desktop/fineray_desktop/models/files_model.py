"""The files that imports have seen, as a table model."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSaveFile

from fineray.project.catalogue import FileRow
from fineray_desktop.models.sorted_model import SortedModel

COLUMNS = ("File", "Result", "Reason", "What to do")


class FilesModel(SortedModel):
    """Columns: file, result, reason, what to do."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, parent)
        self._rows: list[FileRow] = []
        self._status, self._text = "", ""

    def set_rows(self, rows: list[FileRow]) -> None:
        """Show these files instead."""
        self._rows = list(rows)
        self.reload(len(self._rows))

    def append(self, rows: list[FileRow]) -> None:
        """Show these files too."""
        self._rows += rows
        self.extend(len(self._rows))

    def show_only(self, status: str, text: str) -> None:
        """Keep files that ended as `status` (any if empty) and hold `text` in path, reason or advice."""
        self._status, self._text = status, text.strip().casefold()
        self.reload(len(self._rows))

    def counts(self) -> dict[str, int]:
        """Files by result."""
        found = Counter(row.status for row in self._rows)
        return {status: found[status] for status in ("imported", "skipped", "failed")}

    def save(self, path: Path) -> None:
        """Write all rows as CSV, whole or not at all. Raises OSError."""
        text = io.StringIO(newline="")
        table = csv.writer(text)
        table.writerow([name.lower() for name in COLUMNS])
        table.writerows(_cells(row) for row in self._rows)
        file = QSaveFile(str(path))
        if not file.open(QSaveFile.OpenModeFlag.WriteOnly):
            raise OSError(file.errorString())
        file.write(text.getvalue().encode())
        if not file.commit():
            raise OSError(file.errorString())

    def cell(self, row: int, column: int) -> str:
        return _cells(self._rows[row])[column]

    def sort_key(self, column: int) -> NDArray[np.generic]:
        return np.array([_cells(row)[column] for row in self._rows], dtype=object)

    def accepts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.array([self._accepts(self._rows[row]) for row in rows], dtype=bool)

    def _accepts(self, row: FileRow) -> bool:
        if self._status and row.status != self._status:
            return False
        return (
            not self._text
            or self._text in f"{row.location.shown if row.location else None}\n{row.reason}\n{row.todo}".casefold()
        )


def _cells(row: FileRow) -> tuple[str, str, str, str]:
    return (row.location.shown if row.location else "(not known on this computer)", row.status, row.reason, row.todo)
