"""What cells say: nothing, a class however it is spelled, findings; what is mended is told, and can be kept."""

from __future__ import annotations

import pytest

from fineray.project.labels.cell_values import are_flags, joined, read_classes, read_findings

ALL = frozenset({"missing", "spelling", "lists"})


def test_marks_for_no_value_are_counted_and_may_be_classes() -> None:
    cells = ["#N/A", "nan", "normal", "N/A", "unknown", "-", "?", "", "NULL", "none"]
    read = read_classes(cells)
    assert read.values == ["", "", "normal", "", "", "", "", "", "", "none"], "none is a grade of many scales"
    assert read.missing == {"#N/A": 1, "nan": 1, "N/A": 1, "unknown": 1, "-": 1, "?": 1, "NULL": 1}
    assert read_classes(cells, frozenset({"missing"})).values == cells
    assert read_classes(["+", "-", "+"]).values == ["+", "-", "+"], "two classes that belong together"


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["Pneumonia", "pneumonia", "PNEUMONIA", "pneumonia ", "normal"], ["pneumonia"] * 4 + ["normal"]),
        (["0", "0.0", "1", "1.0"], ["0", "0", "1", "1"]),
        (["1", "TRUE", "yes", "0", "FALSE", "no", "1"], ["1", "1", "1", "0", "0", "0", "1"]),
        (["yes", "no", "2"], ["yes", "no", "2"]),
        (["pleural  effusion", "Pleural effusion", "pleural effusion"], ["pleural effusion"] * 3),
        (["1.5", "1.50"], ["1.5", "1.50"]),
    ],
)
def test_spellings_of_a_class_are_one_and_told(cells: list[str], values: list[str]) -> None:
    read = read_classes(cells)
    if "yes" in values or "1.5" in values:
        assert (read.values, read.notes) == (values, ())
        return
    assert len(set(read.values)) == len(set(values)) and [each.casefold() for each in read.values] == values
    assert any("read as" in note for note in read.notes)
    assert read_classes(cells, ALL).values == cells
    assert read_classes(cells, ALL).notes == ()


def test_the_spelling_of_the_label_set_counts() -> None:
    assert read_classes(["normal", "normal", "NORMAL"], known=["Normal"]).values == ["Normal"] * 3


def test_minus_one_is_uncertain_where_a_column_holds_0_and_1_beside_it() -> None:
    read = read_classes(["1.0", "0.0", "-1.0", ""])
    assert read.values == ["1", "0", "uncertain", ""]
    assert any("uncertain" in note and "1 row" in note for note in read.notes)
    assert read_classes(["-1", "0", "2"]).values == ["-1", "0", "2"], "a scale of its own"


@pytest.mark.parametrize(
    "cells",
    [
        ["No Finding", "effusion|nodule", "nodule"],
        ["none", "effusion; nodule", "nodule"],
        ["[]", "['effusion', 'nodule']", "['nodule']"],
        ["[]", '["effusion", "nodule"]', '["nodule"]'],
        ["[]", "[effusion, nodule]", "[nodule]"],
    ],
)
def test_lists_in_a_cell_are_findings(cells: list[str]) -> None:
    read = read_classes(cells)
    assert (read.kind, read.values) == ("multi", ["none", "effusion|nodule", "nodule"])
    assert "list" in read.notes[0]
    kept = read_classes(cells, frozenset({"lists"}))
    assert (kept.kind, kept.values) == ("single", cells)


def test_sentences_with_bars_and_semicolons_are_no_lists() -> None:
    sentence = "No pneumothorax; the left hemidiaphragm is raised as it was half a year before | see the other film"
    assert read_classes([sentence, "normal"]).kind == "single"


def test_doubt_spelling_and_missing_marks_inside_lists() -> None:
    read = read_classes(["effusion?|Nodule", "Effusion|nan", "effusion|effusion?", "nan"])
    assert read.values == ["Nodule|effusion?", "effusion", "effusion", ""]


def test_a_column_for_each_finding() -> None:
    columns = {"effusion": ["1.0", "", "-1", "nan", "0", "maybe not"], "nodule": ["", "", "0", "", "", "1"]}
    read = read_findings(columns)
    assert read.values == ["effusion", "", "effusion?", "", "none", ""]
    assert read.missing == {"nan": 1} and read.problems == {
        5: "says “maybe not” under effusion, which is not yes, no or uncertain"
    }
    assert read_findings({"EFFUSION": ["1"]}, known=["effusion"]).values == ["effusion"]


def test_flags_are_told_from_other_columns() -> None:
    assert are_flags(["1.0", "", "-1.0", "0"]) and are_flags(["yes", "no", "n/a"])
    assert not are_flags(["", "nan"]) and not are_flags(["1", "2"]) and not are_flags(["M", "F"])


def test_rows_join_into_findings() -> None:
    assert joined(["effusion?", "effusion", "nodule", "none"]) == "effusion|nodule"
    assert joined(["none", "none"]) == "none"
