"""What stands where a patient ID should, and names nobody."""

from __future__ import annotations

from fineray.project.project import Project

# What de-identification tools and workstations write where an ID should stand, in capitals.
PLACEHOLDERS = (
    *("", "0", "00", "000", "0000", "00000000", "1", "-", "?", "X", "XX", "XXX", "XXXX"),
    *("ANON", "ANONYM", "ANONYMOUS", "ANONYMIZED", "ANONYMISED", "DEIDENTIFIED", "DE-IDENTIFIED", "REMOVED"),
    *("UNKNOWN", "UNBEKANNT", "INCONNU", "DESCONOCIDO", "NONE", "NULL", "NO ID", "NOID", "N/A", "NA"),
    *("PATIENT", "PATIENTID", "PATIENT ID", "TEST"),
)


def stated_hash(project: Project, patient_id: str) -> str:
    """The keyed hash of a stated patient ID; every way of writing a placeholder has the one of the blank ID."""
    return project.keyed_hash("patient:" + ("" if patient_id.upper() in PLACEHOLDERS else patient_id))


def placeholder_hashes(project: Project) -> frozenset[str]:
    """The keyed hashes that placeholder IDs have in this project; before format 5 each way of writing had its own."""
    written = {form for name in PLACEHOLDERS for form in (name, name.lower(), name.title())}
    return frozenset(project.keyed_hash("patient:" + name) for name in written)
