"""Whose an image is: rules on folders, names and IDs, corrected later, over the layouts in which archives come."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fineray.cli.main import main
from fineray.project.catalogue import counts, image_rows, labelled_images, source_of
from fineray.project.changes import set_labels, undo
from fineray.project.files.importing import import_folders
from fineray.project.patients.identify import (
    identify_patients,
    kept_rule,
    patient_number,
    preview_patients,
    shared_numbers,
    unidentified_images,
)
from fineray.project.patients.levels import folder_levels
from fineray.project.patients.rule import PatientRule, RuleUnusable
from fineray.project.project import Project, open_project
from fineray.project.splits import SplitPlan, is_current, latest_split, parts
from fineray.project.splitting.make import make_split
from fineray.training.dataset import SplitOutdated, load_training_input
from fineray.training.recipe import Recipe
from tests.support.images import write_image


def write_png(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(number)
    Image.fromarray(random.integers(0, 255, (24, 24), dtype=np.uint8)).save(path)


@pytest.fixture
def chexpert(project: Project, tmp_path: Path) -> Project:
    """12 patients, two study folders each, as CheXpert is published; labelled by study."""
    number = 0
    for patient in range(12):
        for study in (1, 2):
            write_png(tmp_path / f"chexpert/train/patient{patient:05d}/study{study}/view1_frontal.png", number)
            number += 1
    import_folders(project, [tmp_path / "chexpert"])
    set_labels(project, {row.id: ("a", "b")[row.id % 2] for row in image_rows(project)}, "test")
    return project


def _names(project: Project) -> dict[str, str]:
    """Pseudonym -> the patient's folder; fails where one pseudonym stands for two."""
    found: dict[str, str] = {}
    for row in image_rows(project):
        source = source_of(project, row.id)
        assert source is not None
        name = next(part for part in source[0].parts if part.startswith("patient0"))
        assert found.setdefault(row.patient, name) == name
    return found


@pytest.mark.parametrize("rule", [PatientRule("folder", level=2), PatientRule("folder", level=-2),
                                  PatientRule("name", pattern="(patient[0-9]+)/")])  # fmt: skip
def test_a_folder_above_that_of_the_file_may_be_the_patient(chexpert: Project, rule: PatientRule) -> None:
    told = preview_patients(chexpert, rule)
    assert (told.images, told.patients_before, told.patients_after, told.alone) == (24, 1, 12, 0)
    assert told.examples[0] == ("train/patient00000/study1/view1_frontal.png", "patient00000")
    assert counts(chexpert).patients == 1, "a preview changes nothing"
    identify_patients(chexpert, rule)
    assert len(_names(chexpert)) == 12
    split = make_split(chexpert, SplitPlan(folds=3))
    sides: dict[int, set[str]] = {}
    part_of = parts(chexpert, split)
    for image in labelled_images(chexpert):
        sides.setdefault(image.patient_id, set()).add(part_of[image.id])
    assert all(len(each) == 1 for each in sides.values())


def test_a_rule_corrected_later_groups_anew_and_outdates_the_split(chexpert: Project) -> None:
    identify_patients(chexpert, PatientRule("folder"))
    assert counts(chexpert).patients == 2, "study1 and study2 are taken for patients"
    for wrong in (PatientRule("image"), PatientRule("folder", one_place=True)):
        identify_patients(chexpert, wrong)
        assert counts(chexpert).patients == 24
        split = make_split(chexpert, SplitPlan(folds=3))
        right = PatientRule("folder", level=2)
        told = preview_patients(chexpert, right)
        assert told.torn and told.moved == 24
        assert is_current(chexpert, split)
        identify_patients(chexpert, right)
        assert counts(chexpert).patients == 12 and kept_rule(chexpert) == right
        assert not is_current(chexpert, split)
        with pytest.raises(SplitOutdated, match="patients are told apart otherwise"):
            load_training_input(chexpert, split, Recipe(), monitor=None)  # type: ignore[arg-type]
        assert undo(chexpert) is not None
        assert counts(chexpert).patients == 24 and kept_rule(chexpert) == wrong and is_current(chexpert, split)


