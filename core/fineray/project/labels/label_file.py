"""Labels out: every label set of the project as a table, to be read elsewhere or again here."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from fineray.project.label_sets import label_sets, values_of
from fineray.project.project import Project


def write_labels(project: Project, path: Path, *, with_files: bool = False) -> int:
    """One row an image: content hash, patient (pseudonym), a column a label set; Excel by the suffix .xlsx, else CSV.

    with_files adds the files' places, which may hold names. Returns the number of images. Raises OSError.
    """
    rows = list(_rows(project, with_files))
    if path.suffix.lower() == ".xlsx":
        from openpyxl import Workbook  # half a second to import; only who writes Excel files pays

        book = Workbook(write_only=False)
        sheet = book.active
        sheet.title = "labels"
        for row in rows:
            sheet.append(row)
        for cells in sheet.iter_rows():
            for cell in cells:
                cell.data_type = "s"  # a label that starts with = is text, not a formula
        sheet.freeze_panes = "A2"
        book.save(path)
    else:
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            csv.writer(file).writerows(rows)
    return len(rows) - 1


def _rows(project: Project, with_files: bool) -> Iterator[list[str]]:
    sets = label_sets(project)
    labels = [values_of(project, each) for each in sets]
    yield ["content_hash", "patient", *(["file"] if with_files else []), *(each.name for each in sets)]
    places = {source.path_hash: source.location.shown for source in project.sources.all()} if with_files else {}
    files = dict(project.db.execute("SELECT image_id, path_hash FROM image_file")) if with_files else {}
    for image, content_hash, pseudonym in project.db.execute(
        "SELECT image.id, content_hash, pseudonym FROM image JOIN patient ON patient.id = patient_id ORDER BY 3, 1"
    ):
        place = [places.get(files.get(image, ""), "")] if with_files else []
        yield [content_hash, pseudonym, *place, *(values.get(image, "") for values in labels)]
