"""The attributes of images as columns that checks, splits and labels go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fineray.errors import FinerayError, nearest
from fineray.project.label_sets import label_sets, values_of
from fineray.project.project import Project

CATEGORIES = {
    "modality": "Modality",
    "body_part": "Body part",
    "view_position": "View position",
    "laterality": "Laterality",
    "sex": "Sex",
    "manufacturer": "Manufacturer",
    "model": "Device model",
    "site_hash": "Site",
    "station_hash": "Station",
    "bits_stored": "Bits stored",
    "photometric": "Photometric interpretation",
    "transfer_syntax": "Transfer syntax",
    "burned_in": "Burned-in annotation flag",
    "voi_source": "Source of the window",
    "presentation_intent": "Presentation intent",
}
NUMBERS = {"age_years": "Age", "rows": "Rows", "columns": "Columns", "row_spacing_mm": "Pixel spacing"}
DATE = "study_date"
LABELS = "labels: "  # before the name of a label set that serves as an attribute (a spreadsheet's column "hospital")
NOT_STATED = "not stated"
HASHED = {"site_hash": "Site", "station_hash": "Station"}
STATED_BY_TABLES = ("view_position", "sex", "laterality", "age_years")
AGE_BANDS = (18, 40, 60, 80)


class NoSuchAttribute(FinerayError):
    """Images have no attribute of that name."""


def attribute_names(project: Project) -> dict[str, str]:
    """Name -> title of all that an image may be told by: attributes of the files, and label sets."""
    sets = {LABELS + each.name: f"Labels “{each.name}”" for each in label_sets(project)}
    return {**CATEGORIES, "age_years": "Age", DATE: "Study date", **sets}


def raw_values(project: Project, columns: Sequence[str]) -> dict[int, tuple[Any, ...]]:
    """Image id -> the values of these columns of the catalogue."""
    return {row[0]: row[1:] for row in project.db.execute(f"SELECT id, {', '.join(columns)} FROM image")}


def attribute_values(project: Project, name: str) -> dict[int, str]:
    """Image id -> an attribute as text; ages in bands, sites and stations numbered (`Site 1` is the most frequent).

    Raises NoSuchAttribute.
    """
    if name not in attribute_names(project):
        todo = nearest(name, attribute_names(project), "")
        raise NoSuchAttribute(f"Images have no attribute “{name}”", todo=todo)
    if name.startswith(LABELS):
        chosen = next(each for each in label_sets(project) if LABELS + each.name == name)
        labels = values_of(project, chosen)
        return {image: labels.get(image, NOT_STATED) for (image,) in project.db.execute("SELECT id FROM image")}
    values = {image: value for image, (value,) in raw_values(project, [name]).items()}
    if name in HASHED:
        order = project.db.execute(f"SELECT {name} FROM image WHERE {name} != '' GROUP BY 1 ORDER BY count(*) DESC, 1")
        titles = {row[0]: f"{HASHED[name]} {number}" for number, row in enumerate(order, start=1)}
        return {image: titles.get(value, NOT_STATED) for image, value in values.items()}
    if name == "age_years":
        return {image: age_band(value) for image, value in values.items()}
    return {image: str(value) if value not in ("", None) else NOT_STATED for image, value in values.items()}


def state_attributes(project: Project, values: Mapping[int, Mapping[str, str | float | None]]) -> None:
    """Take attributes from a table for images whose files do not state them; what a file states stays.

    values: image -> column (view_position, sex, laterality, age_years) -> a defined term or a number; empty and None
    say nothing.
    """
    with project.db as db:
        for image, columns in values.items():
            for column, value in columns.items():
                assert column in STATED_BY_TABLES
                if value not in ("", None):
                    db.execute(
                        f"UPDATE image SET {column} = ? WHERE id = ? AND ({column} IS NULL OR {column} = '')",
                        (value, image),
                    )


def age_band(years: float | None) -> str:
    """An age as one of five bands: 0-17, 18-39, 40-59, 60-79, 80+."""
    if years is None:
        return NOT_STATED
    lower = max((limit for limit in AGE_BANDS if years >= limit), default=0)
    upper = min((limit for limit in AGE_BANDS if years < limit), default=None)
    return f"{lower}-{upper - 1}" if upper else f"{lower}+"