def test_later_imports_follow_the_rule(chexpert: Project, tmp_path: Path) -> None:
    identify_patients(chexpert, PatientRule("folder", level=2))
    write_png(tmp_path / "chexpert/train/patient00003/study7/view1_frontal.png", 99)
    write_png(tmp_path / "chexpert/train/patient00099/study1/view1_frontal.png", 98)
    import_folders(chexpert, [tmp_path / "chexpert"])
    assert counts(chexpert).patients == 13 and len(_names(chexpert)) == 13


def test_a_name_that_occurs_in_several_places_is_said_and_may_be_parted(project: Project, tmp_path: Path) -> None:
    for number, place in enumerate(("XR_HAND/patient00001", "XR_ELBOW/patient00001", "XR_ELBOW/patient00002")):
        write_png(tmp_path / f"mura/{place}/study1/image1.png", number)
    import_folders(project, [tmp_path / "mura"])
    told = preview_patients(project, PatientRule("folder", level=2))
    assert (told.patients_after, told.elsewhere) == (2, 1)
    assert preview_patients(project, PatientRule("folder", level=2, one_place=True)).patients_after == 3


def test_files_without_the_name_stand_for_themselves_and_are_counted(project: Project, tmp_path: Path) -> None:
    for number, name in enumerate(("00000001_000.png", "00000001_001.png", "00000002_000.png", "scan.png")):
        write_png(tmp_path / f"nih/{name}", number)
    import_folders(project, [tmp_path / "nih"])
    told = identify_patients(project, PatientRule("name", pattern="([0-9]{8})_[0-9]{3}"))
    assert (told.patients_after, told.alone) == (3, 1)
    assert counts(project).patients == 3


def test_stated_ids_are_left_alone_unless_asked(project: Project, tmp_path: Path) -> None:
    for number in range(6):
        write_image(tmp_path / f"films/person{number // 2}/{number}", patient="" if number > 3 else f"ID-{number}")
    import_folders(project, [tmp_path / "films"])
    identify_patients(project, PatientRule("folder"))
    assert counts(project).patients == 5, "four of their own IDs, one by folder"
    identify_patients(project, PatientRule("folder", everywhere=True))
    assert counts(project).patients == 3
    identify_patients(project, PatientRule("study"))
    assert counts(project).patients == 6, "the IDs count again"


def test_two_hospitals_with_the_same_numbers_are_asked_about(project: Project, tmp_path: Path) -> None:
    for hospital in ("North", "South"):
        for number in range(21, 25):
            sex = "F" if (hospital, number) == ("North", 21) else "M"
            seed = number + 10 * (hospital == "South")
            tags = {"InstitutionName": f"{hospital} Hospital", "PatientSex": sex}
            write_image(tmp_path / f"{hospital}/{number}", patient=f"{number}", number=seed, **tags)
    import_folders(project, [tmp_path / "North", tmp_path / "South"])
    shared = shared_numbers(project)
    assert shared is not None and shared.by == {"site": 4} and shared.different_sex == 1
    assert counts(project).patients == 4
    identify_patients(project, PatientRule(apart_by="site"))
    assert counts(project).patients == 8 and shared_numbers(project) is None
    identify_patients(project, PatientRule(apart_by="nothing"))
    assert counts(project).patients == 4 and shared_numbers(project) is None


@pytest.mark.parametrize("tag", ["issuer", "source"])
def test_issuers_and_folders_part_numbers_too(project: Project, tmp_path: Path, tag: str) -> None:
    for place in ("one", "two"):
        for number in (5, 6):
            tags = {"IssuerOfPatientID": place} if tag == "issuer" else {}
            seed = number + 10 * (place == "two")
            write_image(tmp_path / place / f"{number}", patient=f"{number}", number=seed, **tags)
    import_folders(project, [tmp_path / "one", tmp_path / "two"])
    shared = shared_numbers(project)
    assert shared is not None and shared.patients == 2 and tag in shared.by
    identify_patients(project, PatientRule(apart_by=tag))  # type: ignore[arg-type]
    assert counts(project).patients == 4


def test_levels_name_an_example(chexpert: Project) -> None:
    levels = folder_levels(chexpert)
    assert [(each.level, each.names, each.images) for each in levels] == [(1, 1, 24), (2, 12, 24), (3, 2, 24)]
    assert levels[1].example == "patient00000"


