"""Rows and images: by whatever names them, never on the wrong image, and every row counted once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fineray.label_values import LabelSetUnusable
from fineray.project.files.importing import import_folders
from fineray.project.labels.applying import NoLabelMatches, apply_labels
from fineray.project.labels.from_table import preview_file, preview_rows
from fineray.project.labels.keys import KINDS
from fineray.project.labels.origins import FromTable
from fineray.project.labels.outcome import LabelPreview
from fineray.project.labels.table import LabelFileUnusable, table_of
from fineray.project.patients.identify import identify_patients
from fineray.project.patients.rule import PatientRule
from fineray.project.project import Project, create_project, open_project
from tests.support.images import write_image

SIDES, VIEWS = ("L", "R"), ("CC", "MLO")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four patients with both breasts in two views (B0 to B3); four with one image each, zeros before their numbers, in
    folders of their own under one file name (00101 to 00104); the home that knows the files."""
    root = tmp_path_factory.mktemp("tables")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINERAY_HOME", str(root / "home"))
        for patient in range(4):
            for number, (side, view) in enumerate((side, view) for side in SIDES for view in VIEWS):
                write_image(
                    root / f"images/breasts/B{patient}_{side}_{view}.dcm", patient=f"B{patient}", number=number,
                    ImageLaterality=side, ViewPosition=view, StudyInstanceUID=f"1.2.3.{patient}", StudyDate="20200131",
                    SeriesInstanceUID=f"1.2.4.{patient}.{number}", SOPInstanceUID=f"1.2.5.{patient}.{number}",
                )  # fmt: skip
        for number in range(101, 105):
            write_image(
                root / f"images/single/{number:05d}/Film.dcm", patient=f"{number:05d}", AccessionNumber=f"A{number}",
                StudyInstanceUID=f"1.2.3.{number}", StudyDate=f"202003{number - 100:02d}", ViewPosition="PA",
                SOPInstanceUID=f"1.2.5.{number}",
            )  # fmt: skip
        create_project(root / "study")
        with open_project(root / "study") as project:
            import_folders(project, [root / "images"])
    return root


