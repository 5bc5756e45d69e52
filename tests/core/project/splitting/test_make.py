"""No patient on two sides, whatever the study; classes spread evenly; a seed repeats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import generate_uid

from fineray.project.catalogue import image_rows, labelled_images
from fineray.project.changes import set_labels
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders, preview_table
from fineray.project.patients.identify import identify_patients, unidentified_images
from fineray.project.patients.rule import By, PatientRule
from fineray.project.project import Project
from fineray.project.splits import (
    SplitPlan,
    is_current,
    latest_split,
    part_counts,
    parts,
)
from fineray.project.splitting.assign import divide
from fineray.project.splitting.groups import group_images
from fineray.project.splitting.make import (
    CannotSplit,
    PatientOnTwoSides,
    PatientsUnidentified,
    inner_folds,
    make_split,
)
from fineray.project.splitting.split_file import SplitFileUnusable, read_split, write_split
from tests.support.images import texture, write_image, write_picture
from tests.support.studies import Zoo


@st.composite
def _studies(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, SplitPlan]:
    """Patients with 1 to 5 images, 2 to 4 classes, some patients with several labels."""
    classes = draw(st.integers(2, 4))
    sizes = draw(st.lists(st.integers(1, 5), min_size=classes * 12, max_size=90))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    main = np.concatenate([np.repeat(np.arange(classes), 10), random.integers(0, classes, len(sizes) - classes * 10)])
    patients = np.repeat(np.arange(len(sizes)), sizes)
    labels = main[patients].copy()
    mixed = random.random(len(labels)) < 0.1
    labels[mixed] = random.integers(0, classes, mixed.sum())
    labels = np.array([f"c{label}" for label in labels])
    kind = draw(st.sampled_from(["folds", "holdout"]))
    plan = SplitPlan(kind, draw(st.integers(2, 8)), 0.2, draw(st.sampled_from([0.2, 0.25])), draw(st.integers(0, 99)))
    return labels, patients, plan


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(_studies())
def test_no_patient_stands_on_two_sides(study: tuple[np.ndarray, np.ndarray, SplitPlan]) -> None:
    labels, patients, plan = study
    try:
        given_parts, _ = divide(labels, patients, plan, {})
    except CannotSplit:
        return
    sides = defaultdict(set)
    for patient, part in zip(patients.tolist(), given_parts, strict=True):
        sides[patient].add(part)
    assert all(len(parts) == 1 for parts in sides.values())
    expected = (
        {str(n) for n in range(1, plan.folds + 1)} if plan.kind == "folds" else {"training", "validation", "test"}
    )
    assert set(given_parts) == expected
    if plan.kind == "holdout":
        for part in expected:
            assert set(labels[np.array(given_parts) == part]) == set(labels)
    for fit, check in inner_folds(np.unique(labels, return_inverse=True)[1], patients, 5, plan.seed):
        assert not set(patients[fit]) & set(patients[check])


@pytest.fixture
def study(zoo: Zoo, lent: Callable[[Path], Project]) -> Project:
    return lent(zoo.labelled(20, 2))


def test_folds_are_stratified_kept_and_repeatable(study: Project) -> None:
    first = make_split(study, SplitPlan(folds=5, seed=3))
    assert latest_split(study) == first
    for part in part_counts(study, first):
        assert (part.patients, part.images, part.classes) == (4, 8, {"bright": 4, "dark": 4})
    assert make_split(study, SplitPlan(folds=5, seed=3)).hash == first.hash
    assert make_split(study, SplitPlan(folds=5, seed=4)).hash != first.hash


def test_shares_of_a_holdout_are_met(study: Project) -> None:
    split = make_split(study, SplitPlan("holdout", validation_share=0.2, test_share=0.2))
    sizes = {part.part: part.images for part in part_counts(study, split)}
    assert sizes == {"training": 24, "validation": 8, "test": 8}


def test_a_split_is_outdated_when_labels_change(study: Project) -> None:
    split = make_split(study, SplitPlan())
    assert is_current(study, split)
    study.db.execute("DELETE FROM label WHERE image_id = 1")
    assert not is_current(study, split)


def test_too_few_patients_of_a_class_are_named(study: Project) -> None:
    rows = image_rows(study)
    single = next(row for row in rows if row.label == "dark")
    others = {row.id: "dark" if row.id == single.id else "bright" for row in rows}
    set_labels(study, others, "test")
    with pytest.raises(CannotSplit, match="“dark” has images of 1 patient; 5 folds need at least 5"):
        make_split(study, SplitPlan())
    set_labels(study, {row.id: "bright" for row in rows}, "test")
    with pytest.raises(CannotSplit, match="one class"):
        make_split(study, SplitPlan())
    study.db.execute("DELETE FROM label")
    with pytest.raises(CannotSplit, match="No image carries a label"):
        make_split(study, SplitPlan())


@pytest.mark.parametrize("name", ["", "ANON", "Anonymous", "HOSPITAL"])
def test_images_that_do_not_say_whose_they_are_stop_the_split(project: Project, tmp_path: Path, name: str) -> None:
    for number in range(12):
        write_image(tmp_path / f"images/{number % 2}/{number}", patient=name, number=number)
    import_folders(project, [tmp_path / "images"])
    apply_labels(project, preview_folders(project))
    assert len(unidentified_images(project)) == 12
    with pytest.raises(PatientsUnidentified, match="12 of 12 images") as caught:
        make_split(project, SplitPlan(folds=2))
    assert "what identifies a patient" in caught.value.todo
    assert identify_patients(project, PatientRule("image")).patients_after == 12
    assert len({image.patient_id for image in labelled_images(project)}) == 12
    assert make_split(project, SplitPlan(folds=2)).certificate.patients == 12  # type: ignore[union-attr]
    write_image(tmp_path / "images/0/later", patient=name, number=99)
    import_folders(project, [tmp_path / "images"])
    assert len({row.patient for row in image_rows(project)}) == 13, "the rule holds for later imports"


@pytest.mark.parametrize(("by", "patients"), [("study", 4), ("folder", 2), ("image", 8)])
def test_what_identifies_a_patient_can_be_chosen(project: Project, tmp_path: Path, by: By, patients: int) -> None:
    studies = [generate_uid() for _ in range(4)]
    for number in range(8):
        path = tmp_path / f"images/{number % 2}/{number}"
        write_image(path, patient="UNKNOWN", number=number, StudyInstanceUID=studies[number // 2])
    import_folders(project, [tmp_path / "images"])
    assert identify_patients(project, PatientRule(by)).patients_after == patients
    assert unidentified_images(project) == []


def test_a_few_images_without_an_id_stop_the_split_too(study: Project, tmp_path: Path) -> None:
    write_image(tmp_path / "images/dark/stray", patient="", number=5)
    import_folders(study, [tmp_path / "images"])
    apply_labels(study, preview_folders(study))
    with pytest.raises(PatientsUnidentified, match="1 of 41 images"):
        make_split(study, SplitPlan(folds=2))


def _copies(folder: Path, random: np.random.Generator) -> None:
    """200 patients with 3 images each; five images come again under other IDs, changed as archives change them."""
    for patient in range(200):
        for number in range(3):
            write_picture(folder / f"{patient % 2}/p{patient}-{number}", texture(patient, number), f"PAT-{patient}")
    changes = (
        lambda image: image,
        lambda image: image[:, ::-1],
        lambda image: np.rot90(image),
        lambda image: 4095 - image,
        lambda image: np.clip(image * 0.8 + 300, 0, 4095),
    )
    for number, change in enumerate(changes):
        original = texture(40 * number, 1).astype(float)
        copy = np.round(np.clip(change(original) + random.normal(0, 15, original.shape), 0, 4095)).astype(np.uint16)
        write_picture(folder / f"1/copy-{number}", copy, f"OTHER-{number}")


@pytest.mark.integration
def test_no_group_stands_on_two_sides_over_a_thousand_seeds(project: Project, tmp_path: Path) -> None:
    _copies(tmp_path / "images", np.random.default_rng(0))
    import_folders(project, [tmp_path / "images"])
    apply_labels(project, preview_folders(project))
    images = labelled_images(project)
    grouping = group_images(project, images)
    changed = sorted(pair.changed for pair in grouping.joined_copies)
    assert len(changed) == 5
    assert changed.count("") == 2, "re-encoded or re-windowed copies"
    assert {"inverted", "mirrored"} < set(changed)
    assert len(set(grouping.groups.tolist())) == 200
    labels = np.array([image.label for image in images])
    copy_of = {pair.second: pair.first for pair in grouping.joined_copies}
    row_of = {image.id: row for row, image in enumerate(images)}
    for seed in range(1000):
        given = np.array(divide(labels, grouping.groups, SplitPlan(folds=2, seed=seed), {})[0])
        for copy, original in copy_of.items():
            assert given[row_of[copy]] == given[row_of[original]]
    split = make_split(project, SplitPlan(folds=5))
    assert split.certificate is not None
    assert (split.certificate.images, split.certificate.patients, split.certificate.groups) == (605, 205, 200)
    for part in part_counts(project, split):
        for count in part.classes.values():
            assert abs(count - 605 / 10) <= 4.5, "stratified to about one group"


def test_patients_of_one_study_stay_together(project: Project, images: Callable[..., Path]) -> None:
    folder, shared = images(patients=20, each=2), generate_uid()
    for number, patient in enumerate(("TWIN-1", "TWIN-2")):
        write_image(folder / f"dark/{patient}", patient=patient, number=number, StudyInstanceUID=shared)
    import_folders(project, [folder])
    apply_labels(project, preview_folders(project))
    split = make_split(project, SplitPlan(folds=2))
    assert split.certificate is not None
    assert (split.certificate.joined_studies, split.certificate.groups) == (1, 21)


@pytest.mark.integration
def test_different_real_images_are_not_taken_for_copies(project: Project, cxr: Path) -> None:
    import_folders(project, [cxr / "dicom"])
    apply_labels(project, preview_table(project, cxr / "labels.csv"))
    pairs = group_images(project, labelled_images(project)).joined_copies
    assert pairs == ()


def test_a_split_can_be_edited_by_hand_and_is_checked_again(study: Project, tmp_path: Path) -> None:
    split = make_split(study, SplitPlan(folds=4))
    path = tmp_path / "split.csv"
    write_split(study, split, path)
    assert read_split(study, path).hash == split.hash
    rows = [line.split(",") for line in path.read_text().splitlines()]
    first = rows[1]
    other = next(row for row in rows[1:] if row[3] == first[3] and row[4] != first[4])
    for row in rows[1:]:
        if row[1] == first[1]:
            row[4], swapped = other[4], row[4]
    for row in rows[1:]:
        if row[1] == other[1]:
            row[4] = swapped
    path.write_text("\n".join(map(",".join, rows)))
    edited = read_split(study, path)
    assert edited.hash != split.hash
    assert edited.certificate is not None
    assert edited.certificate.made_by == "file"
    assert latest_split(study) == edited
    rows[1][4] = next(part for part in "1234" if part != rows[1][4])
    path.write_text("\n".join(map(",".join, rows)))
    with pytest.raises(PatientOnTwoSides, match=f"patient {rows[1][1]}"):
        read_split(study, path)
    path.write_text("\n".join(map(",".join, rows[:-1])))
    with pytest.raises(SplitFileUnusable, match="1 labelled images have no row"):
        read_split(study, path)
    path.write_text("\n".join(",".join([*row[:4], "left"]) for row in rows).replace("label,left", "label,part"))
    with pytest.raises(SplitFileUnusable, match="The parts are left"):
        read_split(study, path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SplitFileUnusable, match="cannot be read"):
        read_split(study, path)
    assert latest_split(study) == edited


@pytest.mark.integration
def test_the_real_study_is_split_alike_on_every_import(tmp_path: Path, cxr: Path) -> None:
    """Patients are numbered as files arrive; the split and its seed must not depend on that."""
    from fineray.project.project import create_project, open_project

    hashes = set()
    for name, folders in (("a", ["NIH00150", "NIH00165"]), ("b", ["NIH00165", "NIH00150"])):
        create_project(tmp_path / name)
        chosen = sorted(path.name for path in (cxr / "dicom").iterdir())[:60]
        order = chosen if folders[0] == "NIH00150" else chosen[::-1]
        with open_project(tmp_path / name) as opened:
            for folder in (order[:30], order[30:]):
                import_folders(opened, [cxr / "dicom" / each for each in folder])
            apply_labels(opened, preview_table(opened, cxr / "labels.csv"))
            split = make_split(opened, SplitPlan(seed=1))
            assert sum(part.images for part in part_counts(opened, split)) == len(parts(opened, split))
            hashes.add(split.hash)
    assert len(hashes) == 1
