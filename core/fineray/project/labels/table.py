"""A table in memory: a header that names each column once, rows of text, and what was seen on the way."""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fineray.errors import FinerayError, nearest

TITLE_ROWS = 20  # above a header there are no more
LOOKED_AT = 50  # rows that say how wide a table is
# A header that two of these stand in is the header, however wide the rows above it are.
TELLING = (
    *("patientid", "sopinstanceuid", "studyinstanceuid", "seriesinstanceuid", "accessionnumber", "filename", "file"),
    *("patient", "path", "image", "label", "class", "diagnosis", "laterality", "side", "view", "birads", "age", "sex"),
)


class LabelFileUnusable(FinerayError):
    """The label file cannot be read, or lacks the columns it needs."""


@dataclass(frozen=True)
class Grid:
    """Cells as they were read. lines: the number that a spreadsheet shows beside each row, and its cells as text;
    hidden: numbers of rows that it does not show; rounded: (row number, column from 0) of numbers that it cut to 15
    digits; sheets, sheet: what can be chosen and what was; notes: what was done to read them, in words."""

    lines: list[tuple[int, list[str]]]
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    encoding: str = ""
    hidden: frozenset[int] = frozenset()
    rounded: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Table:
    """What labels are read from.

    header: names as written, each once; rows: by column name, without blanks at the ends; lines: each row's number in
    its spreadsheet; hidden: of these, the rows that it does not show; rounded: (row number, column) of numbers that a
    spreadsheet cut to 15 digits; left_out: numbers of rows that have more cells than the header; the rest as in Grid.
    """

    header: tuple[str, ...]
    rows: list[dict[str, str]]
    lines: list[int]
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    encoding: str = ""
    hidden: frozenset[int] = frozenset()
    rounded: frozenset[tuple[int, str]] = frozenset()
    left_out: tuple[int, ...] = ()
    _by_plain: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)

    def column(self, name: str) -> str | None:
        """The column of that name; else the one that differs in case, blanks and signs alone."""
        if name in self.header:
            return name
        if not self._by_plain:
            for each in self.header:
                self._by_plain.setdefault(plain(each), []).append(each)
        alike = self._by_plain.get(plain(name), [])
        return alike[0] if len(alike) == 1 else None

    def named(self, name: str, where: str) -> str:
        """The same. Raises LabelFileUnusable where there is none."""
        found = self.column(name)
        if found is None:
            todo = nearest(name, self.header, "The first row must name its columns.")
            raise LabelFileUnusable(f"The table has no column “{name}”", where=where, todo=todo)
        return found

    def cells(self, column: str) -> list[str]:
        """The column from top to bottom."""
        return [row[column] for row in self.rows]


def plain(name: str) -> str:
    """A column's name without case, blanks and signs."""
    return re.sub(r"[\W_]+", "", name.casefold()) or name.strip().casefold()


def table_of(header: Sequence[str], rows: Iterable[Mapping[str, str] | Sequence[str]], where: str = "") -> Table:
    """A table that is in memory already. rows: by column name, or in the order of the header; numbered from 2, as below
    a header in a spreadsheet. Raises LabelFileUnusable where two columns have one name."""
    listed = [[row.get(name, "") for name in header] if isinstance(row, Mapping) else list(row) for row in rows]
    lines = list(enumerate([list(header), *listed], start=1))
    return _below(Grid(lines), 0, where)


def table_in(grid: Grid, where: str, hidden: bool = True) -> Table:
    """The table in a grid: title rows above the header and empty rows are passed over.

    hidden: whether rows that the spreadsheet does not show are read too. Raises LabelFileUnusable where two columns
    have one name.
    """
    filled = [(number, cells) for number, cells in grid.lines if any(cells)]
    start = _header_at([cells for _, cells in filled])
    kept = [each for at, each in enumerate(filled) if at <= start or hidden or each[0] not in grid.hidden]
    notes = list(grid.notes)
    if start:
        number = filled[start][0]
        above = "The row" if start == 1 else f"The {start} rows"
        notes.append(
            f"The header was found in row {number}. {above} above it {'was' if start == 1 else 'were'} not read."
        )
    unseen = sum(number in grid.hidden for number, _ in filled[start + 1 :])
    if unseen:
        told = f"{rows_in_words(number for number, _ in filled[start + 1 :] if number in grid.hidden)}"
        read = "read all the same" if hidden else "left out"
        notes.append(f"{unseen:,} hidden or filtered row{'s' * (unseen != 1)} ({told}) {_were(unseen)} {read}.")
    return _below(
        Grid(kept, tuple(notes), grid.sheets, grid.sheet, grid.encoding, grid.hidden, grid.rounded), start, where
    )