@pytest.fixture
def study(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """That project; nothing is written to it."""
    monkeypatch.setenv("FINERAY_HOME", str(folder / "home"))
    with open_project(folder / "study") as project:
        yield project


def _read(study: Project, text: str, **choices: object) -> LabelPreview:
    header, *rows = [line.split(",") for line in text.strip().splitlines()]
    return preview_rows(study, table_of(header, rows), FromTable(Path("t.csv"), **choices))  # type: ignore[arg-type]


def _places(study: Project, preview: LabelPreview) -> dict[str, str]:
    """File name (with its folder where it is called Film) -> label."""
    hashes = dict(study.db.execute("SELECT image_id, path_hash FROM image_file"))
    found = {}
    for image, label in preview.matched:
        location = study.sources.location(hashes[image])
        assert location is not None
        found[location.path.stem if location.path.stem != "Film" else location.path.parent.name] = label
    return found


EVERY = {"00101": "x", "00102": "y", "00103": "x", "00104": "y"}
LABELS = ("x", "y", "x", "y")


@pytest.mark.parametrize(
    ("kind", "header", "entry"),
    [
        ("patient_id", "PatientID", "{:05d}"),
        ("patient_id", "whatever", "{:05d}"),
        ("sop_instance_uid", "c1", "1.2.5.{}"),
        ("study_instance_uid", "c1", "1.2.3.{}"),
        ("accession_number", "c1", "A{}"),
        ("file", "c1", "{:05d}/Film.dcm"),
        ("file", "filename", "single\\{:05d}\\Film.dcm"),
        ("folder", "c1", "single/{:05d}"),
    ],
)
def test_the_key_is_told_by_its_values(study: Project, kind: str, header: str, entry: str) -> None:
    rows = "\n".join(f"note,{entry.format(n)},{label}" for n, label in zip(range(101, 105), LABELS, strict=True))
    preview = _read(study, f"remark,{header},finding of the reader\n{rows}", columns=("finding of the reader",))
    assert preview.reading is not None
    assert (preview.reading.key, preview.reading.kind) == (header, kind)
    assert _places(study, preview) == EVERY


def test_a_series_means_its_images(study: Project) -> None:
    preview = _read(study, "s,label\n1.2.4.0.0,x\n1.2.4.1.3,y")
    assert _places(study, preview) == {"B0_L_CC": "x", "B1_R_MLO": "y"}


def test_labels_are_no_key_where_classes_are_called_like_folders(study: Project) -> None:
    rows = "\n".join(f"/data/{n:05d}/Film.dcm,{('single', 'breasts')[n % 2]}" for n in range(101, 105))
    preview = _read(study, f"path,class\n{rows}")
    assert preview.reading is not None and preview.reading.key == "path" and not preview.matched


def test_the_key_may_be_chosen_against_the_guess(study: Project) -> None:
    text = "a,b,label\n00101,00102,x\n00103,00104,y"
    assert set(_places(study, _read(study, text))) == {"00101", "00103"}
    assert set(_places(study, _read(study, text, key="B"))) == {"00102", "00104"}
    assert _read(study, text, key="a", key_kind="accession_number").matched == ()
    with pytest.raises(LabelFileUnusable, match="no column “c”"):
        _read(study, text, key="c")
    with pytest.raises(LabelFileUnusable, match="both the key and the label"):
        _read(study, text, key="label", columns=("label",))


@pytest.mark.parametrize(
    ("rules", "entry", "hint"),
    [
        (("zeros",), "{}", "leading zeros?"),
        (("decimal",), "{:05d}.0", "“.0” at the end?"),
        (("zeros", "decimal"), "{}.0", "leading zeros and “.0” at the end?"),
        (("extension",), "{:05d}/Film", "the extension?"),
        (("extension",), "{:05d}/Film.png", "the extension?"),
        (("case",), "{:05d}/FILM.DCM", "capital and small letters?"),
        (("path",), "D:\\study\\{:05d}\\Film.dcm", "the path's end?"),
        (("path",), "/mnt/data/{:05d}/Film.dcm", "the path's end?"),
        (("path", "extension", "case"), "/mnt/data/{:05d}/film", "capital"),
    ],
)
def test_rules_match_more_only_when_they_are_on(study: Project, rules: tuple[str, ...], entry: str, hint: str) -> None:
    rows = "\n".join(f"{entry.format(n)},{label}" for n, label in zip(range(101, 105), LABELS, strict=True))
    off = _read(study, f"id,label\n{rows}")
    assert off.reading is not None and off.matched == ()
    assert off.reading.unmatched == 4 and len(off.reading.unmatched_rows) == 4
    assert all(hint in each.note for each in off.reading.unmatched_rows)
    if len(rules) == 1:
        assert {each.rule: each.rows for each in off.reading.rules}[rules[0]] == 4
    with pytest.raises(NoLabelMatches) as caught:
        apply_labels(study, off)
    assert (f"“{rules[0]}” would match 4 of 4" if len(rules) == 1 else "Row 2") in caught.value.todo
    on = _read(study, f"id,label\n{rows}", rules=rules)
    assert _places(study, on) == EVERY
    assert on.reading is not None and all(each.note for each in on.reading.matched_rows)
    assert [each.rows for each in on.reading.rules if each.on] == [4] * len(rules)


def test_rules_never_give_one_image_the_labels_of_two_entries(study: Project) -> None:
    preview = _read(study, "id,label\n00101,x\n101,y\n0102,x\n102,y\n00103,x", rules=("zeros",))
    assert _places(study, preview) == {"00101": "x", "00103": "x"}
    assert [each.row for each in preview.conflicts] == [3, 4, 5]
    assert "“00101”" in preview.conflicts[0].problem


def test_the_end_of_a_path_alone_is_no_match_where_rows_share_it(study: Project) -> None:
    """Folders 00901 and 00902 are not in the project; their Film.dcm is not another's."""
    text = "id,label\n/a/00901/B0_L_CC.dcm,x\n/a/00902/B0_L_CC.dcm,y\n/a/00101/Film.dcm,x"
    assert set(_places(study, _read(study, text, rules=("path",), key_kind="file"))) == {"00101"}
    text = "id,label\n/a/breasts/B0_L_CC.dcm,x\n/a/00902/B0_L_CC.dcm,y"
    assert _places(study, _read(study, text, rules=("path",), key_kind="file")) == {"B0_L_CC": "x"}
    preview = _read(study, "id,label\n/a/Film.dcm,x\n/a/single/00101/Film.dcm,y", rules=("path",), key_kind="file")
    assert "fits several imported files" in preview.conflicts[0].problem


def test_the_nearest_files_are_told(study: Project) -> None:
    preview = _read(study, "file,label\nB0_L_C.dcm,x\nB1-R-MLO.dcm,y\nqqqq.dcm,x")
    assert preview.reading is not None
    notes = [each.note for each in preview.reading.unmatched_rows]
    assert "B0_L_CC.dcm" in notes[0] and "B1_R_MLO.dcm" in notes[1] and notes[2] == "no file is called like it"
    preview = _read(study, "id,label\n1.2.3.101,x\n1.2.3.102,y", key_kind="sop_instance_uid")
    assert preview.reading is not None
    assert "Study Instance UID" in preview.reading.unmatched_rows[0].note


BREASTS = "patient_id,side,result\n" + "\n".join(
    f"B{n},{side},{('benign', 'malignant')[(n + at) % 2]}" for n in range(4) for at, side in enumerate(("left", "R"))
)


def test_a_side_joins_the_key(study: Project) -> None:
    preview = _read(study, BREASTS)
    assert preview.reading is not None and preview.reading.beside == ("side",)
    assert preview.label_set == "result" and len(preview.matched) == 16
    found = _places(study, preview)
    assert (found["B0_L_CC"], found["B0_R_CC"], found["B1_L_MLO"]) == ("benign", "malignant", "malignant")
    assert preview.reading.matched_rows[0].key == "B0 left"


def test_one_side_leaves_the_other_alone_and_ignoring_it_is_told_by_row(study: Project) -> None:
    text = "patient_id,laterality,label\nB0,L,benign\nB1,L,malignant\nB2,L,benign"
    assert {name[3] for name in _places(study, _read(study, text))} == {"L"}
    ignored = _read(study, text, beside=())
    assert len(ignored.matched) == 12
    assert any("“laterality” is not used" in note and "rows 2 to 4" in note for note in ignored.warnings)
    both = _read(study, BREASTS, beside=())
    assert (both.matched, len(both.conflicts)) == ((), 8), "row by row"
    assert [each.row for each in both.conflicts] == list(range(2, 10))
    without = _read(study, "patient_id,label\nB0,x\nB1,y")
    assert any("row" in note and "both sides" in note for note in without.warnings)


def test_view_and_date_join_the_key_and_a_day_of_birth_does_not(study: Project) -> None:
    views = _read(study, "patient,ViewPosition,label\nB0,CC,x\nB0,MLO,y")
    assert {name[5:]: label for name, label in _places(study, views).items()} == {"CC": "x", "MLO": "y"}
    days = _read(study, "patient,exam date,label\n00101,1.3.2020,x\n00102,02.03.2020,y\n00103,17.3.2020,x")
    assert _places(study, days) == {"00101": "x", "00102": "y"}
    assert "none of its images has that study date" in days.conflicts[0].problem
    american = _read(study, "patient,exam date,label\n00101,3/1/2020,x\n00102,3/2/2020,y\n00104,03/04/2020,y")
    assert len(american.matched) == 3, "the order of day and month by which studies are found"
    mixed = _read(study, "patient,study date,label\n00101,2020-03-01,x\n00102,20200302 10:00,y\n00103,3.4.2020,x")
    assert _places(study, mixed) == {"00101": "x", "00102": "y"} and [each.row for each in mixed.conflicts] == [4]
    birth = _read(study, "patient,date,label\n00101,1950-01-01,x\n00102,1950-01-02,y")
    assert len(birth.matched) == 2 and any("“date” are not used" in note for note in birth.notes)


def test_a_side_that_images_do_not_state_is_a_conflict_unless_nothing_can_be_mistaken(study: Project) -> None:
    preview = _read(study, "patient_id,side,label\n00101,L,x\n00102,L,y\n00102,R,x\nB0,L,x")
    assert _places(study, preview) == {"00101": "x", "B0_L_CC": "x", "B0_L_MLO": "x"}
    assert [(each.row, each.problem) for each in preview.conflicts] == [
        (3, "its images do not state the laterality"),
        (4, "its images do not state the laterality"),
    ]
    with pytest.raises(LabelFileUnusable, match="states no side, view or date"):
        _read(study, "patient_id,note,label\nB0,well,x", beside=("note",))


def test_a_table_without_a_header_is_refused_and_one_without_rows_says_so(study: Project) -> None:
    with pytest.raises(LabelFileUnusable, match="“00101”, is of an image"):
        _read(study, "00101,x\n00102,y\n00103,x")
    assert "no rows" in _read(study, "patient_id,label").notes[0]


def test_every_row_is_counted_once(study: Project) -> None:
    text = "patient_id,label\n00101,x\n00102,nan\n00103,\n99999,y\n00104,x\n00104,y\n00101,x\n,y"
    preview = _read(study, text)
    counted = preview.reading
    assert counted is not None and counted.rows == 8
    assert (counted.matched, counted.unmatched, counted.blank, counted.conflicting, counted.left_out) == (2, 1, 2, 3, 0)
    assert counted.missing == {"nan": 1}
    assert [(each.row, each.problem) for each in preview.conflicts] == [
        (6, "is labelled x (row 6) and y (row 7)"),
        (7, "is labelled x (row 6) and y (row 7)"),
        (9, "names no image: the key is empty"),
    ]
    kept = _read(study, text, keep=("missing",))
    assert _places(study, kept) == {"00101": "x", "00102": "nan"}


def test_several_rows_of_an_image_join_on_request(study: Project) -> None:
    rows = ("00101/Film.dcm,effusion", "00101/Film.dcm,nodule", "00102/Film.dcm,No finding", "00103/Film.dcm,nodule")
    text = "\n".join(["image,class_name", *rows])
    apart = _read(study, text)
    assert apart.reading is not None
    assert (len(apart.conflicts), apart.reading.several, apart.kind) == (2, 1, "single")
    joined = _read(study, text, several_rows="join")
    assert (joined.kind, joined.conflicts, joined.label_set) == ("multi", (), "class_name")
    assert _places(study, joined) == {"00101": "effusion|nodule", "00102": "none", "00103": "nodule"}


def test_label_columns_are_guessed(study: Project) -> None:
    ids = "".join(f"\n000{n + 101:02d}"[:1] + f"{n + 101:05d}," + "{}" for n in range(4))
    chexpert = _read(
        study, "id,Sex,Age,Edema,Pleural Effusion" + ids.format("M,40,1.0,", "F,3,0.0,-1.0", "M,9,,", "F,1,,1")
    )
    assert (chexpert.kind, chexpert.label_set) == ("multi", "findings")
    assert _places(study, chexpert) == {"00101": "Edema", "00102": "Pleural Effusion?", "00104": "Pleural Effusion"}
    sided = _read(study, "file,sex,side,opinion\nB0_L_CC.dcm,F,L,x\nB0_R_CC.dcm,F,R,y")
    assert sided.label_set == "opinion", "neither sex nor side"
    bars = _read(study, "id,Finding Labels" + ids.format("No Finding", "A|B", "B", "A"))
    assert (bars.kind, bars.label_set, set(bars.classes)) == ("multi", "Finding Labels", {"A", "B"})
    with pytest.raises(LabelSetUnusable, match="one class, not several findings"):
        _read(study, "id,label" + ids.format("a|b", "b", "a", "b"), into="label")


def test_cut_numbers_and_wide_rows_name_no_image(study: Project, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("patient_id,label\n1.23457E+15,x\n00101,y\n00102,x,z\n")
    preview = preview_file(study, FromTable(tmp_path / "t.csv"))
    assert [(each.row, each.problem) for each in preview.conflicts] == [
        (2, "is a long number that a spreadsheet cut to 15 digits"),
        (4, "has more cells than the header has columns"),
    ]
    assert preview.reading is not None and preview.reading.left_out == 1
    rows = "\n".join(f"{n}00,x" for n in range(12345678901234, 12345678901238))
    assert any("may have cut them" in note for note in _read(study, f"patient_id,label\n{rows}").notes)


def test_one_id_at_two_institutions_is_told_and_refused_once_they_are_two_people(
    tmp_path: Path, project: Project
) -> None:
    for place in ("A", "B"):
        for patient in (f"{place}0", "P0", "P1"):
            write_image(tmp_path / place / patient, patient=patient, number=ord(place), InstitutionName=place)
    import_folders(project, [tmp_path / "A", tmp_path / "B"])
    text = "patient_id,label\nP0,x\nP1,y\nA0,x"
    preview = _read(project, text)
    assert len(preview.matched) == 5
    assert any("several institutions" in note and "rows 2 and 3 " in note for note in preview.notes)
    identify_patients(project, PatientRule(apart_by="site"))
    preview = _read(project, text)
    assert len(preview.matched) == 1
    assert [(each.row, each.problem.partition(",")[0]) for each in preview.conflicts] == [
        (2, "is the ID of several patients"),
        (3, "is the ID of several patients"),
    ]


def test_images_under_one_uid_are_a_conflict(tmp_path: Path, project: Project) -> None:
    for number in range(2):
        write_image(tmp_path / f"images/{number}", patient=f"P{number}", number=number, SOPInstanceUID="1.2.3")
    write_image(tmp_path / "images/2", patient="P2", SOPInstanceUID="1.2.4")
    import_folders(project, [tmp_path / "images"])
    preview = _read(project, "sop_instance_uid,label\n1.2.3,x\n1.2.4,y", key_kind="sop_instance_uid")
    assert len(preview.matched) == 1
    assert [(each.row, each.problem) for each in preview.conflicts] == [(2, "stands for several images")]


def test_patients_named_by_their_folders_are_a_key(tmp_path: Path, project: Project) -> None:
    for patient in range(3):
        for number in range(2):
            write_image(tmp_path / f"images/patient{patient}/{number}", patient="ANON", number=10 * patient + number)
    import_folders(project, [tmp_path / "images"])
    identify_patients(project, PatientRule("folder", level=1))
    preview = _read(project, "who,label\npatient0,x\npatient1,y", key="who", key_kind="patient_id")
    assert len(preview.matched) == 4


def test_every_kind_has_a_word() -> None:
    assert all(KINDS.values()) and len(set(KINDS.values())) == len(KINDS)
