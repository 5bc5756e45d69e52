"""Tables from spreadsheets: CSV of every kind, and Excel."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from fineray.errors import FinerayError

MAX_CELLS = 5_000_000


class LabelFileUnusable(FinerayError):
    """The label file cannot be read, or lacks the columns it needs."""


@dataclass(frozen=True)
class Table:
    """header: column names in small letters; rows: by column name; notes: what was done to read it, in words."""

    header: list[str]
    rows: list[dict[str, str]]
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> Table:
    """A CSV (comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252) or the first sheet of an Excel file (.xlsx).

    Raises LabelFileUnusable.
    """
    return _read_excel(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _read_csv(path)


def _read_excel(path: Path) -> Table:
    from openpyxl import load_workbook  # half a second to import; only who opens Excel files pays
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, data_only=True)
    except FileNotFoundError as error:
        raise _cannot_be_opened(path) from error
    except (InvalidFileException, zipfile.BadZipFile, OSError, KeyError, ValueError, TypeError) as error:
        raise LabelFileUnusable(
            "The Excel file cannot be read", where=path.name, todo="Save it again as .xlsx or as CSV (UTF-8)."
        ) from error
    sheet = book.worksheets[0]
    notes = []
    if len(book.worksheets) > 1:
        notes.append(f"Only the first sheet, “{sheet.title}”, was read.")
    if sheet.max_row * sheet.max_column > MAX_CELLS:
        raise LabelFileUnusable("The sheet has too many cells", where=path.name, todo="Keep only the label columns.")
    merged = [(area.min_row, area.max_row, area.min_col, area.max_col) for area in sheet.merged_cells.ranges]
    cells = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    for top, bottom, left, right in merged:
        for number in range(top - 1, bottom):
            for column in range(left - 1, right):
                cells[number][column] = cells[top - 1][left - 1]
    if merged:
        notes.append(f"{len(merged):,} merged cells were read as if each of their rows held the value.")
    filled = [row for row in cells if any(row)]
    header = [name.lower() for name in filled[0]] if filled else []
    return Table(header, [dict(zip(header, row, strict=True)) for row in filled[1:]], tuple(notes))


def _text(value: object) -> str:
    """A cell as a person reads it: 7.0 is 7."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _read_csv(path: Path) -> Table:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _cannot_be_opened(path) from error
    text = _decode(data, path)
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
    try:
        header = [name.strip().lower() for name in reader.fieldnames or []]
        reader.fieldnames = header
        return Table(header, list(reader))
    except csv.Error as error:
        raise LabelFileUnusable(
            f"The file is not a table ({error})", where=path.name, todo="Save it as CSV from your spreadsheet."
        ) from error


def _decode(data: bytes, path: Path) -> str:
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise LabelFileUnusable(
        "The label file is not text", where=path.name, todo="Save it as CSV (UTF-8) from your spreadsheet."
    )


def _cannot_be_opened(path: Path) -> LabelFileUnusable:
    return LabelFileUnusable(
        "The label file cannot be opened", where=str(path), todo="Check that it exists and that you may read it."
    )
