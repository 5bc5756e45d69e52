"""Label tables of public reports (../shared/cases): each comes out right, is refused, or says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fineray.errors import FinerayError
from fineray.project.files.importing import import_folders
from fineray.project.labels.from_table import preview_file
from fineray.project.labels.keys import Rule
from fineray.project.labels.origins import FromTable
from fineray.project.project import Project, create_project, open_project

FILMS = ("by-patient", "breasts", "two-hospitals")
HALVES = {"normal": 6, "pneumonia": 6}
# file -> films, rules, images by class, and words that must stand in a warning.
RIGHT: dict[str, tuple[int, tuple[Rule, ...], dict[str, int], str]] = {
    "49-control.csv": (0, (), HALVES, ""),
    "52-missing-marks.xlsx": (0, (), {"normal": 4, "pneumonia": 4}, "4 rows without a label"),
    "54-label-case.csv": (0, (), {"NORMAL": 6, "PNEUMONIA": 6}, "read as one class"),
    "56-one-and-one-point-zero.csv": (0, (), {"0": 6, "1": 6}, "read as one class"),
    "57-chexpert-column.csv": (0, (), {"0": 3, "1": 3}, "is uncertain"),
    "58-one-breast-only.csv": (1, (), {"benign": 8, "malignant": 8}, ""),
    "60-two-hospitals.csv": (2, (), {"disease": 6, "normal": 6}, "several institutions"),
    "62-filtered-rows.xlsx": (0, (), HALVES, "6 hidden or filtered rows"),
    "63-all-blank-findings.csv": (0, (), {"edema": 4, "pneumonia": 4}, "4 rows without a label"),
    "64-padchest-lists.csv": (0, (), {"cardiomegaly": 12, "normal": 6, "pneumonia": 6}, "list in the cell"),
    "66-nih-bars.csv": (0, (), {"Effusion": 6, "Pneumonia": 6}, "list in the cell"),
    "67-leading-zeros-lost.xlsx": (0, ("zeros",), HALVES, ""),
    "68-number-format-00000.xlsx": (0, (), HALVES, ""),
    "71-header-PatientID.csv": (0, (), HALVES, ""),
    "72-header-filename.csv": (0, (), HALVES, ""),
    "74-study-instance-uid.csv": (0, (), HALVES, ""),
    "75-accession-number.csv": (0, (), HALVES, ""),
    "76-absolute-path-windows.csv": (0, ("path",), HALVES, ""),
    "77-absolute-path-linux.csv": (0, ("path",), HALVES, ""),
    "78-no-extension.csv": (0, ("extension",), HALVES, ""),
    "80-sep-line.csv": (0, (), HALVES, ""),
    "81-title-row.xlsx": (0, (), HALVES, "header was found in row 2"),
    "84-old-excel.xls": (0, (), HALVES, ""),
    "85-both-breasts.csv": (1, (), {"benign": 16, "malignant": 16}, ""),
    "87-formula-without-value.xlsx": (0, (), {}, "12 formulas without a value"),
}


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory, shared_file: Callable[[str], Path]) -> Iterator[list[Project]]:
    """A project of each folder of films."""
    films = shared_file("cases/README.md").parent / "films"
    root = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(root))
        made = []
        for name in FILMS:
            create_project(root / name)
            made.append(open_project(root / name))
            import_folders(made[-1], [films / name])
        yield made
        for each in made:
            each.close()


@pytest.mark.parametrize("name", RIGHT)
def test_each_comes_out_right(name: str, studies: list[Project], shared_file: Callable[[str], Path]) -> None:
    films, rules, classes, words = RIGHT[name]
    preview = preview_file(studies[films], FromTable(shared_file(f"cases/give/{name}"), rules=rules))
    assert {each: images for each, (images, _) in preview.classes.items()} == classes
    assert any(words in warning for warning in preview.warnings) or not words
    assert not preview.conflicts
    if rules:
        off = preview_file(studies[films], FromTable(shared_file(f"cases/give/{name}")))
        assert off.matched == () and off.reading is not None
        assert {each.rule: each.rows for each in off.reading.rules}[rules[0]] == 12


def test_two_columns_of_one_name_are_refused(studies: list[Project], shared_file: Callable[[str], Path]) -> None:
    with pytest.raises(FinerayError, match="columns B and C"):
        preview_file(studies[0], FromTable(shared_file("cases/give/50-duplicate-header.csv")))
