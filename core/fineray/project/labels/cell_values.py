"""What the cells of a label column say: classes, findings, nothing; and what was mended to read them so."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fineray.label_values import (
    NO_FINDING,
    UNCERTAIN,
    Kind,
    LabelSetUnusable,
    check_class,
    findings_of,
    multi_value,
)

Keep = Literal["missing", "spelling", "lists"]
# What may be left as it is written, and what happens to it otherwise.
KEEPS: dict[Keep, str] = {
    "missing": "marks such as #N/A, nan and unknown are no label",
    "spelling": "case, blanks, 1 and 1.0, TRUE and yes do not make classes",
    "lists": "lists in a cell are findings",
}
# How people, Excel, R and pandas write that there is no value. `none` is not among them: it is a grade of many scales.
MISSING = frozenset(
    (
        *("#n/a", "#na", "n/a", "n.a.", "na", "<na>", "nan", "-nan", "nat", "null", "nil", "k.a.", "blank", "(blank)"),
        *("unknown", "unbekannt", "inconnu", "desconocido", "missing", "not available", "not applicable", "not stated"),
        *("#value!", "#ref!", "#div/0!", "#name?", "#num!", "#null!", "?", "??", "-", "--", "–", "—", ".", "empty"),
    )
)
# What a cell of a finding's column says (CheXpert writes 1, 0 and -1); an empty one in a filled row means absent.
PRESENT = ("1", "yes", "y", "true", "x", "+", "present", "positive")
ABSENT = ("", "0", "no", "n", "false", "-", "absent", "negative")
DOUBTFUL = ("-1", UNCERTAIN, "?", "maybe", "equivocal", "unknown")
YES, NO = ("1", "yes", "y", "true"), ("0", "no", "n", "false")
NO_FINDINGS = ("no finding", "no findings", NO_FINDING)  # in a list, as NIH ChestX-ray14 writes it
MOST_FINDINGS, LONGEST = 200, 60  # different pieces, and letters of one, above which a cell holds sentences
WHOLE = re.compile(r"^([+-]?\d+)\.0+$")


@dataclass(frozen=True)
class Values:
    """values: of each row, a label's text, empty for none; kind: of the set that they need; problems: row (from 0) ->
    why its cell cannot be understood; missing: mark -> rows; notes: what was mended or seen, in words; lists: rows
    with a list in the cell."""

    values: list[str]
    kind: Kind
    problems: dict[int, str]
    missing: dict[str, int]
    notes: tuple[str, ...] = ()
    lists: int = 0


def read_classes(
    cells: Sequence[str], keep: frozenset[Keep] = frozenset(), known: Iterable[str] = (), kind: Kind | None = None
) -> Values:
    """A column that holds an image's class, or a list of its findings.

    keep: what is left as it is written; known: classes of the set that the labels go to, whose spelling counts; kind:
    that of the set, where it is there.
    """
    missing = _missing(cells, keep)
    held = ["" if cell.casefold() in missing else cell for cell in cells]
    told = dict(Counter(cell for cell in cells if cell.casefold() in missing))
    pieces = {} if "lists" in keep and kind != "multi" else _lists(held)
    if pieces or kind == "multi":
        return _lists_of_findings(held, pieces, keep, known, told)
    spelled, notes = _spelled(held, keep, known)
    scored = {spelled.get(cell, cell) for cell in held if cell}
    if "-1" in scored and scored <= {"-1", "0", "1"}:
        number = sum(spelled.get(cell, cell) == "-1" for cell in held)
        notes.append(f"-1 beside 0 and 1 is uncertain, as CheXpert writes it ({rows_of(number)}).")
        spelled |= {cell: UNCERTAIN for cell in held if spelled.get(cell, cell) == "-1"}
    values = [spelled.get(cell, cell) for cell in held]
    values = [UNCERTAIN if value.casefold() == UNCERTAIN else value for value in values]
    return Values(values, "single", {}, told, tuple(notes))


def read_findings(
    columns: Mapping[str, Sequence[str]], keep: frozenset[Keep] = frozenset(), known: Iterable[str] = ()
) -> Values:
    """Columns with a finding each: present, absent or doubtful. keep, known: as in read_classes()."""
    problems: dict[int, str] = {}
    values: list[str] = []
    told: Counter[str] = Counter()
    usual = {name.casefold(): name for name in known}
    columns = {usual.get(name.casefold(), name): cells for name, cells in columns.items()}
    for at, cells in enumerate(zip(*columns.values(), strict=True)):
        stated: dict[str, bool] = {}
        absent = False
        for name, cell in zip(columns, cells, strict=True):
            try:
                check_class("multi", name)
                if "missing" not in keep and cell and is_missing(cell) and cell.casefold() not in (*ABSENT, *DOUBTFUL):
                    told[cell] += 1
                    continue
                certain = _stated(name, cell)
                absent = absent or bool(cell)
                if certain is not None:
                    stated[name] = certain
            except LabelSetUnusable as error:
                problems.setdefault(at, error.what)
        values.append(multi_value(stated) if stated or absent else "")
    return Values([("" if at in problems else value) for at, value in enumerate(values)], "multi", problems, dict(told))


def are_flags(cells: Iterable[str]) -> bool:
    """Whether a column holds a finding's yes, no and uncertain."""
    seen = {_flag(cell) for cell in cells}
    seen -= {cell for cell in seen if is_missing(cell)}
    return bool(seen - {""}) and seen <= {*PRESENT, *ABSENT, *DOUBTFUL}


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().casefold() in MISSING


