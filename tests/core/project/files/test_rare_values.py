"""A text that somebody typed into an attribute stands in the project once five patients share it, and not before."""

from __future__ import annotations

from pathlib import Path

from fineray.project.files.importing import import_folders
from fineray.project.files.rare_values import FEWEST_PATIENTS
from fineray.project.project import Project
from tests.support.images import write_image


def values(project: Project, column: str) -> list[str]:
    return [row[0] for row in project.db.execute(f"SELECT {column} FROM image ORDER BY id")]


def held(project: Project) -> bytes:
    return b"".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())


def test_texts_of_few_patients_are_hashed_until_there_are_enough(project: Project, tmp_path: Path) -> None:
    for patient in range(FEWEST_PATIENTS - 1):
        for number in range(3):  # several images of a patient count once
            write_image(
                tmp_path / f"a/{patient}-{number}", patient=f"PAT-{patient}", number=number, Manufacturer="Zaphod"
            )
    import_folders(project, [tmp_path / "a"])
    (stand_in,) = set(values(project, "manufacturer"))
    assert stand_in.startswith("other ")
    assert b"Zaphod" not in held(project) and b"ZAPHOD" not in held(project)

    write_image(tmp_path / "b/last", patient="PAT-LAST", Manufacturer="Zaphod")
    write_image(
        tmp_path / "b/else", patient="PAT-LAST", number=1, Manufacturer="Someone", ManufacturerModelName="Zaphod"
    )
    import_folders(project, [tmp_path / "b"])
    assert values(project, "manufacturer").count("Zaphod") == 13
    other = (set(values(project, "manufacturer")) - {"Zaphod"}).pop()
    assert other.startswith("other ") and other != stand_in
    assert "Zaphod" not in values(project, "model"), "each attribute counts for itself"


def test_defined_terms_are_kept_at_once(project: Project, tmp_path: Path) -> None:
    write_image(tmp_path / "f/1", patient="PAT-1", BodyPartExamined="KNEE", ViewPosition="LL")
    write_image(tmp_path / "f/2", patient="PAT-2", BodyPartExamined="MUELLER", ViewPosition="ANNA")
    import_folders(project, [tmp_path / "f"])
    assert values(project, "body_part")[0] == "KNEE" and values(project, "view_position")[0] == "LL"
    assert b"MUELLER" not in held(project) and b"ANNA" not in held(project)
