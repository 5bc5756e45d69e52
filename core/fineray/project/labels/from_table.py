"""Labels from a table: its columns chosen or guessed, its rows matched with images, its cells read as labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fineray.project.label_sets import LabelSet, active_label_set, label_sets
from fineray.project.labels.beside import Beside, beside_of
from fineray.project.labels.cell_values import Values, read_classes, read_findings, rows_of
from fineray.project.labels.examples import matched_examples, unmatched_examples
from fineray.project.labels.guessing import (
    LABEL_COLUMN,
    Guess,
    besides_of,
    key_by_header,
    key_guesses,
    kind_by_header,
    label_columns,
    used_beside,
)
from fineray.project.labels.keys import KINDS, KeyKind, Keys
from fineray.project.labels.matching import Match, Matcher, several_sides, several_sites
from fineray.project.labels.origins import FromTable
from fineray.project.labels.outcome import (
    Conflict,
    Entry,
    LabelPreview,
    RuleCount,
    Sorted,
    TableReading,
    Target,
    preview_of,
    sorted_out,
    target_of,
)
from fineray.project.labels.table import LabelFileUnusable, Table, plain, rows_in_words
from fineray.project.labels.table_file import read_table
from fineray.project.project import Project

FINDINGS = "findings"  # the set that several findings of an image go to, unless another is named


@dataclass(frozen=True)
class _Columns:
    """What each column is for. guesses: what else might name the images; sure: whether an entry was found, or the
    header says so; besides: all columns with a side, view or date, used or not."""

    key: str
    kind: KeyKind
    labels: tuple[str, ...]
    beside: tuple[Beside, ...]
    besides: tuple[Beside, ...]
    guesses: tuple[Guess, ...]
    sure: bool


def preview_table(project: Project, path: Path, columns: Sequence[str] = (), into: str = "") -> LabelPreview:
    """The labels of a table in a file, with what is not given guessed. Raises LabelFileUnusable or LabelSetUnusable."""
    return preview_file(project, FromTable(path, tuple(columns), into))


def preview_file(project: Project, source: FromTable) -> LabelPreview:
    """Read a table's file and match its rows with the images. Raises LabelFileUnusable or LabelSetUnusable."""
    return preview_rows(project, read_table(source.path, source.sheet, source.encoding, source.hidden), source)


def preview_rows(project: Project, table: Table, source: FromTable) -> LabelPreview:
    """Match the rows of a table that is in memory already (fineray.project.labels.table.table_of).

    source: the choices, and in `path` the name that the table is told by; nothing is read from there. Raises
    LabelFileUnusable or LabelSetUnusable.
    """
    keys = Keys(project)
    columns = _columns(project, keys, table, source)
    target, values = _labels(project, table, source, columns.labels)
    matcher = Matcher(project, keys, table, columns.key, columns.kind, columns.beside)
    rules = frozenset(source.rules)
    matches = matcher.matches(rules)
    entries = [_entry(match, values, at) for at, match in enumerate(matches)]
    found = sorted_out(entries, source.several_rows == "join")
    found.conflicts.extend(Conflict("", "has more cells than the header has columns", row) for row in table.left_out)
    notes = (*table.notes, *values.notes, *_notes(project, columns, matches, found, table))
    reading = TableReading(
        rows=len(table.rows) + len(table.left_out),
        matched=len(found.matched),
        unmatched=len(found.unmatched),
        blank=len(found.blank),
        conflicting=len(found.conflicts) - len(table.left_out),
        left_out=len(table.left_out),
        hidden=len(table.hidden),
        missing=values.missing,
        several=found.several,
        lists=values.lists,
        key=columns.key,
        kind=columns.kind,
        labels=columns.labels,
        beside=tuple(each.column for each in columns.beside),
        besides=tuple((each.column, each.attribute) for each in columns.besides),
        columns=table.header,
        rules=tuple(
            RuleCount(rule, rule in rules, more)
            for rule, more in matcher.more(rules, matches, list(map(bool, values.values))).items()
        ),
        guesses=columns.guesses,
        sheet=table.sheet,
        sheets=table.sheets,
        encoding=table.encoding,
        matched_rows=matched_examples(found.matched, matches),
        unmatched_rows=unmatched_examples(found.unmatched, matcher, rules),
    )
    told = f"{source.path.name}, by {KINDS[columns.kind]}"
    if plain(columns.key) != plain(KINDS[columns.kind]):
        told += f" in “{columns.key}”"
    if columns.labels != (LABEL_COLUMN,):
        told += f", column {', '.join(columns.labels)}"
    used = {columns.key, *reading.beside}
    offered = tuple(name for name in table.header if name not in used and (name in columns.labels or not _names(name)))
    return preview_of(project, told, target, found, notes, offered, reading)


