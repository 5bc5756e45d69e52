"""Files that do not say whose they are: blank and placeholder patient IDs, and what the user makes of them."""

from __future__ import annotations

import json
from typing import Literal

from fineray.dicom.location import FileLocation
from fineray.project.history import remember
from fineray.project.project import Project

Rule = Literal["study", "folder", "image"]
RULES: dict[Rule, str] = {
    "study": "each study is a patient",
    "folder": "each folder of files is a patient",
    "image": "each image is a patient",
}
# What de-identification tools and workstations write where an ID should stand, in capitals.
PLACEHOLDERS = (
    *("", "0", "00", "000", "0000", "00000000", "1", "-", "?", "X", "XX", "XXX", "XXXX"),
    *("ANON", "ANONYM", "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "DEIDENTIFIED", "DE-IDENTIFIED", "REMOVED"),
    *("UNKNOWN", "UNBEKANNT", "INCONNU", "DESCONOCIDO", "NONE", "NULL", "NO ID", "NOID", "N/A", "NA"),
    *("PATIENT", "PATIENTID", "PATIENT ID", "TEST"),
)


def placeholder_hashes(project: Project) -> frozenset[str]:
    """The keyed hashes that placeholder IDs have in this project."""
    written = {form for name in PLACEHOLDERS for form in (name, name.lower(), name.title())}
    return frozenset(project.keyed_hash("patient:" + name) for name in written)


def patient_hash(
    project: Project, patient_id: str, study_hash: str, sop_hash: str, location: FileLocation, rule: Rule | None
) -> str:
    """The hash that names an image's patient: of the ID, or, for a placeholder, of what the rule says."""
    named = project.keyed_hash("patient:" + patient_id)
    if rule is None or (patient_id.upper() not in PLACEHOLDERS and named not in _constant_ids(project)):
        return named
    return _by_rule(project, rule, study_hash, sop_hash, location)


def chosen_rule(project: Project) -> Rule | None:
    """What the user said identifies a patient where the ID does not, or None."""
    row = project.db.execute("SELECT value FROM setting WHERE name = 'patient_rule'").fetchone()
    return row[0] if row else None


def _constant_ids(project: Project) -> list[str]:
    """Hashes of IDs that stood for the whole project when the user chose the rule, and name nobody since."""
    row = project.db.execute("SELECT value FROM setting WHERE name = 'constant_ids'").fetchone()
    found: list[str] = json.loads(row[0]) if row else []
    return found


def unidentified_images(project: Project) -> list[int]:
    """Images whose patient is known by a placeholder only; all images where one ID stands for the whole project."""
    (patients,) = project.db.execute("SELECT count(DISTINCT patient_id) FROM image").fetchone()
    if patients == 1 and chosen_rule(project) is None:
        everything = [row[0] for row in project.db.execute("SELECT id FROM image ORDER BY id")]
        return everything if len(everything) > 1 else []
    marks = sorted(placeholder_hashes(project))
    rows = project.db.execute(
        "SELECT image.id FROM image JOIN patient ON patient.id = image.patient_id"
        f" WHERE id_hash IN ({', '.join('?' * len(marks))}) ORDER BY image.id",
        marks,
    )
    return [row[0] for row in rows]


def identify_patients(project: Project, rule: Rule) -> int:
    """Make patients of the unidentified images by the rule, now and in later imports; returns how many patients.

    Where a study is not stated or a file's place is not known, the image stands for itself.
    """
    images = unidentified_images(project)
    with project.db as db:
        patients = db.execute(
            "SELECT id, patient_id FROM image WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(images),)
        )
        before = [("patient", image, patient) for image, patient in patients]
        known = _constant_ids(project)
        settings = [("setting", "patient_rule", chosen_rule(project)), ("setting", "constant_ids", json.dumps(known))]
        remember(db, "Saying what identifies a patient", [*before, *settings])
        concerned = db.execute(
            "SELECT DISTINCT id_hash FROM image JOIN patient ON patient.id = patient_id"
            " WHERE image.id IN (SELECT value FROM json_each(?))",
            (json.dumps(images),),
        )
        constant = sorted({*known, *(row[0] for row in concerned)})
        db.execute("INSERT OR REPLACE INTO setting VALUES ('constant_ids', ?)", (json.dumps(constant),))
        db.execute("INSERT OR REPLACE INTO setting VALUES ('patient_rule', ?)", (rule,))
        made: set[str] = set()
        for image in images:
            study_hash, sop_hash, path_hash = db.execute(
                "SELECT study_hash, sop_hash, (SELECT path_hash FROM image_file WHERE image_id = image.id LIMIT 1)"
                " FROM image WHERE id = ?",
                (image,),
            ).fetchone()
            location = project.sources.location(path_hash) if path_hash else None
            name = _by_rule(project, rule, study_hash, sop_hash, location)
            made.add(name)
            db.execute("UPDATE image SET patient_id = ? WHERE id = ?", (patient_number(project, name), image))
    return len(made)


def patient_number(project: Project, id_hash: str) -> int:
    """The patient with that hash, made with the next pseudonym if there is none."""
    row = project.db.execute("SELECT id FROM patient WHERE id_hash = ?", (id_hash,)).fetchone()
    if row:
        return int(row[0])
    number = int(project.db.execute("SELECT coalesce(max(id), 0) + 1 FROM patient").fetchone()[0])
    project.db.execute("INSERT INTO patient VALUES (?, ?, ?)", (number, f"P{number:05d}", id_hash))
    return number


def _by_rule(project: Project, rule: Rule, study_hash: str, sop_hash: str, location: FileLocation | None) -> str:
    if rule == "study" and study_hash:
        return project.keyed_hash("patient of study:" + study_hash)
    if rule == "folder" and location is not None:
        return project.keyed_hash("patient of folder:" + "/".join(location.parts[:-1]))
    return project.keyed_hash("patient of image:" + sop_hash)
