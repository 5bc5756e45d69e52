"""Options of the commands that take labels from a table, and what they say of it."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, get_args

from fineray.project.labels.cell_values import KEEPS
from fineray.project.labels.keys import KINDS, RULES
from fineray.project.labels.origins import FromTable, SeveralRows
from fineray.project.labels.outcome import LabelPreview, RowShown, TableReading

MOST_CONFLICTS = 50  # rows that an answer names
SAID_APART = ("table", "conflict_rows", "notes")  # what an answer holds for programs; people read it as notes


def table_options(added: argparse.ArgumentParser) -> None:
    """How a table is read, where its guess is wrong."""
    table = added.add_argument_group("the table", "What is not given is guessed from the cells, and said.")
    table.add_argument("--key-column", default="", metavar="NAME", help="names the images")
    table.add_argument("--key", choices=list(KINDS), default="", help="what that column holds")
    table.add_argument(
        "--beside", action="append", metavar="NAME",
        help="a column with the side, view or date, which tells a patient's images apart; `none` uses none",
    )  # fmt: skip
    table.add_argument("--sheet", default="", metavar="NAME", help="of a spreadsheet; the first unless given")
    rules = "; ".join(f"{name}: {text}" for name, text in RULES.items())
    table.add_argument(
        "--rule", action="append", default=[], choices=list(RULES), help=f"a spelling of the key that counts ({rules})"
    )
    kept = "; ".join(f"{name}: otherwise {text}" for name, text in KEEPS.items())
    table.add_argument(
        "--keep", action="append", default=[], choices=list(KEEPS), help=f"leave cells as they are written ({kept})"
    )
    table.add_argument(
        "--several-rows", choices=get_args(SeveralRows), default="conflict",
        help="different labels for one image are a conflict, left out; or findings to join",
    )  # fmt: skip
    table.add_argument("--visible-rows", action="store_true", help="leave out rows that the spreadsheet hides")
    table.add_argument("--encoding", default="", metavar="NAME", help="of text: utf-8, cp1250, cp949, ...")


def source_of(options: Namespace, path: Path, columns: tuple[str, ...], into: str) -> FromTable:
    """The table with the choices that these options make."""
    beside = options.beside
    return FromTable(
        path,
        columns,
        into,
        key=options.key_column,
        key_kind=options.key,
        beside=None if beside is None else tuple(name for name in beside if name != "none"),
        sheet=options.sheet,
        rules=tuple(options.rule),
        keep=tuple(options.keep),
        several_rows=options.several_rows,
        hidden=not options.visible_rows,
        encoding=options.encoding,
    )


def preview_in_short(preview: LabelPreview) -> dict[str, Any]:
    """What a preview says, in numbers; its warnings go to standard error."""
    for warning in preview.warnings:
        print(f"note: {warning}", file=sys.stderr)
    answer: dict[str, Any] = {
        "label_set": preview.label_set,
        "classes": {name: images for name, (images, _) in preview.classes.items()},
        "unmatched_entries": len(preview.unmatched_entries),
        "unmatched_images": preview.unmatched_images,
        "conflicts": len(preview.conflicts),
        "blank": preview.blank,
        "notes": list(preview.notes),
    }
    if preview.conflicts:
        answer["conflict_rows"] = [
            {"row": each.row, "problem": each.problem} for each in preview.conflicts[:MOST_CONFLICTS]
        ]
    if preview.reading is not None:
        answer["table"] = _table(preview.reading)
    return answer


def preview_in_lines(preview: LabelPreview) -> list[str]:
    """The same for people, with examples."""
    lines = [f"{preview.source}, into the label set “{preview.label_set}”: {len(preview.matched):,} images"]
    lines += [
        f"  {name}: {images:,} images of {patients:,} patients" for name, (images, patients) in preview.classes.items()
    ]
    reading = preview.reading
    if reading is None:
        return lines
    beside = f", beside it {', '.join(reading.beside)}" if reading.beside else ""
    lines.append(f"key: “{reading.key}” as {KINDS[reading.kind]}{beside}; labels: {', '.join(reading.labels)}")
    lines.append(
        f"rows: {reading.rows:,}; matched {reading.matched:,}, without an image {reading.unmatched:,}, without a label"
        f" {reading.blank:,}, in conflict {reading.conflicting:,}, left out {reading.left_out:,}"
    )
    lines += [f"read as no label: {mark} ({rows:,})" for mark, rows in reading.missing.items()]
    for each in reading.rules:
        if each.rows or each.on:
            lines.append(f"--rule {each.rule}: {RULES[each.rule]}; {'on, ' if each.on else ''}{each.rows:,} more")
    lines += _examples("matched", reading.matched_rows) + _examples("without an image", reading.unmatched_rows)
    lines += [f"conflict, row {each.row}: {each.problem}" for each in preview.conflicts[:10]]
    return lines


def _examples(title: str, rows: tuple[RowShown, ...]) -> list[str]:
    if not rows:
        return []
    told = [
        f"  row {each.row}: {each.key} -> {each.label}" + (f" ({each.images} images)" if each.images > 1 else "")
        + (f"; {each.note}" if each.note else "")
        for each in rows
    ]  # fmt: skip
    return [f"{title}, for example:", *told]


def _table(reading: TableReading) -> dict[str, Any]:
    """Every row of the table is counted once."""
    return {
        "rows": reading.rows,
        "matched": reading.matched,
        "without_image": reading.unmatched,
        "without_label": reading.blank,
        "in_conflict": reading.conflicting,
        "left_out": reading.left_out,
        "hidden": reading.hidden,
        "missing_marks": reading.missing,
        "lists": reading.lists,
        "key_column": reading.key,
        "key": reading.kind,
        "beside": list(reading.beside),
        "columns": list(reading.labels),
        "sheet": reading.sheet,
        "encoding": reading.encoding,
        "rules": {each.rule: {"on": each.on, "rows": each.rows} for each in reading.rules},
        "unmatched_examples": [{"row": each.row, "note": each.note} for each in reading.unmatched_rows],
    }
