"""Several label sets: classes or findings, uncertain as a value, labels by attribute and finding, out and in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from fineray.dicom.letters import Region
from fineray.label_values import (
    UNCERTAIN,
    LabelSetUnusable,
    findings_of,
    multi_value,
    toggled,
)
from fineray.project.attributes import (
    LABELS,
    NoSuchAttribute,
    age_band,
    attribute_values,
)
from fineray.project.blanking import blanked_regions, set_blanked_regions
from fineray.project.catalogue import counts, image_rows, labelled_images
from fineray.project.changes import Undone, set_labels, undo
from fineray.project.files.importing import import_folders
from fineray.project.label_sets import (
    active_label_set,
    add_label_set,
    class_counts,
    label_set,
    label_sets,
    use_label_set,
    values_of,
)
from fineray.project.labels.label_file import write_labels
from fineray.project.labels.preview import (
    FromAttribute,
    FromFinding,
    FromTable,
    apply_labels,
    preview_labels,
    preview_table,
)
from fineray.project.project import Project
from fineray.project.splits import SplitPlan, is_current
from fineray.project.splitting.assign import CannotSplit
from fineray.project.splitting.make import make_split
from tests.support.images import write_image
from tests.support.studies import Zoo


@pytest.fixture
def study(zoo: Zoo, lent: Callable[[Path], Project]) -> Project:
    """Twelve patients, one image each, labelled bright and dark."""
    return lent(zoo.labelled(12, 1))


def _csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(text, "utf-8")
    return path


def test_sets_stand_side_by_side_and_one_is_in_use(study: Project) -> None:
    reader = add_label_set(study, "reader 2", classes=("normal", "effusion"))
    assert [each.name for each in label_sets(study)] == ["label", "reader 2"]
    assert reader.classes == ("normal", "effusion"), "the declared order, before any label"
    set_labels(study, {1: "effusion"}, "x", reader.id)
    assert counts(study).classes == {"bright": 6, "dark": 6}
    use_label_set(study, "reader 2")
    assert counts(study).classes == {"effusion": 1}
    assert [row.label for row in image_rows(study) if row.id == 1] == ["effusion"]
    beside = image_rows(study, other=label_set(study, "label"), only=[1])
    assert [(row.label, row.other) for row in beside] == [("effusion", values_of(study, label_set(study, "label"))[1])]
    with pytest.raises(LabelSetUnusable, match="exists already"):
        add_label_set(study, "reader 2")
    with pytest.raises(LabelSetUnusable, match="no label set"):
        use_label_set(study, "reader 3")


def test_uncertain_is_a_value_and_no_class(study: Project) -> None:
    split = make_split(study, SplitPlan(folds=2))
    set_labels(study, {1: UNCERTAIN}, "x")
    found = counts(study)
    assert (found.labelled, found.uncertain, sum(found.classes.values())) == (12, 1, 11)
    assert 1 not in {image.id for image in labelled_images(study)}, "nobody learns from it"
    assert not is_current(study, split)
    with pytest.raises(LabelSetUnusable):
        add_label_set(study, "x", classes=(UNCERTAIN,))


def test_findings_from_columns_of_a_table(study: Project, tmp_path: Path) -> None:
    rows = ["PAT-0,1,0,", "PAT-1,-1,1.0,", "PAT-2,0,0,0", "PAT-3,,,", "PAT-4,yes,no,maybe", "PAT-5,perhaps not,0,0"]
    table = _csv(tmp_path, "\n".join(["patient_id,Effusion,Nodule,Device", *rows]))
    preview = preview_labels(study, FromTable(table, ("effusion", "Nodule", "device")))
    assert (preview.kind, preview.label_set, preview.blank) == ("multi", "findings", 1)
    assert [conflict.problem for conflict in preview.conflicts] == [
        "says “perhaps not” under Effusion, which is not yes, no or uncertain"
    ]
    assert preview.classes == {"Device": (1, 1), "Effusion": (3, 3), "Nodule": (1, 1)}
    apply_labels(study, preview)
    findings = label_set(study, "findings")
    patients = {row.id: row.patient for row in image_rows(study)}
    values = {patients[image]: value for image, value in values_of(study, findings).items()}
    assert sorted(values.values()) == ["Device?|Effusion", "Effusion", "Effusion?|Nodule", "none"]
    assert class_counts(study, findings) == ({"Effusion": 2, "Nodule": 1}, 2)
    assert active_label_set(study).name == "label", "a set with labels stays in use"

    question = preview_labels(study, FromFinding("findings", "Effusion", "Effusion?"))
    assert question.classes == {"Effusion": (2, 2), "no Effusion": (1, 1)}
    apply_labels(study, question)
    assert class_counts(study, label_set(study, "Effusion?"))[1] == 1, "doubtful stays uncertain"
    use_label_set(study, "findings")
    with pytest.raises(CannotSplit, match="5 folds need"):
        make_split(study, SplitPlan())


def test_a_multi_label_cell_holds_findings_between_bars(study: Project, tmp_path: Path) -> None:
    add_label_set(study, "signs", "multi")
    preview = preview_table(study, _csv(tmp_path, "patient_id,s\nPAT-0,b|a?\nPAT-1,a; c\nPAT-2,none"), ("s",), "signs")
    assert sorted(value for _, value in preview.matched) == ["a?|b", "a|c", "none"]
    with pytest.raises(LabelSetUnusable, match="one class"):
        preview_table(study, _csv(tmp_path, "patient_id,a,b\nPAT-0,1,0"), ("a", "b"), "label")


@given(st.dictionaries(st.text("abc xyz", min_size=1, max_size=4).map(str.strip).filter(bool), st.booleans()))
def test_multi_label_values_read_back_as_written(findings: dict[str, bool]) -> None:
    assert findings_of(multi_value(findings)) == findings


def test_a_key_goes_round_absent_present_doubtful() -> None:
    steps = [None]
    for _ in range(3):
        steps.append(toggled(steps[-1], "nodule"))
    assert steps[1:] == ["nodule", "nodule?", "none"]
    assert toggled("effusion", "nodule") == "effusion|nodule"


def test_labels_by_an_attribute(project: Project, tmp_path: Path) -> None:
    for number in range(8):
        tags = {"ViewPosition": ["PA", "AP", "LL", ""][number % 4], "PatientAge": f"0{10 * number:02d}Y"}
        write_image(tmp_path / "images" / str(number), patient=f"P{number}", InstitutionName="St. Elsewhere", **tags)
    import_folders(project, [tmp_path / "images"])
    preview = preview_labels(project, FromAttribute("view_position"))
    assert preview.label_set == "view position"
    assert {name: images for name, (images, _) in preview.classes.items()} == {"AP": 2, "LL": 2, "PA": 2}
    assert preview.blank == 2, "images that do not state it stay without a label"
    assert {
        name: images
        for name, (images, _) in preview_labels(project, FromAttribute("age_years", cut=40)).classes.items()
    } == {"under 40": 4, "from 40": 4}
    assert set(attribute_values(project, "site_hash").values()) == {"Site 1"}, "a number, not a name"
    apply_labels(project, preview)
    assert active_label_set(project).name == "view position", "the set in use had no labels"
    assert set(attribute_values(project, LABELS + "view position").values()) == {"PA", "AP", "LL", "not stated"}
    with pytest.raises(NoSuchAttribute):
        attribute_values(project, "patient_id; DROP TABLE image")


@pytest.mark.parametrize(("years", "band"), [(0, "0-17"), (17.9, "0-17"), (18, "18-39"), (79.5, "60-79"), (80, "80+")])
def test_age_bands(years: float, band: str) -> None:
    assert age_band(years) == band


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_labels_go_out_and_come_back(study: Project, tmp_path: Path, suffix: str) -> None:
    first = image_rows(study)[0].id
    set_labels(study, {first: "=1+1"}, "a label that a spreadsheet would take for a formula")
    add_label_set(study, "reader 2")
    set_labels(study, {2: "dark"}, "x", label_set(study, "reader 2").id)
    before = {each.name: values_of(study, each) for each in label_sets(study)}
    target = tmp_path / f"out{suffix}"
    assert write_labels(study, target) == 12
    written = target.read_bytes()
    assert b"PAT-" not in written and str(tmp_path).encode() not in written, "no identity unless asked for"
    if suffix == ".xlsx":
        cells = [cell for row in load_workbook(target).active.iter_rows() for cell in row]
        assert [cell.data_type for cell in cells if cell.value == "=1+1"] == ["s"]
    for name, values in before.items():
        set_labels(study, dict.fromkeys(values, None), "away", label_set(study, name).id)
        preview = preview_table(study, target, (name,), name)
        assert preview.conflicts == () and preview.unmatched_entries == ()
        set_labels(study, dict(preview.matched), "back", label_set(study, name).id)
    assert {each.name: values_of(study, each) for each in label_sets(study)} == before
    write_labels(study, target, with_files=True)
    assert preview_table(study, target).source.endswith("by file")


def test_labels_of_any_set_can_be_taken_back(study: Project, tmp_path: Path) -> None:
    before = values_of(study, label_set(study, "label"))
    table = _csv(tmp_path, "patient_id,reader\nPAT-0,dark\nPAT-1,bright")
    apply_labels(study, preview_table(study, table, ("reader",)))
    assert len(values_of(study, label_set(study, "reader"))) == 2
    undone = undo(study)
    assert undone is not None and len(undone.images) == 2 and undone.title.startswith("Labels for 2 images")
    assert values_of(study, label_set(study, "reader")) == {}
    assert values_of(study, label_set(study, "label")) == before
    assert undo(study) == Undone("Making the label set “reader”", ())
    add_label_set(study, "other")
    use_label_set(study, "other")
    assert [each.title for each in (undo(study), undo(study)) if each] == [
        "Using the labels “other”",
        "Making the label set “other”",
    ]
    assert [each.name for each in label_sets(study)] == ["label"] and active_label_set(study).name == "label"
    set_blanked_regions(study, 1, [Region(0, 0, 0.5, 0.5)])
    set_blanked_regions(study, 1, [])
    assert undo(study) is not None and blanked_regions(study) == {1: (Region(0, 0, 0.5, 0.5),)}
