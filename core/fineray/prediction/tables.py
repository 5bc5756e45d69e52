"""Predictions as a table that others can read."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from fineray.dicom.location import shown
from fineray.prediction.results import FolderPredictions
from fineray.progress import SILENT, Monitor, Progress
from fineray.system.output_file import check_output, whole_file

STAGE_WRITE = "Writing the table"


def write_predictions(table: FolderPredictions, output: Path, monitor: Monitor = SILENT) -> None:
    """As .csv or .xlsx: file, sop_instance_uid, p_<class> a class, predicted, flag; whole or not at all.

    Raises CannotWriteThere or a storage error.
    """
    check_output(output, (".csv", ".xlsx"), "A table")
    monitor.report(Progress(STAGE_WRITE, 0, 0, ""))
    header = ["file", "sop_instance_uid", *(f"p_{name}" for name in table.classes), "predicted", "flag"]
    lines: list[list[str | float]] = [
        [
            shown(row.file),
            row.sop_instance_uid,
            *(row.probabilities or ("",) * len(table.classes)),
            row.predicted,
            row.flag,
        ]
        for row in table.rows
    ]
    with whole_file(output) as partial:
        if output.suffix.lower() == ".xlsx":
            _write_excel(partial, header, lines)
        else:
            with partial.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *lines])


def _write_excel(path: Path, header: list[str], lines: list[list[str | float]]) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Predictions")
    whole: list[Sequence[str | float]] = [header, *lines]
    for line in whole:
        # A text that begins like a formula stays a text.
        sheet.append([f"'{each}" if isinstance(each, str) and each[:1] in "=+-@" else each for each in line])
    with path.open("wb") as file:
        book.save(file)