def _names(column: str) -> bool:
    """Whether a column is called like one that names images, and may not hold labels."""
    return kind_by_header(column) is not None


def _columns(project: Project, keys: Keys, table: Table, source: FromTable) -> _Columns:
    where = source.path.name
    labels = tuple(table.named(name, where) for name in source.columns)
    if len(table.header) < 2:
        raise LabelFileUnusable(
            f"The columns are {', '.join(table.header) or 'missing'}",
            where=where,
            todo="A table needs one column that names images and one that holds their labels.",
        )
    key, kind, guesses, sure = _key(keys, table, source, labels)
    if keys.find(kind, key).images:
        raise LabelFileUnusable(
            f"The first row, with “{key}”, is of an image: the table has no header",
            where=where,
            todo="Write the names of the columns above it.",
        )
    besides = besides_of(project, table, key, kind, labels)
    if source.beside is None:
        beside = used_beside(project, besides)
    else:
        beside = tuple(_chosen_beside(project, table, name, where) for name in source.beside)
        besides = (*beside, *(each for each in besides if each.column not in {one.column for one in beside}))
    if not labels:
        labels = label_columns(table, {key, *(each.column for each in besides)})
    if not labels:  # the side itself may be the question
        labels = label_columns(table, {key})
        beside = tuple(each for each in beside if each.column not in labels)
    if key in labels:
        raise LabelFileUnusable(
            f"“{key}” cannot be both the key and the label", where=where, todo="Choose another column for one of them."
        )
    return _Columns(key, kind, labels, beside, besides, guesses, sure)


def _key(
    keys: Keys, table: Table, source: FromTable, labels: Sequence[str]
) -> tuple[str, KeyKind, tuple[Guess, ...], bool]:
    where = source.path.name
    offered = [name for name in table.header if name not in labels]
    guesses = key_guesses(keys, table, offered)
    chosen = table.named(source.key, where) if source.key else ""
    fitting = [each for each in guesses if chosen in ("", each.column) and source.key_kind in ("", each.kind)]
    if chosen and source.key_kind:
        return chosen, source.key_kind, tuple(guesses), True
    if fitting:
        return fitting[0].column, fitting[0].kind, tuple(guesses), True
    if chosen:
        return chosen, kind_by_header(chosen) or _looks_like(table.cells(chosen)), tuple(guesses), True
    by_header = key_by_header(table, offered)
    if source.key_kind:
        named = next((name for name in offered if kind_by_header(name) == source.key_kind), None)
        return named or (by_header or (offered or table.header))[0], source.key_kind, tuple(guesses), named is not None
    if by_header is not None:
        return *by_header, tuple(guesses), True
    first = next(iter(offered), table.header[0])
    return first, _looks_like(table.cells(first)), tuple(guesses), False


def _looks_like(cells: Iterable[str]) -> KeyKind:
    """What entries without any image seem to be."""
    first = next((cell for cell in cells if cell), "")
    return "file" if "/" in first or "\\" in first or first.lower().endswith((".dcm", ".png", ".jpg")) else "patient_id"


def _chosen_beside(project: Project, table: Table, name: str, where: str) -> Beside:
    column = table.named(name, where)
    cells = table.cells(column)
    found = beside_of(project, column, cells) or next(
        (
            each
            for kind in ("laterality", "view_position", "study_date")
            if (each := beside_of(project, column, cells, kind))
        ),
        None,
    )
    if found is None:
        raise LabelFileUnusable(
            f"The column “{column}” states no side, view or date",
            where=where,
            todo="Choose a column that holds L and R, views such as PA, or days such as 2020-01-31.",
        )
    return found


