"""A label stays with its picture: one SOP Instance UID on several images, files that change, copies."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from fineray.dicom.reading_notes import ReadingNote
from fineray.project.catalogue import counts, file_rows, image_rows
from fineray.project.changes import set_labels
from fineray.project.files.importing import import_folders
from fineray.project.project import Project
from tests.support.images import texture, write_image, write_picture


def _pixels(project: Project) -> dict[int, np.ndarray]:
    return {row.id: project.pixels.read(row.stored_at).copy() for row in image_rows(project)}


def _warnings(project: Project) -> dict[int, str]:
    return dict(project.db.execute("SELECT id, warnings FROM image"))


@pytest.mark.parametrize("together", [True, False])
def test_another_picture_under_the_same_uid_is_kept_beside_the_first(
    project: Project, tmp_path: Path, together: bool
) -> None:
    first = write_picture(tmp_path / "A/one", texture(1, 1), "SITE-A-1")
    write_picture(tmp_path / "B/one", texture(2, 1), "SITE-B-1", SOPInstanceUID=first.SOPInstanceUID)
    write_picture(tmp_path / "A/two", texture(3, 1), "SITE-A-2")
    if together:
        import_folders(project, [tmp_path / "A", tmp_path / "B"])
    else:
        import_folders(project, [tmp_path / "A"])
        before, patients = _pixels(project), {row.id: row.patient for row in image_rows(project)}
        set_labels(project, dict.fromkeys(before, "seen"), "test")
        import_folders(project, [tmp_path / "B"])
        for row in image_rows(project):
            assert (row.label == "seen") == (row.id in before)
            if row.id in before:
                np.testing.assert_array_equal(project.pixels.read(row.stored_at), before[row.id])
                assert row.patient == patients[row.id]
    assert (counts(project).images, counts(project).patients) == (3, 3)
    assert sorted(ReadingNote.SHARED_UID in text for text in _warnings(project).values()) == [False, True, True]
    assert any(ReadingNote.SHARED_UID in row.reason for row in file_rows(project))
    again = import_folders(project, [tmp_path / "A", tmp_path / "B"], again=True)
    assert (again.imported, counts(project).images) == (3, 3)


def test_a_file_that_comes_to_hold_another_picture_leaves_the_label_with_the_old_one(
    project: Project, tmp_path: Path
) -> None:
    path = tmp_path / "images/one"
    first = write_picture(path, texture(1, 1), "P")
    import_folders(project, [path.parent])
    (row,) = image_rows(project)
    old = project.pixels.read(row.stored_at).copy()
    set_labels(project, {row.id: "nodule"}, "test")
    write_picture(path, texture(2, 2), "P", SOPInstanceUID=first.SOPInstanceUID)
    os.utime(path, ns=(1, 1))
    import_folders(project, [path.parent])
    labels = {row.id: row.label for row in image_rows(project)}
    assert sorted(labels.values()) == ["", "nodule"]
    kept = next(row for row in image_rows(project) if row.label)
    np.testing.assert_array_equal(project.pixels.read(kept.stored_at), old)
    write_picture(path, texture(3, 3), "P", SOPInstanceUID=first.SOPInstanceUID)
    os.utime(path, ns=(2, 2))
    import_folders(project, [path.parent])
    assert counts(project).images == 3


def test_the_same_picture_windowed_otherwise_is_changed_in_place(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "images/one"
    first = write_picture(path, texture(1, 1), "P")
    import_folders(project, [path.parent])
    (row,) = image_rows(project)
    set_labels(project, {row.id: "nodule"}, "test")
    lighter = (texture(1, 1) * 0.7 + 800).astype(np.uint16)
    write_picture(path, lighter, "P", SOPInstanceUID=first.SOPInstanceUID, AccessionNumber="77")
    os.utime(path, ns=(1, 1))
    import_folders(project, [path.parent])
    (now,) = image_rows(project)
    assert (now.id, now.label) == (row.id, "nodule") and now.stored_at != row.stored_at
    assert not _warnings(project)[now.id]


def test_a_file_that_was_read_as_nothing_but_black_is_put_right_in_place(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "images/one"
    first = write_picture(path, np.zeros((40, 48), np.uint16), "P")
    import_folders(project, [path.parent])
    (row,) = image_rows(project)
    set_labels(project, {row.id: "nodule"}, "test")
    write_picture(path, texture(1, 1), "P", SOPInstanceUID=first.SOPInstanceUID)
    os.utime(path, ns=(1, 1))
    import_folders(project, [path.parent])
    (now,) = image_rows(project)
    assert (now.id, now.label) == (row.id, "nodule") and project.pixels.read(now.stored_at).any()


def test_reading_again_takes_what_the_catalogue_did_not_keep(project: Project, tmp_path: Path) -> None:
    write_image(tmp_path / "images/one", patient="P", AccessionNumber="4711")
    import_folders(project, [tmp_path / "images"])
    project.db.execute("UPDATE image SET accession_hash = ''")
    assert import_folders(project, [tmp_path / "images"]).unchanged == 1
    assert import_folders(project, [tmp_path / "images"], again=True).imported == 1
    (found,) = project.db.execute("SELECT accession_hash FROM image").fetchone()
    assert found == project.keyed_hash("accession:4711")


def test_the_same_pixels_of_another_patient_count_once_and_are_told(project: Project, tmp_path: Path) -> None:
    first = write_picture(tmp_path / "images/one", texture(1, 1), "P")
    write_picture(tmp_path / "images/two", texture(1, 1), "Q", SOPInstanceUID=first.SOPInstanceUID)
    summary = import_folders(project, [tmp_path / "images"])
    assert (summary.imported, summary.duplicates) == (1, 1)
    assert list(_warnings(project).values()) == [ReadingNote.OF_ANOTHER]


def test_a_copy_that_was_encoded_or_windowed_otherwise_counts_once(project: Project, tmp_path: Path) -> None:
    first = write_picture(tmp_path / "images/one", texture(1, 1), "P")
    import_folders(project, [tmp_path / "images"])
    (before,) = image_rows(project)
    lighter = (texture(1, 1) * 0.9 + 200).astype(np.uint16)
    write_picture(tmp_path / "images/two", lighter, "P", SOPInstanceUID=first.SOPInstanceUID)
    assert import_folders(project, [tmp_path / "images"]).duplicates == 1
    (now,) = image_rows(project)
    assert now.stored_at == before.stored_at, "what is known stays as it is"


def test_what_one_version_could_not_read_is_tried_again_by_another(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_image(tmp_path / "images/one", patient="P")
    (tmp_path / "images/broken").write_bytes(b"")
    import_folders(project, [tmp_path / "images"])
    assert import_folders(project, [tmp_path / "images"]).unchanged == 2
    monkeypatch.setattr("fineray.project.files.importing.reader", lambda: "9.9 otherwise")
    summary = import_folders(project, [tmp_path / "images"])
    assert (summary.unchanged, summary.failed) == (1, 1)
    assert import_folders(project, [tmp_path / "images"]).unchanged == 2
