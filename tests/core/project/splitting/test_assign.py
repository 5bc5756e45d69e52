"""Splits by date, site and manufacturer, and strata: what stands where, and that no patient stands on two sides."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fineray.project.attributes import DATE, attribute_values
from fineray.project.catalogue import image_rows, labelled_images
from fineray.project.changes import undo
from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project
from fineray.project.splits import (
    ASIDE,
    TEST,
    Certificate,
    SplitPlan,
    is_current,
    latest_split,
    part_counts,
    parts,
)
from fineray.project.splitting.assign import CannotSplit, divide, strata_of
from fineray.project.splitting.make import make_split
from fineray.project.splitting.split_file import read_split, write_split
from tests.support.images import write_image


@pytest.fixture
def study(project: Project, tmp_path: Path) -> Project:
    """40 patients of two hospitals and three makers, seen on 40 days; patient 0 in both hospitals, early and late."""
    for patient in range(40):
        label = "ab"[patient % 2]
        tags = {
            "InstitutionName": "East" if patient < 24 else "West",
            "Manufacturer": ("ACME", "Beta", "Gamma")[patient % 3],
            "StudyDate": f"2020{1 + patient // 10:02d}{1 + patient % 10 * 2:02d}",
        }
        write_image(tmp_path / f"images/{label}/{patient}", patient=f"P{patient}", number=patient, **tags)
    late = {"InstitutionName": "West", "Manufacturer": "ACME", "StudyDate": "20200428"}
    write_image(tmp_path / "images/a/again", patient="P0", number=99, **late)
    import_folders(project, [tmp_path / "images"])
    apply_labels(project, preview_folders(project))
    return project


def _sides(project: Project, part_of: dict[int, str]) -> dict[str, set[str]]:
    sides = defaultdict(set)
    for row in image_rows(project):
        if part_of[row.id] != ASIDE:
            sides[row.patient].add(part_of[row.id])
    return sides


def test_train_on_one_hospital_and_test_on_another(study: Project) -> None:
    split = make_split(study, SplitPlan("holdout", by="site_hash", test_values=("Site 2",)))
    part_of, site = parts(study, split), attribute_values(study, "site_hash")
    assert {site[image] for image, part in part_of.items() if part == TEST} == {"Site 2"}
    assert {site[image] for image, part in part_of.items() if part in ("training", "validation")} == {"Site 1"}
    aside = [image for image, part in part_of.items() if part == ASIDE]
    assert len(aside) == 1, "the image of a patient of both hospitals is used on neither side but that of the others"
    assert all(len(each) == 1 for each in _sides(study, part_of).values())
    assert split.certificate is not None and split.certificate.aside == 1
    assert [each.part for each in part_counts(study, split)] == ["training", "validation", "test", "aside"]
    assert is_current(study, split) and latest_split(study) == split


def test_a_split_by_date_tests_on_patients_seen_later(study: Project) -> None:
    split = make_split(study, SplitPlan("holdout", by=DATE, test_share=0.2))
    part_of, dates = parts(study, split), attribute_values(study, DATE)
    patient = {row.id: row.patient for row in image_rows(study)}
    first = defaultdict(lambda: "9")
    for image, date in dates.items():
        first[patient[image]] = min(first[patient[image]], date)
    test = {patient[image] for image, part in part_of.items() if part == TEST}
    others = set(patient.values()) - test
    assert min(first[each] for each in test) > max(first[each] for each in others)
    assert len([part for part in part_of.values() if part == TEST]) == 8
    assert all(len(each) == 1 for each in _sides(study, part_of).values())


def test_a_fold_for_each_manufacturer(study: Project) -> None:
    split = make_split(study, SplitPlan(by="manufacturer"))
    assert split.plan.folds == 3
    part_of, maker = parts(study, split), attribute_values(study, "manufacturer")
    assert len({(maker[image], part) for image, part in part_of.items()}) == 3
    with pytest.raises(CannotSplit, match="no folds"):
        make_split(study, SplitPlan(by=DATE))
    with pytest.raises(CannotSplit, match="1 value of modality"):
        make_split(study, SplitPlan(by="modality"))


def test_what_is_asked_for_must_be_there(study: Project, tmp_path: Path) -> None:
    with pytest.raises(CannotSplit, match="Site 7"):
        make_split(study, SplitPlan("holdout", by="site_hash", test_values=("Site 7",)))
    with pytest.raises(CannotSplit, match="Nothing is chosen"):
        make_split(study, SplitPlan("holdout", by="site_hash"))
    write_image(tmp_path / "more/x", patient="P77", number=5)
    import_folders(study, [tmp_path / "more"])
    study.db.execute("INSERT INTO label SELECT 1, max(id), 'a' FROM image")
    with pytest.raises(CannotSplit, match="do not state their date"):
        make_split(study, SplitPlan("holdout", by=DATE))


def test_sides_set_aside_survive_the_split_file(study: Project, tmp_path: Path) -> None:
    split = make_split(study, SplitPlan("holdout", by="site_hash", test_values=("Site 2",)))
    write_split(study, split, tmp_path / "split.csv")
    assert read_split(study, tmp_path / "split.csv").hash == split.hash


def test_a_split_can_be_taken_back(study: Project) -> None:
    first = make_split(study, SplitPlan(folds=2))
    make_split(study, SplitPlan(folds=3))
    assert undo(study) is not None
    assert latest_split(study) == first


def test_certificates_of_the_second_format_are_read() -> None:
    text = '{"images": 1, "patients": 1, "groups": 1, "joined_studies": 0, "joined_copies": [], "made_by": "seed"}'
    found = Certificate.from_json(text)
    assert found is not None and (found.aside, found.sealed) == (0, 0)


def test_attributes_are_spread_evenly(study: Project) -> None:
    images = labelled_images(study)
    values = attribute_values(study, "site_hash")
    split = make_split(study, SplitPlan(folds=4, stratify=("site_hash",), seed=1))
    part_of = parts(study, split)
    for label in "ab":
        for site in ("Site 1", "Site 2"):
            per_fold = [
                sum(
                    each.label == label and values[each.id] == site and part_of[each.id] == str(fold) for each in images
                )
                for fold in range(1, 5)
            ]
            assert max(per_fold) - min(per_fold) <= 2, (label, site, per_fold)
    rare = strata_of(np.array(["a"] * 9), [np.array(["x"] * 7 + ["y"] * 2)])
    assert len(set(rare.tolist())) == 2 and rare[-1] == "a", "rare combinations fall back to the label"


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["share", "date", "site", "fold"]))
def test_no_patient_stands_on_two_sides_however_split(seed: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(60, 150))
    groups = random.integers(0, n // 2, n)
    labels = np.array(["a", "b"])[(groups + random.integers(0, 8, n) // 7) % 2]
    site = np.array(["north", "south", "west"])[(groups % 3 + (random.random(n) < 0.05)) % 3]
    date = np.array([f"2020-01-{1 + each % 28:02d}" for each in groups + random.integers(0, 9, n)])
    plan = {
        "share": SplitPlan("holdout", stratify=("site",), seed=seed % 100),
        "date": SplitPlan("holdout", by=DATE),
        "site": SplitPlan("holdout", by="site", test_values=("west",)),
        "fold": SplitPlan(by="site"),
    }[kind]
    try:
        given_parts, _ = divide(labels, groups, plan, {"site": site, DATE: date})
    except CannotSplit:
        return
    sides = defaultdict(set)
    for group, part in zip(groups.tolist(), given_parts, strict=True):
        if part != ASIDE:
            sides[group].add(part)
    assert all(len(each) == 1 for each in sides.values())
