"""Published collections come over whole: findings, doubts, patients, views, splits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from fineray.cli.main import main
from fineray.project.catalogue import image_rows, source_of
from fineray.project.files.importing import import_folders
from fineray.project.label_sets import label_set, values_of
from fineray.project.layouts.published import LayoutUnusable
from fineray.project.layouts.taking import LAYOUTS, SPLIT, guess_layout, preview_layout, take_layout
from fineray.project.project import Project, open_project
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from tests.support.replicas import REPLICAS, chexpert, nih, png, table


def _by_end(project: Project, ends: Sequence[str]) -> dict[str, int]:
    """End of a path -> image id; each fits one file."""
    places = {}
    for row in image_rows(project):
        source = source_of(project, row.id)
        assert source is not None
        places[row.id] = str(source[0].path.with_suffix(""))
    found = {end: [image for image, place in places.items() if place.endswith("/" + end)] for end in ends}
    assert all(len(images) == 1 for images in found.values()), found
    return {end: images[0] for end, images in found.items()}


def test_there_is_a_replica_of_every_layout() -> None:
    assert set(REPLICAS) == set(LAYOUTS)


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_comes_over_whole(project: Project, tmp_path: Path, name: str) -> None:
    root = tmp_path / "collection of somebody"
    replica = REPLICAS[name](root)
    guessed = guess_layout(root)
    assert guessed is not None and guessed.name == name
    import_folders(project, [root])
    told = preview_layout(root)
    taken = take_layout(project, root)
    assert told.ambiguous == 0 and taken.name == name
    for into, labels in replica.labels.items():
        values = values_of(project, label_set(project, into))
        assert {end: values.get(image) for end, image in _by_end(project, list(labels)).items()} == labels
        if into not in ("class",):
            assert len(values) == len(labels), "no other image got a label"
    patients = {row.id: row.patient for row in image_rows(project)}
    of_end = {end: patients[image] for end, image in _by_end(project, list(replica.patients)).items()}
    for one, two in ((one, two) for one in of_end for two in of_end):
        assert (of_end[one] == of_end[two]) == (replica.patients[one] == replica.patients[two]), (one, two)
    if replica.parts:
        values = values_of(project, label_set(project, SPLIT))
        found = {end: values[image] for end, image in _by_end(project, list(replica.parts)).items()}
        assert found == replica.parts
    views = {row.id: row.view_position for row in image_rows(project)}
    assert {end: views[image] for end, image in _by_end(project, list(replica.views)).items()} == replica.views


def test_files_that_are_missing_never_give_their_label_to_others(project: Project, tmp_path: Path) -> None:
    chexpert(tmp_path / "set")
    told = preview_layout(tmp_path / "set")
    assert (told.matched, told.unmatched, told.silent) == (5, 1, 0)
    assert told.unmatched_examples[0].endswith("train/patient00077/study1/view1_frontal.jpg")
    assert told.classes["findings"]["Edema"] == 3 and told.parts == {"training": 5, "validation": 1}


def test_it_comes_over_twice_and_after_reading_again(project: Project, tmp_path: Path) -> None:
    nih(tmp_path / "set")
    import_folders(project, [tmp_path / "set"])
    first = take_layout(project, tmp_path / "set")
    before = [(row.patient, row.label, row.view_position, row.sex, row.age_years) for row in image_rows(project)]
    import_folders(project, [tmp_path / "set"], again=True)
    assert take_layout(project, tmp_path / "set") == first
    assert [(r.patient, r.label, r.view_position, r.sex, r.age_years) for r in image_rows(project)] == before
    assert {row[-1] for row in before} == {58.0, 81.0, None}, "414 years are none"


def test_the_published_split_can_be_kept(project: Project, tmp_path: Path) -> None:
    files = [
        f"{part}/{name}/person{number}_x"
        for number, (part, name) in enumerate([("train", "N"), ("train", "P"), ("test", "N"), ("test", "P")] * 6)
    ]
    for name in files:
        png(tmp_path / "set" / name)
    import_folders(project, [tmp_path / "set"])
    take_layout(project, tmp_path / "set")
    split = make_split(project, SplitPlan("holdout", by=f"labels: {SPLIT}", test_values=("test",)))
    parts = dict(project.db.execute("SELECT image_id, part FROM split_image WHERE split_id = ?", (split.id,)))
    published = values_of(project, label_set(project, SPLIT))
    assert {image for image, part in parts.items() if part == "test"} == {
        image for image, part in published.items() if part == "test"
    }


def test_folders_of_no_layout_and_tables_of_another_edition_are_told(project: Project, tmp_path: Path) -> None:
    png(tmp_path / "set/a/1")
    assert guess_layout(tmp_path / "set") is None
    with pytest.raises(LayoutUnusable, match="no published collection"):
        preview_layout(tmp_path / "set")
    table(tmp_path / "set/Data_Entry_2017.csv", ("Image", "Labels"), ("1.png", "Mass"))
    with pytest.raises(LayoutUnusable, match="not those of NIH ChestX-ray14"):
        preview_layout(tmp_path / "set")
    with pytest.raises(LayoutUnusable, match="no layout “chexprt”") as caught:
        preview_layout(tmp_path / "set", "chexprt")
    assert "chexpert" in caught.value.todo
    with pytest.raises(LayoutUnusable, match="not there"):
        preview_layout(tmp_path / "nowhere")


def test_the_command_shows_first_and_takes_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chexpert(tmp_path / "set")
    study = str(tmp_path / "study")
    assert main(["new", study]) == 0
    arguments = ["import", study, str(tmp_path / "set"), "--layout", "guess", "--json"]
    capsys.readouterr()
    assert main([*arguments, "--preview"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "chexpert" and told["matched"] == 5
    assert main(arguments) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["imported"] == 5 and done["layout"]["labelled"] == {"findings": 5} and done["layout"]["patients"] == 3
    with open_project(tmp_path / "study") as project:
        assert {row.label for row in image_rows(project)} >= {"Cardiomegaly|Edema?", "none"}


@pytest.mark.parametrize(("case", "patients"), [("90-chexpert-layout", 12), ("91-mura-layout", 8)])
def test_the_reported_cases(project: Project, cases: Path, case: str, patients: int) -> None:
    import_folders(project, [cases / "give" / case])
    assert take_layout(project, cases / "give" / case).patients == patients


def test_the_reported_kaggle_tree(project: Project, cases: Path) -> None:
    folder = cases / "give/92-kaggle-layout"
    import_folders(project, [folder])
    take_layout(project, folder)
    assert {row.label for row in image_rows(project)} == {"NORMAL", "PNEUMONIA"}
