"""Tables that are spreadsheets: .xlsx as a person sees them, .xls and .ods by their values."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from fineray.errors import FinerayError, nearest
from fineray.project.labels.table import Grid, LabelFileUnusable, letters, rows_in_words

MAX_CELLS = 5_000_000
DIGITS = 15  # that a spreadsheet keeps of a number (IEEE 754, and Excel's specification)
PADDED = re.compile(r'^(?:"([^"]*)")?(0+)(?:"([^"]*)")?$')
MERGED = "{:,} merged cells were read as if each of their rows held the value."
UNSEEN = "Whether rows or columns of it are hidden cannot be seen; .xlsx would tell."


def read_workbook(path: Path, sheet: str = "") -> Grid:
    """A sheet: that of this name, or else the first on show that has two rows and columns. Raises LabelFileUnusable."""
    return _read_xlsx(path, sheet) if path.suffix.lower() in (".xlsx", ".xlsm") else _read_others(path, sheet)


def sheet_names(path: Path) -> tuple[str, ...]:
    """The sheets of cells of a spreadsheet of any kind; none where it cannot be read."""
    from python_calamine import CalamineWorkbook, SheetTypeEnum

    try:
        with path.open("rb") as file:
            found = CalamineWorkbook.from_filelike(file).sheets_metadata
        return tuple(each.name for each in found if each.typ == SheetTypeEnum.WorkSheet)
    except BaseException as error:
        if not _damage(error):
            raise
        return ()


def _read_xlsx(path: Path, wanted: str) -> Grid:
    from openpyxl import load_workbook  # half a second to import; only who opens Excel files pays

    try:
        book = load_workbook(path, data_only=True)
        tables = [each.title for each in book.worksheets if min(each.max_row, each.max_column) > 1]
        secret = tuple(each.title for each in book.worksheets if each.sheet_state != "visible")
        names = tuple(each.title for each in book.worksheets)
        name = _chosen(names, wanted, [each for each in tables if each not in secret], path)
        uncalculated = _without_value(path, book[name])
    except FinerayError:
        raise
    except Exception as error:  # a damaged archive fails in zlib, zipfile, XML or openpyxl, each in its own way
        raise _unreadable(path) from error
    sheet = book[name]
    if sheet.max_row * sheet.max_column > MAX_CELLS:
        raise LabelFileUnusable("The sheet has too many cells", where=path.name, todo="Keep only the label columns.")
    rounded: set[tuple[int, int]] = set()
    cells: list[list[str]] = []
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells.append([_shown(cell.value, cell.number_format) for cell in row])
        rounded |= {(number, at) for at, cell in enumerate(row) if _is_long(cell.value)}
    merged = [(area.min_row, area.max_row, area.min_col, area.max_col) for area in sheet.merged_cells.ranges]
    for top, bottom, left, right in merged:
        for number in range(top - 1, bottom):
            for column in range(left - 1, right):
                cells[number][column] = cells[top - 1][left - 1]
    notes = [*_of_sheets(names, name, secret), *_of_cells(sheet, len(merged), uncalculated)]
    hidden = frozenset(number for number, each in sheet.row_dimensions.items() if each.hidden)
    return Grid(list(enumerate(cells, start=1)), tuple(notes), names, name, "", hidden, frozenset(rounded))


def _of_cells(sheet: Any, merged: int, uncalculated: list[tuple[int, int]]) -> Iterator[str]:
    if merged:
        yield MERGED.format(merged)
    unseen = [at for key, each in sheet.column_dimensions.items() if each.hidden for at in _span(key, each)]
    if unseen:
        yield f"{_count(len(unseen), 'hidden column')} ({', '.join(map(letters, unseen[:5]))}) can be chosen too."
    if uncalculated:
        columns = sorted({at for _, at in uncalculated})
        yield (
            f"{_count(len(uncalculated), 'formula')} without a value in column {', '.join(map(letters, columns))}"
            f" ({rows_in_words(row for row, _ in uncalculated)}): they were never calculated. Open the file in Excel"
            " and save it again."
        )


def _without_value(path: Path, sheet: Any) -> list[tuple[int, int]]:
    """(row number, column from 0) of formulas that no program has calculated."""
    from openpyxl import load_workbook

    with zipfile.ZipFile(path) as archive:
        sheets = [each for each in archive.namelist() if each.startswith("xl/worksheets/")]
        if not any(b"<f" in archive.read(each) for each in sheets):
            return []  # the second reading takes as long as the first
    written = load_workbook(path)[sheet.title]
    return [
        (cell.row, cell.column - 1)
        for row in written.iter_rows()
        for cell in row
        if cell.data_type == "f" and sheet.cell(cell.row, cell.column).value is None
    ]


def _span(key: str, dimension: Any) -> Iterator[int]:
    from openpyxl.utils import column_index_from_string

    first = dimension.min or column_index_from_string(key)
    yield from range(first - 1, min(dimension.max or first, first + 50))


def _read_others(path: Path, wanted: str) -> Grid:
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        with path.open("rb") as file:
            book = CalamineWorkbook.from_filelike(file)
            sheets = [each for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
            names = tuple(each.name for each in sheets)
            on_show = [each.name for each in sheets if each.visible == SheetVisibleEnum.Visible]
            tables = (each for each in on_show if _is_table(book.get_sheet_by_name(each)))
            name = _chosen(names, wanted, tables, path)
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height * sheet.total_width > MAX_CELLS:
                raise LabelFileUnusable(
                    "The sheet has too many cells", where=path.name, todo="Keep only the label columns."
                )
            values = sheet.to_python(skip_empty_area=False)
            merged = list(sheet.merged_cell_ranges or [])
    except BaseException as error:
        if not _damage(error):
            raise
        raise _unreadable(path) from error
    cells = [[_shown(value, "General") for value in row] for row in values]
    for (top, left), (bottom, right) in merged:
        for row in range(top, min(bottom + 1, len(cells))):
            for column in range(left, min(right + 1, len(cells[row]))):
                cells[row][column] = cells[top][left]
    secret = tuple(each.name for each in sheets if each.visible != SheetVisibleEnum.Visible)
    notes = [*_of_sheets(names, name, secret), UNSEEN]
    if merged:
        notes.append(MERGED.format(len(merged)))
    rounded = frozenset((n, at) for n, row in enumerate(values, 1) for at, value in enumerate(row) if _is_long(value))
    return Grid(list(enumerate(cells, start=1)), tuple(notes), names, name, "", frozenset(), rounded)


def _damage(error: BaseException) -> bool:
    """Whether calamine could not read a file: it is written in Rust, whose panics are no Exceptions."""
    if isinstance(error, Exception):
        return not isinstance(error, FinerayError)
    return type(error).__name__ == "PanicException"


def _is_table(sheet: Any) -> bool:
    return bool(min(sheet.total_height, sheet.total_width) > 1)


def _chosen(names: tuple[str, ...], wanted: str, tables: Iterable[str], path: Path) -> str:
    """The wanted sheet, or the first of those that hold a table, or the first of all."""
    if not names:
        raise LabelFileUnusable(
            "The file has no sheet of cells", where=path.name, todo="Save the table as CSV (UTF-8)."
        )
    if wanted and wanted not in names:
        raise LabelFileUnusable(f"There is no sheet “{wanted}”", where=path.name, todo=nearest(wanted, names, ""))
    return wanted or next(iter(tables), names[0])


def _of_sheets(names: tuple[str, ...], name: str, secret: tuple[str, ...]) -> list[str]:
    notes = []
    if len(names) > 1:
        which = "Only the first sheet" if name == names[0] else "Only the sheet"
        notes.append(f"{which}, “{name}”, was read; the file has {len(names)}.")
    if name in secret:
        notes.append(f"The sheet “{name}” is hidden.")
    others = [each for each in secret if each != name]
    if len(others) == 1:
        notes.append(f"A hidden sheet, “{others[0]}”, was not read.")
    elif others:
        notes.append(f"{len(others):,} hidden sheets were not read.")
    return notes


def _shown(value: Any, form: str) -> str:
    """A cell as a person reads it: 7.0 is 7, 101 under the number format 00000 is 00101, a day has no midnight."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time | timedelta):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and value >= 0 and (pattern := PADDED.match(form.split(";")[0])):
        return f"{pattern[1] or ''}{value:0{len(pattern[2])}d}{pattern[3] or ''}"
    return str(value).strip()


def _is_long(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 10**DIGITS


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _unreadable(path: Path) -> LabelFileUnusable:
    kind = "Excel file" if path.suffix.lower() != ".ods" else "spreadsheet"
    return LabelFileUnusable(
        f"The {kind} cannot be read", where=path.name, todo="Save it again as .xlsx or as CSV (UTF-8)."
    )
