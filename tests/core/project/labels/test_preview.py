"""Labels from CSV and folders: what matches, what does not, what contradicts itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from fineray.project.catalogue import counts, image_rows
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import (
    NoLabelMatches,
    TooFewClasses,
    apply_labels,
    preview_folders,
    preview_table,
)
from fineray.project.labels.table_file import LabelFileUnusable
from fineray.project.project import Project
from tests.support.images import write_image


@pytest.fixture
def study(project: Project, images: Callable[..., Path]) -> Project:
    """Six patients, two images each, in folders bright/ and dark/."""
    import_folders(project, [images()])
    return project


def _csv(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_folder_names_are_labels(study: Project) -> None:
    preview = preview_folders(study)
    assert preview.classes == {"bright": (6, 3), "dark": (6, 3)}
    assert counts(study).labelled == 0, "a preview applies nothing"
    assert apply_labels(study, preview) == 12
    assert counts(study).classes == {"bright": 6, "dark": 6}


def test_folders_of_a_published_split_are_parts_and_no_classes(project: Project, tmp_path: Path) -> None:
    for number, (part, name) in enumerate((part, name) for part in ("train", "Val", "test") for name in ("A", "B")):
        write_image(tmp_path / "images" / part / name / "0", patient=f"P{number}", number=number)
    import_folders(project, [tmp_path / "images"])
    preview = preview_folders(project)
    assert preview.classes == {"A": (3, 3), "B": (3, 3)}
    assert "parts of a split" in preview.notes[0]
    write_image(tmp_path / "images/test/1", patient="P9", number=9)
    import_folders(project, [tmp_path / "images"])
    assert set(preview_folders(project).classes) == {"Val", "test", "train"}, "not where images lie in a part itself"


@pytest.mark.parametrize("key", ["file", "patient_id"])
def test_by_file_and_by_patient(study: Project, tmp_path: Path, key: str) -> None:
    entries = {
        "file": ["bright/p0/0,x", "p1\\0,y", "./dark/p3/1,y", "gone/1,x"],
        "patient_id": ["PAT-0,x", "PAT-1,y", "PAT-9,x"],
    }[key]
    preview = preview_table(study, _csv(tmp_path, "\n".join([f"{key},label", *entries])))
    assert preview.unmatched_entries == (entries[-1].split(",")[0],)
    assert len(preview.matched) == (3 if key == "file" else 4)
    assert preview.unmatched_images == 12 - len(preview.matched)


def test_by_sop_instance_uid_on_real_files(project: Project, cxr: Path) -> None:
    import_folders(project, [cxr / "dicom/NIH00150", cxr / "dicom/NIH00165"])
    preview = preview_table(project, cxr / "labels.csv")
    assert len(preview.matched) == counts(project).images > 0
    assert len(preview.unmatched_entries) == 701 - len(preview.matched)


def test_contradictions_are_listed_and_left_out(study: Project, tmp_path: Path) -> None:
    text = "file,label\nbright/p0/0,x\nbright/p0/0,y\n0,x\nbright/p0/1,x\ndark/p1/0,\ndark/p1/1,y\n"
    preview = preview_table(study, _csv(tmp_path, text))
    problems = {conflict.entry: conflict.problem for conflict in preview.conflicts}
    assert problems["bright/p0/0"] == "is labelled x (row 2) and y (row 3)"
    assert "several imported files" in problems["0"]
    assert preview.blank == 1
    assert preview.classes == {"x": (1, 1), "y": (1, 1)}
    assert [warning.partition(":")[0] for warning in preview.warnings[:1]] == ["1 row without a label"]
    assert sum("one patient only" in warning for warning in preview.warnings) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_of_every_kind(study: Project, tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "Patient_ID,Label\r\nPAT-0,gesund\r\nPAT-1,Ödem\r\n".replace(",", delimiter)
    preview = preview_table(study, _csv(tmp_path, text, encoding))
    assert set(preview.classes) == {"gesund", "Ödem"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "columns are missing"),
        ("patient_id\nPAT-0\n", "columns are patient_id"),
        ("\0\0\0\1", "not text"),
    ],
)
def test_unusable_files_say_what_is_needed(study: Project, tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(LabelFileUnusable, match=reason) as caught:
        preview_table(study, _csv(tmp_path, text))
    assert caught.value.todo
    with pytest.raises(LabelFileUnusable, match="cannot be opened"):
        preview_table(study, tmp_path / "none.csv")


def test_an_excel_sheet_with_merged_cells_and_numbers(study: Project, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(["Patient_ID", "Label"])
    for row in (["PAT-0", 1], ["PAT-1", 2.0], ["PAT-2", None], [None, None], ["PAT-3", "2"]):
        sheet.append(row)
    sheet.merge_cells("B2:B2")
    sheet.merge_cells("B3:B4")
    book.create_sheet("other").append(["x"])
    book.save(tmp_path / "labels.xlsx")
    preview = preview_table(study, tmp_path / "labels.xlsx")
    assert preview.classes == {"1": (2, 1), "2": (6, 3)}
    assert any("Only the first sheet" in note for note in preview.warnings)
    assert any("merged cells" in note for note in preview.warnings)
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    with pytest.raises(LabelFileUnusable, match="Excel file cannot be read"):
        preview_table(study, tmp_path / "broken.xlsx")
    with pytest.raises(LabelFileUnusable, match="cannot be opened"):
        preview_table(study, tmp_path / "none.xlsx")


def test_labels_that_cannot_be_learned_change_nothing(study: Project, tmp_path: Path) -> None:
    apply_labels(study, preview_folders(study))
    with pytest.raises(NoLabelMatches):
        apply_labels(study, preview_table(study, _csv(tmp_path, "patient_id,label\nSTRANGER,x\n")))
    with pytest.raises(TooFewClasses, match="Every label says “x”"):
        apply_labels(study, preview_table(study, _csv(tmp_path, "patient_id,label\nPAT-0,x\nPAT-1,x\n")))
    assert counts(study).classes == {"bright": 6, "dark": 6}
    assert {row.label for row in image_rows(study)} == {"bright", "dark"}