def _labels(project: Project, table: Table, source: FromTable, columns: tuple[str, ...]) -> tuple[Target, Values]:
    keep = frozenset(source.keep)
    active = active_label_set(project)
    sets = {each.name: each for each in label_sets(project)}
    if len(columns) > 1:
        target = target_of(project, source.into or FINDINGS, multilabel=True)
        return target, read_findings(
            {name: table.cells(name) for name in columns},
            keep,
            sets[target.name].classes if target.name in sets else (),
        )
    (column,) = columns
    name = source.into or (active.name if plain(column) == LABEL_COLUMN else _set_called(column, sets))
    chosen = sets.get(name)
    values = read_classes(table.cells(column), keep, chosen.classes if chosen else (), chosen.kind if chosen else None)
    several = values.kind == "multi" or source.several_rows == "join"
    if several and not source.into and chosen is not None and chosen.kind == "single":
        name = FINDINGS
    target = target_of(project, name, multilabel=several)
    if target.kind == "multi" and values.kind == "single":
        values = read_classes(table.cells(column), keep, chosen.classes if chosen else (), "multi")
    return target, values


def _set_called(column: str, sets: dict[str, LabelSet]) -> str:
    """The set that is called like the column, whatever its case, or the column's own name."""
    return next((name for name in sets if name.casefold() == column.casefold()), column)


def _entry(match: Match, values: Values, at: int) -> Entry:
    problem = values.problems.get(at, "")
    if problem:
        return Entry(match.entry, "?", (), problem, match.line)
    if not match.entry and values.values[at]:
        return Entry(match.entry, values.values[at], (), "names no image: the key is empty", match.line)
    problem = match.problem if values.values[at] else ""
    return Entry(match.entry, values.values[at], match.images, problem, match.line)


def _notes(project: Project, columns: _Columns, matches: Sequence[Match], found: Sorted, table: Table) -> Iterable[str]:
    labelled = {each.row for each in found.matched}
    matched = [each for each in matches if each.line in labelled]
    if not table.rows:
        yield "The table has no rows below its header."
    if not columns.sure:
        yield (
            f"No column names images of this project; “{columns.key}” was taken for a {KINDS[columns.kind]}. Choose"
            " another if that is wrong."
        )
    if table.hidden and (hidden := labelled & table.hidden):
        yield f"{len(hidden):,} of the labelled rows are hidden in the spreadsheet."
    if found.blank:
        yield f"{rows_of(len(found.blank))} without a label: {rows_in_words(each.row for each in found.blank)}."
    yield from _of_sides(project, columns, matched)
    days = [each for each in columns.besides if each.attribute == "study_date"]
    if days and not any(each in columns.beside for each in days):
        yield f"The days in “{days[0].column}” are not used; most are no days of studies of this project."
    sites = several_sites(project, matched) if columns.kind == "patient_id" else []
    if sites:
        yield (
            f"The patient IDs of {rows_in_words(sites)} stand for images of several institutions, perhaps for several"
            " persons: the label goes to all of them."
        )
    if columns.kind == "accession_number" and not matched and not _accessions(project):
        yield "The project knows no accession number: import the folders again, and they are read."
    if columns.kind == "patient_id":
        long = [text for text in table.cells(columns.key) if text.isdigit() and len(text) > 15]
        if len(long) > 2 and all(not text[15:].strip("0") for text in long):
            yield f"{len(long):,} IDs have more than 15 digits and end in zeros: a spreadsheet may have cut them."


def _accessions(project: Project) -> bool:
    return project.db.execute("SELECT 1 FROM image WHERE accession_hash <> '' LIMIT 1").fetchone() is not None


def _of_sides(project: Project, columns: _Columns, matched: Sequence[Match]) -> Iterable[str]:
    """Rows whose label goes to both sides, though they, or the images, tell the sides apart."""
    if any(each.attribute == "laterality" for each in columns.beside):
        return
    both = several_sides(project, matched, columns.kind)
    ignored = next((each for each in columns.besides if each.attribute == "laterality"), None)
    if both and ignored is not None:
        yield (
            f"The side in “{ignored.column}” is not used: {rows_in_words(both)} label images of both sides. Use it"
            " beside the key, or the labels of one side stand on the other."
        )
    elif both:
        yield f"Each of {rows_in_words(both)} labels images of both sides of a patient."
