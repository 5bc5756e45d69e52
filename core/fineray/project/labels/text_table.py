"""Tables that are text: CSV of every kind, and lines of JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from fineray.project.labels.encodings import NAMES, encoding_of
from fineray.project.labels.table import Grid, LabelFileUnusable

DELIMITERS = ",;\t|"
SAMPLE = 50  # lines that the delimiter is judged by
SEP_LINE = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)
# What Excel makes of a long number when it writes CSV.
SHORTENED = re.compile(r"^[+-]?\d([.,]\d+)?E\+\d+$", re.IGNORECASE)


def read_text(path: Path, data: bytes, encoding: str = "") -> Grid:
    """CSV (comma, semicolon, tab or bar, whatever `sep=` says), or an object of JSON a line by its suffix.

    encoding: as Python calls it; found out unless given. Raises LabelFileUnusable.
    """
    text, used = _decode(path, data, encoding)
    lines = _json_lines(path, text) if path.suffix.lower() in (".jsonl", ".ndjson") else _csv_lines(path, text)
    notes = (f"Read as {NAMES.get(used, used)}.",) if used != "utf-8-sig" else ()
    shortened = {(line, at) for line, cells in lines for at, cell in enumerate(cells) if SHORTENED.match(cell.strip())}
    return Grid(lines, notes, encoding=used, rounded=frozenset(shortened))


def _decode(path: Path, data: bytes, encoding: str) -> tuple[str, str]:
    used = encoding or encoding_of(data) or ""
    try:
        text = data.decode(used, "strict") if used else "\0"
    except LookupError as error:
        raise LabelFileUnusable(
            f"There is no encoding “{encoding}”", where=path.name, todo="Say utf-8, utf-16, cp1252, cp949 or the like."
        ) from error
    except UnicodeDecodeError as error:
        if encoding:
            raise LabelFileUnusable(
                f"The file is not written in {encoding}", where=path.name, todo="Leave it out, or choose another."
            ) from error
        text = data.decode(used, "replace")  # cp1252 has five bytes without a meaning
    if "\0" in text:
        raise LabelFileUnusable(
            "The label file is not text", where=path.name, todo="Save it as CSV (UTF-8) from your spreadsheet."
        )
    return text.removeprefix("\ufeff"), used


def _csv_lines(path: Path, text: str) -> list[tuple[int, list[str]]]:
    first, _, rest = text.partition("\n")
    said = SEP_LINE.match(first.strip("\r"))
    body = rest if said else text
    delimiter = said[1] if said else _delimiter(body)
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter)
    try:
        return [(number, row) for number, row in enumerate(reader, start=2 if said else 1)]
    except csv.Error as error:
        raise LabelFileUnusable(
            f"The file is not a table ({error})", where=path.name, todo="Save it as CSV from your spreadsheet."
        ) from error


def _delimiter(text: str) -> str:
    """The one that makes most rows equally wide, more than one cell each; of equal ones the wider."""
    sample = "".join(io.StringIO(text, newline="").readlines()[:SAMPLE])

    def fits(delimiter: str) -> tuple[float, int]:
        try:
            widths = Counter(
                len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row
            )
        except csv.Error:
            return 0, 0
        counted = [(number / widths.total(), width) for width, number in widths.items() if width > 1]
        return max(counted, default=(0, 0))

    return max(DELIMITERS, key=fits)


def _json_lines(path: Path, text: str) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line, parse_int=str, parse_float=str)  # as written: an ID may have 20 digits
        except (ValueError, RecursionError) as error:
            raise LabelFileUnusable(
                f"Line {number} is not JSON", where=path.name, todo="Write an object a line."
            ) from error
        if not isinstance(entry, dict):
            raise LabelFileUnusable(f"Line {number} is no object", where=path.name, todo="Write an object a line.")
        found.append((number, entry))
    names = list(dict.fromkeys(name for _, entry in found for name in entry))
    return [(0, names), *((number, [_json_text(entry.get(name)) for name in names]) for number, entry in found)]


def _json_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