def _below(grid: Grid, start: int, where: str) -> Table:
    names = [cell.strip() for cell in grid.lines[start][1]] if grid.lines else []
    body = [(number, [cell.strip() for cell in cells]) for number, cells in grid.lines[start + 1 :]]
    header = _named(names, body)
    _refuse_twins(header, where)
    wide = [number for number, cells in body if any(cells[len(header) :])]
    notes = list(grid.notes)
    if wide:
        notes.append(f"More cells than the header has columns: {rows_in_words(wide)}, left out.")
    whole = [(number, cells) for number, cells in body if not any(cells[len(header) :])]
    used = [(at, name) for at, name in enumerate(header) if name]
    rows = [{name: cells[at] if at < len(cells) else "" for at, name in used} for _, cells in whole]
    named = dict(used)
    return Table(
        header=tuple(name for _, name in used),
        rows=rows,
        lines=[number for number, _ in whole],
        notes=tuple(notes),
        sheets=grid.sheets,
        sheet=grid.sheet,
        encoding=grid.encoding,
        hidden=grid.hidden & {number for number, _ in whole},
        rounded=frozenset((number, named[at]) for number, at in grid.rounded if at in named),
        left_out=tuple(wide),
    )


def _header_at(rows: list[list[str]]) -> int:
    """Where the header is: the first row about as wide as those below it, or one with a telling name."""
    for at, cells in enumerate(rows[:TITLE_ROWS]):
        if sum(plain(cell) in TELLING for cell in cells if cell) > 1:
            return at
    for at, cells in enumerate(rows[:TITLE_ROWS]):
        below = [sum(map(bool, each)) for each in rows[at + 1 : at + 1 + LOOKED_AT]]
        wide = sum(map(bool, cells))
        if below and wide >= 0.6 * statistics.median(below) and (wide > 1 or max(below) == 1):
            return at
    return 0


def _named(names: list[str], body: list[tuple[int, list[str]]]) -> list[str]:
    """Names for all columns; one without a name that holds something is named by its place."""
    while names and not names[-1]:
        names = names[:-1]
    filled = {at for _, cells in body for at, cell in enumerate(cells) if cell} if "" in names else set()
    return [name or (f"column {letters(at)}" if at in filled else "") for at, name in enumerate(names)]


def _refuse_twins(header: list[str], where: str) -> None:
    places: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(header):
        if name:
            places["".join(name.casefold().split())].append(at)
    twins = [at for at in places.values() if len(at) > 1]
    if twins:
        told = "; ".join(
            f"“{header[at[0]]}” (columns {', '.join(letters(each) for each in at[:-1])} and {letters(at[-1])})"
            for at in twins[:3]
        )
        raise LabelFileUnusable(
            f"Several columns have one name: {told}",
            where=where,
            todo="Give each column a name of its own, or take away those that do not count.",
        )


def letters(at: int) -> str:
    """The letters that a spreadsheet shows above a column, which is counted from 0."""
    found = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        found = chr(65 + rest) + found
    return found


def rows_in_words(numbers: Iterable[int], most: int = 5) -> str:
    """`rows 2 to 4, 9 and 12`, with no more than `most` stretches told."""
    stretches: list[list[int]] = []
    for number in sorted(set(numbers)):
        if stretches and number == stretches[-1][1] + 1:
            stretches[-1][1] = number
        else:
            stretches.append([number, number])
    stretches = [part for a, b in stretches for part in ([[a, b]] if b != a + 1 else [[a, a], [b, b]])]
    told = [str(a) if a == b else f"{a} to {b}" for a, b in stretches[:most]]
    rest = sum(b - a + 1 for a, b in stretches[most:])
    if rest:
        told.append(f"{rest:,} more")
    text = " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
    return f"row {text}" if len(stretches) == 1 and stretches[0][0] == stretches[0][1] else f"rows {text}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
