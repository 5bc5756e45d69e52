"""Patients by a column of a table, whose rows name images as those of a label table do."""

from __future__ import annotations

from dataclasses import replace

from fineray.project.labels.cell_values import Keep
from fineray.project.labels.from_table import preview_file
from fineray.project.labels.origins import FromTable
from fineray.project.labels.table_file import read_table
from fineray.project.patients.rule import RuleUnusable
from fineray.project.project import Project

# A1 and a1 may be two people; a list in a cell is no list of findings here.
AS_WRITTEN: tuple[Keep, ...] = ("spelling", "lists")


def patients_in_table(project: Project, source: FromTable) -> dict[int, str]:
    """Image id -> the patient that the table names, of images that it names one of. source.columns: the column of
    patients. Raises LabelFileUnusable, and RuleUnusable where no row is of an image of the project."""
    told = preview_file(project, replace(source, into="", keep=AS_WRITTEN, several_rows="conflict"))
    if not told.matched:
        raise RuleUnusable(
            f"No row of {source.path.name} is of an image of this project",
            todo="Choose the column that names the images, and what it holds.",
        )
    return dict(told.matched)


def columns_in_table(source: FromTable) -> tuple[str, ...]:
    """The names of the table's columns. Raises LabelFileUnusable."""
    return tuple(read_table(source.path, source.sheet, source.encoding, source.hidden).header)
