"""Texts of image attributes, kept as they stand only where they cannot point at a person.

Makers, models, body parts and views are words that anybody may have typed, a name among them. A defined term is kept;
any other text only once so many patients have it that it says nothing of one of them (k-anonymity: L. Sweeney, 2002);
until then a keyed hash stands for it, which tells apart and gives nothing back.
"""

from __future__ import annotations

from collections import defaultdict

from pydicom.tag import Tag

from fineray.dicom.terms import TERMS
from fineray.project.project import Project

FEWEST_PATIENTS = 5  # with a text, for the text to be kept or to leave the project
COLUMNS = ("body_part", "view_position", "manufacturer", "model")
_DEFINED = {"body_part": TERMS[Tag("BodyPartExamined")], "view_position": TERMS[Tag("ViewPosition")]}


class RareValues:
    """Counts, during one import, the patients of every text that is not kept yet."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._patients: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._kept: dict[str, set[str]] = {}
        for column in COLUMNS:
            rows = project.db.execute(f"SELECT {column}, patient_id FROM image GROUP BY {column}, patient_id")
            for value, patient in rows:
                self._patients[column, value].add(patient)
            self._kept[column] = {value for name, value in self._patients if name == column}

    def kept(self, column: str, text: str, patient: int) -> str:
        """What the catalogue may hold of this text, now that this patient has it too; earlier rows follow."""
        if not text or text in self._kept[column] or text in _DEFINED.get(column, ()):
            return text
        stand_in = f"other {self._project.keyed_hash(f'{column}:{text}')[:6]}"
        patients = self._patients[column, stand_in]
        patients.add(patient)
        if len(patients) < FEWEST_PATIENTS:
            return stand_in
        self._project.db.execute(f"UPDATE image SET {column} = ? WHERE {column} = ?", (text, stand_in))
        self._kept[column].add(text)
        return text
