"""Tables from files: CSV of every kind, lines of JSON, Excel and OpenDocument."""

from __future__ import annotations

import stat
from pathlib import Path

from fineray.project.labels.table import LabelFileUnusable, Table, table_in
from fineray.project.labels.text_table import read_text
from fineray.project.labels.workbook import read_workbook

MAX_BYTES = 512 * 1024**2
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", *SPREADSHEETS)

__all__ = ["SUFFIXES", "LabelFileUnusable", "Table", "read_table"]


def read_table(path: Path, sheet: str = "", encoding: str = "", hidden: bool = True) -> Table:
    """The table in a file: CSV, JSON lines, or a sheet of a spreadsheet by the suffix.

    sheet: the first unless named; encoding: of text, found out unless given; hidden: whether rows that the spreadsheet
    does not show are read. Raises LabelFileUnusable.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would keep us waiting for ever
            raise LabelFileUnusable("This is not a file", where=path.name, todo="Choose a file with a table.")
        if found.st_size > MAX_BYTES:
            raise LabelFileUnusable("The label file is too large", where=path.name, todo="Keep only the label columns.")
        if path.suffix.lower() in SPREADSHEETS:
            with path.open("rb"):
                pass  # to tell what may not be opened from what cannot be understood
            grid = read_workbook(path, sheet)
        else:
            grid = read_text(path, path.read_bytes(), encoding)
    except OSError as error:
        raise LabelFileUnusable(
            "The label file cannot be opened", where=str(path), todo="Check that it exists and that you may read it."
        ) from error
    return table_in(grid, path.name, hidden)
