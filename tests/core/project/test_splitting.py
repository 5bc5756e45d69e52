"""No patient on two sides, whatever the study; classes spread evenly; a seed repeats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.progress import Monitor
from core.project.catalogue import image_rows, labelled_images, set_labels
from core.project.importing import import_folders
from core.project.labels import apply_labels, preview_folders
from core.project.project import Project
from core.project.splits import SplitPlan, is_current, latest_split, part_counts, parts
from core.project.splitting import (
    CannotSplit,
    PatientOnTwoSides,
    _check_patients,
    _folds,
    _holdout,
    inner_folds,
    make_split,
)


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
        given_parts = (_folds if plan.kind == "folds" else _holdout)(labels, patients, plan)
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


def test_a_patient_on_two_sides_is_refused() -> None:
    with pytest.raises(PatientOnTwoSides):
        _check_patients(np.array([1, 2, 1]), ["1", "2", "2"])


@pytest.fixture
def study(project: Project, films: Callable[..., Path]) -> Project:
    import_folders(project, [films(patients=20, each=2)], Monitor())
    apply_labels(project, preview_folders(project))
    return project


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
    others = [(row.id, "dark" if row.id == single.id else "bright") for row in rows]
    set_labels(study, others)
    with pytest.raises(CannotSplit, match="“dark” has images of 1 patient; 5 folds need at least 5"):
        make_split(study, SplitPlan())
    set_labels(study, [(row.id, "bright") for row in rows])
    with pytest.raises(CannotSplit, match="one class"):
        make_split(study, SplitPlan())
    study.db.execute("DELETE FROM label")
    with pytest.raises(CannotSplit, match="No image carries a label"):
        make_split(study, SplitPlan())


def test_images_without_a_patient_id_are_not_taken_for_many_patients(project: Project, tmp_path: Path) -> None:
    from tests.support.films import write_film

    for number in range(4):
        write_film(tmp_path / f"films/{number % 2}/{number}", patient="", number=number)
    import_folders(project, [tmp_path / "films"], Monitor())
    apply_labels(project, preview_folders(project))
    assert len({image.patient_id for image in labelled_images(project)}) == 1
    with pytest.raises(CannotSplit, match="patient IDs are blank"):
        make_split(project, SplitPlan(folds=2))


def test_the_real_study_is_split_alike_on_every_import(tmp_path: Path, cxr: Path) -> None:
    """Patients are numbered as files arrive; the split and its seed must not depend on that."""
    from core.project.labels import preview_csv
    from core.project.project import create_project, open_project

    hashes = set()
    for name, folders in (("a", ["NIH00150", "NIH00165"]), ("b", ["NIH00165", "NIH00150"])):
        create_project(tmp_path / name)
        chosen = sorted(path.name for path in (cxr / "dicom").iterdir())[:60]
        order = chosen if folders[0] == "NIH00150" else chosen[::-1]
        with open_project(tmp_path / name) as opened:
            for folder in (order[:30], order[30:]):
                import_folders(opened, [cxr / "dicom" / each for each in folder], Monitor())
            apply_labels(opened, preview_csv(opened, cxr / "labels.csv"))
            split = make_split(opened, SplitPlan(seed=1))
            assert sum(part.images for part in part_counts(opened, split)) == len(parts(opened, split))
            hashes.add(split.hash)
    assert len(hashes) == 1