def test_without_the_places_a_rule_leaves_images_as_they_are(chexpert: Project) -> None:
    identify_patients(chexpert, PatientRule("image"))
    chexpert.sources.close()
    chexpert.sources.forget()
    with open_project(chexpert.root) as elsewhere:
        told = preview_patients(elsewhere, PatientRule("folder", level=2))
        assert (told.unplaced, told.patients_after) == (24, 24)


@pytest.mark.parametrize("text", ["folder", "folder:0", "folder:two", "name:", "name:(", "person"])
def test_rules_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(RuleUnusable):
        PatientRule.parse(text)


def test_the_command_shows_tries_and_sets(chexpert: Project, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(chexpert.root)
    chexpert.close()

    def said(*arguments: str) -> dict[str, object]:
        assert main(["patients", root, *arguments, "--json"]) == 0
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

    assert said()["unidentified"] == 24
    assert said("folder:2", "--preview")["patients_after"] == 12
    assert said()["patients"] == 1
    assert said("folder:2")["patients_after"] == 12
    assert said()["unidentified"] == 0
    assert main(["patients", root]) == 0
    told = capsys.readouterr().out
    assert "12 patients: folder 2 below the imported one names the patient." in told and "“patient00000”" in told
    with open_project(chexpert.root) as project:
        assert not unidentified_images(project) and latest_split(project) is None


def test_a_table_may_name_the_patients(chexpert: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["image,person"]
    for patient in range(12):
        for study in (1, 2):
            person = "" if (patient, study) == (11, 2) else f"a{patient}" if patient % 2 else f"A{patient + 1}"
            lines.append(f"patient{patient:05d}/study{study}/view1_frontal.png,{person}")
    (tmp_path / "people.csv").write_text("\n".join(lines))
    root = str(chexpert.root)
    chexpert.close()
    arguments = ["patients", root, "--table", str(tmp_path / "people.csv"), "--column", "person", "--json"]
    assert main([*arguments, "--preview"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["patients_after"], told["alone"]) == (13, 1), "A1 and a1 are two people; a blank cell names nobody"
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["patients_after"] == 13
    assert main(["patients", root, "--same-number", "nothing", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["patients_after"] == 13, "what the table said stays"
    with open_project(chexpert.root, lock=True) as project:
        import_folders(project, tmp_path / "chexpert", again=True)
        assert counts(project).patients == 13, "and stays when files are read again"
    (tmp_path / "others.csv").write_text("image,person\nx.png,1\ny.png,2\n")
    assert main(["patients", root, "--table", str(tmp_path / "others.csv"), "--column", "person"]) == 1
    assert main(["patients", root, "--table", str(tmp_path / "people.csv"), "--column", "nobody"]) == 1
    assert "person" in capsys.readouterr().err


@pytest.mark.parametrize("by", ["folder", "image"])
def test_patients_by_a_rule_of_an_earlier_version_are_known_and_grouped_anew(chexpert: Project, by: str) -> None:
    """Before format 5 the rule was one word, and what a file stated was not kept: migrated, it is the patient."""
    for image, sop in chexpert.db.execute("SELECT id, sop_hash FROM image").fetchall():
        source = source_of(chexpert, image)
        assert source is not None
        named = "/".join(source[0].parts[:-1]) if by == "folder" else sop
        id_hash = chexpert.keyed_hash(f"patient of {by}:{named}")
        number = patient_number(chexpert, id_hash)
        chexpert.db.execute("UPDATE image SET patient_id = ?, stated_hash = ? WHERE id = ?", (number, id_hash, image))
    chexpert.db.execute("INSERT INTO setting VALUES ('patient_rule', ?), ('constant_ids', '[]')", (by,))
    chexpert.db.commit()
    assert counts(chexpert).patients == 24 and not unidentified_images(chexpert)
    assert kept_rule(chexpert) == PatientRule(by, one_place=True)  # type: ignore[arg-type]
    assert identify_patients(chexpert, PatientRule("folder", level=2)).images == 24
    assert len(_names(chexpert)) == 12 == counts(chexpert).patients
    identify_patients(chexpert, PatientRule("id"))
    assert len(unidentified_images(chexpert)) == 24, "the files state nobody, as it was at first"