def joined(values: Sequence[str]) -> str:
    """What several rows say of one image together: a finding is there if one of them says so."""
    found: dict[str, bool] = {}
    for value in values:
        if value == UNCERTAIN:
            continue
        for name, certain in findings_of(value).items():
            found[name] = found.get(name, False) or certain
    return multi_value(found)


def rows_of(number: int) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} row{'s' * (number != 1)}"


def _missing(cells: Sequence[str], keep: frozenset[Keep]) -> frozenset[str]:
    marks = frozenset(() if "missing" in keep else MISSING)
    plus = any(cell == "+" for cell in cells)
    return marks - {"-", "–", "?"} if plus else marks  # + and - are classes that belong together


def _spelled(cells: Sequence[str], keep: frozenset[Keep], known: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Cell -> the spelling that stands for it and its like, and what is to be told of it."""
    counted = Counter(cell for cell in cells if cell)
    if "spelling" in keep:
        return {}, []
    yes_and_no = _yes_and_no(counted)
    groups: dict[str, list[str]] = defaultdict(list)
    for cell in counted:
        groups[_alike(cell, yes_and_no)].append(cell)
    usual = {_alike(each, yes_and_no): each for each in known}
    spelled: dict[str, str] = {}
    notes = []
    for like, cells_of in groups.items():
        tidy = {cell: WHOLE.sub(r"\1", " ".join(cell.split())) for cell in cells_of}
        weight: Counter[str] = Counter()
        for cell, text in tidy.items():
            weight[text] += counted[cell]
        name = usual.get(like) or max(sorted(weight), key=lambda text: weight[text])
        spelled |= dict.fromkeys(cells_of, name)
        if len(cells_of) > 1 or cells_of[0] != name:
            written = sorted(cells_of, key=lambda cell: -counted[cell])
            some = ", ".join(f"“{cell}”" for cell in written[:4]) + (" and others" if len(written) > 4 else "")
            others = sum(counted[cell] for cell in cells_of if cell != name)
            read = "were read as one class" if len(cells_of) > 1 else "was read as"
            comma = "," if len(cells_of) > 1 else ""
            notes.append(f"{some} {read}{comma} “{name}” ({rows_of(others)} written otherwise).")
    return spelled, notes


def _yes_and_no(counted: Iterable[str]) -> bool:
    """Whether a column holds yes and no alone, in more than one way of writing them."""
    seen = {_flag(cell) for cell in counted}
    doubtful = {"-1", UNCERTAIN}
    return bool(seen) and seen <= {*YES, *NO, *doubtful} and (len(seen & set(YES)) > 1 or len(seen & set(NO)) > 1)


def _flag(cell: str) -> str:
    return WHOLE.sub(r"\1", cell.strip().casefold())


def _alike(cell: str, yes_and_no: bool) -> str:
    text = WHOLE.sub(r"\1", " ".join(cell.casefold().split()))
    if yes_and_no:
        return "1" if text in YES else "0" if text in NO else text
    return text


def _stated(name: str, cell: str) -> bool | None:
    """True present, False doubtful, None absent."""
    text = _flag(cell)
    for words, meaning in ((PRESENT, True), (DOUBTFUL, False), (ABSENT, None)):
        if text in words:
            return meaning
    raise LabelSetUnusable(f"says “{cell[:24]}” under {name}, which is not yes, no or uncertain")


def _lists(cells: Sequence[str]) -> dict[str, list[str]]:
    """Cell -> its pieces, where the column holds lists: of Python or JSON, with bars, or with semicolons."""
    found = {cell: pieces for cell in set(cells) if (pieces := _brackets(cell)) is not None}
    for sign in "|;":
        if any(sign in cell for cell in set(cells) - set(found)):
            split = {
                cell: [piece.strip() for piece in cell.split(sign)] for cell in set(cells) - set(found) if sign in cell
            }
            different = {piece for pieces in split.values() for piece in pieces}
            if len(different) <= MOST_FINDINGS and all(len(piece) <= LONGEST for piece in different):
                found |= split
    return found


def _brackets(cell: str) -> list[str] | None:
    if not (cell.startswith("[") and cell.endswith("]")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
            return [str(each).strip() for each in value]
    inner = cell[1:-1].strip()
    return [piece.strip().strip("'\"") for piece in inner.split(",")] if inner else []


def _lists_of_findings(
    cells: Sequence[str],
    pieces: Mapping[str, list[str]],
    keep: frozenset[Keep],
    known: Iterable[str],
    told: dict[str, int],
) -> Values:
    of_rows = [pieces.get(cell, [cell] if cell else []) for cell in cells]
    names = [name.rstrip("?").strip() for found in of_rows for name in found]
    spelled, notes = _spelled(names, keep, known)
    values, problems = [], {}
    for at, (cell, found) in enumerate(zip(cells, of_rows, strict=True)):
        findings: dict[str, bool] = {}
        for piece in found:
            name = piece.rstrip("?").strip()
            if not name or ("missing" not in keep and is_missing(name)) or name.casefold() in NO_FINDINGS:
                continue
            name = spelled.get(name, name)
            findings[name] = findings.get(name, False) or not piece.endswith("?")
        try:
            for name in findings:
                check_class("multi", name)
            values.append(multi_value(findings) if cell else "")
        except LabelSetUnusable as error:
            problems[at] = error.what
            values.append("")
    number = sum(cell in pieces for cell in cells)
    if number:
        notes.insert(0, f"{rows_of(number)} with a list in the cell: findings side by side, not one class.")
    return Values(values, "multi", problems, told, tuple(notes), number)
