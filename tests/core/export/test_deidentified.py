"""Identity planted wherever DICOM has a place for it is found in no project, log or export; the key file leads back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from fineray.dicom.letters import Region
from fineray.dicom.location import FileLocation
from fineray.dicom.read import read_radiograph
from fineray.export.deidentified import CannotExport, export_deidentified
from fineray.export.key_file import KeyFileRefused, read_key_file, write_key_file
from fineray.export.options import ExportOptions
from fineray.progress import Monitor
from fineray.project.blanking import blanked_regions, set_blanked_regions
from fineray.project.files.importing import import_folders
from fineray.project.project import Project, create_project, open_project
from tests.support.identity import DIGITS, MARKS, NAME, full_of_identity, marks_in
from tests.support.images import write_image


@pytest.mark.integration
def test_planted_identity_is_found_nowhere(tmp_path: Path, home: Path) -> None:
    for number in range(2):
        full_of_identity(tmp_path / f"in/{number}.dcm")
    assert any(marks_in(tmp_path / "in")), "the marks can be found where they are"
    project, out, key = tmp_path / "project", tmp_path / "out", tmp_path / "key.json"
    log = b""
    for command in (
        ["new", str(project)],
        ["import", str(project), str(tmp_path / "in"), "--json"],
        ["doctor", str(project), "--json"],
        ["deidentify", str(project), str(out), "--key", str(key), "--json"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "fineray.cli.main", *command],
            capture_output=True,
            env={**os.environ, "FINERAY_PASSPHRASE": "a long passphrase"},
            check=True,
            timeout=200,
        )
        log += done.stdout + done.stderr
    assert json.loads(done.stdout)["images"] == 1, "the same image twice counts once"
    assert list(marks_in(out)) == []
    assert list(marks_in(project)) == []
    assert list(marks_in(home)) == []
    assert not [mark for mark in MARKS if mark in log.lower()]
    assert not [mark for mark in MARKS if mark in key.read_bytes().lower()]
    assert read_key_file(key, "a long passphrase")["patients"]["P00001"][0]["PatientID"] == f"{NAME}-{DIGITS}"


def test_two_exports_of_a_project_agree_and_two_projects_do_not(tmp_path: Path) -> None:
    for number in range(2):
        write_image(
            tmp_path / f"in/{number}", patient="A", number=number, StudyInstanceUID="1.2.3", StudyDate="20200105"
        )
    studies = []
    for name in ("one", "two"):
        create_project(tmp_path / name)
        with open_project(tmp_path / name) as project:
            import_folders(project, [tmp_path / "in"])
            for turn in "ab":
                export_deidentified(project, tmp_path / name / turn, ExportOptions(), Monitor())
                files = sorted((tmp_path / name / turn).rglob("*.dcm"))
                found = [pydicom.dcmread(path) for path in files]
                assert len({ds.StudyInstanceUID for ds in found}) == 1, "images of a study stay in it"
                assert len({ds.SOPInstanceUID for ds in found}) == 2
                studies.append((found[0].StudyInstanceUID, found[0].StudyDate))
    assert studies[0] == studies[1] and studies[2] == studies[3]
    assert studies[0][0] != studies[2][0]


@pytest.fixture
def study(project: Project, tmp_path: Path) -> Project:
    for number in range(3):
        tags = {"BurnedInAnnotation": "YES"} if number == 2 else {}
        write_image(tmp_path / f"in/{number}", patient=f"P{number}", number=number, **tags)
    import_folders(project, [tmp_path / "in"])
    return project


def test_exported_images_import_again_as_they_were(study: Project, tmp_path: Path) -> None:
    summary = export_deidentified(study, tmp_path / "out", ExportOptions(), Monitor())
    assert summary.images == 2
    assert summary.held_back == {"it says that letters are burned in, and none were found: blank them by hand": 1}
    create_project(tmp_path / "again")
    with open_project(tmp_path / "again") as again:
        import_folders(again, [tmp_path / "out"])
        hashes = {row[0] for row in again.db.execute("SELECT content_hash FROM image")}
    assert hashes < {row[0] for row in study.db.execute("SELECT content_hash FROM image")}


def test_regions_drawn_by_hand_are_black_in_the_export(study: Project, tmp_path: Path) -> None:
    (image,) = study.db.execute("SELECT id FROM image WHERE burned_in = 'YES'").fetchone()
    set_blanked_regions(study, image, [Region(0.0, 0.0, 0.5, 1.0)])
    assert blanked_regions(study) == {image: (Region(0.0, 0.0, 0.5, 1.0),)}
    summary = export_deidentified(study, tmp_path / "out", ExportOptions(), Monitor())
    assert (summary.images, summary.blanked, summary.held_back) == (3, 1, {})
    [path] = (tmp_path / "out").rglob(f"{image:06d}.dcm")
    values = read_radiograph(FileLocation(path)).image.values
    assert len(np.unique(values[:24])) == 1 and len(np.unique(values[24:])) > 100


def test_the_export_wants_an_empty_folder_and_images(study: Project, tmp_path: Path) -> None:
    with pytest.raises(CannotExport, match="empty folder"):
        export_deidentified(study, tmp_path / "in", ExportOptions(), Monitor())
    for path in (tmp_path / "in").iterdir():
        path.unlink()
    with pytest.raises(CannotExport, match="not at hand"):
        export_deidentified(study, tmp_path / "out", ExportOptions(), Monitor())


def test_a_key_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(KeyFileRefused, match="no such file"):
        read_key_file(tmp_path / "who.key", "way of work")


def test_the_key_file_is_unreadable_without_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    with pytest.raises(KeyFileRefused, match="fewer than 8"):
        write_key_file(path, "short", {})
    write_key_file(path, "a long passphrase", {"patients": {"P00001": "Smith"}})
    assert path.stat().st_mode & 0o077 == 0 and b"Smith" not in path.read_bytes()
    assert read_key_file(path, "a long passphrase") == {"patients": {"P00001": "Smith"}}
    with pytest.raises(KeyFileRefused, match="wrong"):
        read_key_file(path, "another passphrase")
    found = json.loads(path.read_text())
    for name, value in (("n", 2**14), ("format", "other"), ("n", 2**30), ("salt", "!"), ("secret", "AAAA")):
        (tmp_path / "changed.json").write_text(json.dumps({**found, name: value}))
        with pytest.raises(KeyFileRefused):
            read_key_file(tmp_path / "changed.json", "a long passphrase")
