"""Columns beside a key: the side, the view or the date by which one of a patient's images is told from the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fineray.project.labels.table import plain
from fineray.project.project import Project

Attribute = Literal["laterality", "view_position", "study_date"]
TITLES: dict[Attribute, str] = {"laterality": "laterality", "view_position": "view", "study_date": "study date"}
HEADERS: dict[Attribute, tuple[str, ...]] = {
    "laterality": (
        *("laterality", "imagelaterality", "side", "breastside", "leftright", "leftorrightbreast", "lr", "seite"),
        *("seitenlokalisation", "lateralité", "cote", "côté", "lado", "lateralidad", "breast", "eye", "knee", "hip"),
    ),
    "view_position": ("view", "viewposition", "viewpos", "projection", "projektion", "imageview", "appa", "incidence"),
    "study_date": ("studydate", "examdate", "examinationdate", "acquisitiondate", "imagedate", "date", "datum"),
}
# Enumerated values of Image Laterality (0020,0062), PS3.3 C.7.6.16.1.1, and how people write them.
SIDES = {
    "L": (
        "l",
        "left",
        "lt",
        "links",
        "li",
        "gauche",
        "g",
        "izquierda",
        "izquierdo",
        "izq",
        "sinistra",
        "sin",
        "sx",
        "esquerda",
    ),
    "R": (
        "r",
        "right",
        "rt",
        "rechts",
        "re",
        "droite",
        "droit",
        "derecha",
        "derecho",
        "der",
        "destra",
        "dex",
        "dx",
        "direita",
    ),
    "": ("b", "both", "bilateral", "beide", "bds", "u", "unpaired"),
}
SIDE_OF = {name: side for side, names in SIDES.items() for name in names}
# View Position (0018,5101), PS3.3 C.8.1.1 and C.8.11.6; `frontal` and `lateral` stand for several.
FRONTAL, LATERAL = frozenset({"PA", "AP"}), frozenset({"LL", "RL", "LATERAL", "LAT", "LLD", "RLD"})
VIEWS = (
    "PA",
    "AP",
    "LL",
    "RL",
    "RLD",
    "LLD",
    "RLO",
    "LLO",
    "CC",
    "MLO",
    "ML",
    "LM",
    "XCCL",
    "XCCM",
    "FB",
    "SIO",
    "LMO",
)
BY_YEAR = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d")
DATE_FORMS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y")
OF_STUDIES = 5  # of the names for a date, those that cannot mean another day
ENOUGH = 0.8  # share of the cells that must be a side, a view or a day


@dataclass(frozen=True)
class Beside:
    """A column and what of an image it states. wanted: of each row of the table, the values of that attribute which an
    image may have; None where the row states none."""

    column: str
    attribute: Attribute
    wanted: tuple[frozenset[str] | None, ...]


def beside_of(project: Project, column: str, cells: Sequence[str], attribute: Attribute | None = None) -> Beside | None:
    """What a column states of the images, or None where it is no side, view or date. attribute: where it is known."""
    for each in (attribute,) if attribute else _likely(column):
        wanted = _wanted(project, each, cells)
        stated = sum(bool(cell) for cell in cells)
        understood = sum(each is not None for each in wanted)
        both = sum(_side(cell) == "" for cell in cells if cell) if each == "laterality" else 0
        if stated and (attribute or understood + both >= ENOUGH * stated) and understood:
            return Beside(column, each, tuple(wanted))
    return None


def _likely(column: str) -> Iterator[Attribute]:
    name = plain(column)
    yield from (attribute for attribute, names in HEADERS.items() if name in names)
    if not any(name in names for names in HEADERS.values()):
        yield from (attribute for attribute in ("laterality", "view_position") if plain(TITLES[attribute]) in name)


def _wanted(project: Project, attribute: Attribute, cells: Sequence[str]) -> list[frozenset[str] | None]:
    if attribute == "laterality":
        return [frozenset({side}) if (side := _side(cell)) else None for cell in cells]
    if attribute == "view_position":
        return [_views(cell) for cell in cells]
    form = _date_form(project, cells)
    return [frozenset({day}) if (day := _day(project, cell, form)) else None for cell in cells]


def _side(cell: str) -> str | None:
    return SIDE_OF.get(plain(cell)) if cell else None


def _views(cell: str) -> frozenset[str] | None:
    name = plain(cell).upper()
    if name == "FRONTAL":
        return FRONTAL
    if name in ("LATERAL", "LAT", "SEITLICH"):
        return LATERAL
    return frozenset({name}) if name in VIEWS else None


def _date_form(project: Project, cells: Sequence[str]) -> str:
    """The form that all days have which do not begin with the year; of several (3/4/2020) that by which more studies of
    the project have these days."""
    days = [cell for cell in dict.fromkeys(cells) if cell and not _parsed(cell, "")]
    fitting = [form for form in DATE_FORMS if all(_parsed(day, form) for day in days)]
    if len(fitting) < 2 or not days:
        return next(iter(fitting), "")
    known = {row[0] for row in project.db.execute("SELECT DISTINCT study_date FROM image")}
    return max(fitting, key=lambda form: sum(_day(project, day, form) in known for day in days))


def _parsed(cell: str, form: str) -> str:
    """YYYYMMDD of a day that begins with its year, or has this form; else empty."""
    text = re.sub(r"[ T]\d\d:\d\d.*$", "", cell)
    for each in (*BY_YEAR, form):
        try:
            return datetime.strptime(text, each).strftime("%Y%m%d") if each else ""
        except ValueError:
            continue
    return ""


def _day(project: Project, cell: str, form: str) -> str:
    """The day as the project keeps it."""
    return project.shifted_date(_parsed(cell, form)) if cell else ""


def certain_dates(column: str) -> bool:
    """Whether a column's name leaves no doubt that it holds days of studies, not of birth or reading."""
    return plain(column) in HEADERS["study_date"][:OF_STUDIES]
