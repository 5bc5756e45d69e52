"""Splits by patient: stratified, seeded, and checked before they are kept."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from core.errors import FinerayError
from core.project.catalogue import DEFAULT_LABEL_SET, LabelledImage, labelled_images
from core.project.project import Project
from core.project.splits import Split, SplitPlan

TRAINING, VALIDATION, TEST = "training", "validation", "test"


class CannotSplit(FinerayError):
    """The labelled images do not allow the split that was asked for."""


class PatientOnTwoSides(FinerayError):
    """A split would let a patient stand on two sides; it is refused."""


def make_split(project: Project, plan: SplitPlan) -> Split:
    """Assign every labelled image to a part, keep the split in the catalogue and return it.

    Raises CannotSplit where a class has too few patients.
    """
    images = labelled_images(project)
    _check_enough_patients(images, plan)
    labels = np.array([image.label for image in images])
    patients = patient_numbers(images)
    parts = _folds(labels, patients, plan) if plan.kind == "folds" else _holdout(labels, patients, plan)
    _check_patients(patients, parts)
    return _keep(project, plan, images, parts)


def _folds(labels: NDArray[np.str_], patients: NDArray[np.int64], plan: SplitPlan) -> list[str]:
    part = _fold_numbers(labels, patients, plan.folds, plan.seed)
    return [str(number + 1) for number in part]


def _holdout(labels: NDArray[np.str_], patients: NDArray[np.int64], plan: SplitPlan) -> list[str]:
    """Test first, validation out of the rest; the shares are met as nearly as whole patients allow."""
    parts = np.full(len(labels), TRAINING, dtype=object)
    test = _fold_numbers(labels, patients, round(1 / plan.test_share), plan.seed) == 0
    parts[test] = TEST
    rest = np.flatnonzero(~test)
    share = plan.validation_share / (1 - plan.test_share)
    validation = _fold_numbers(labels[rest], patients[rest], round(1 / share), plan.seed) == 0
    parts[rest[validation]] = VALIDATION
    for part in (TRAINING, VALIDATION, TEST):
        missing = set(labels) - set(labels[parts == part])
        if missing:
            raise CannotSplit(
                f"No image of class “{sorted(missing)[0]}” falls into the {part} part",
                todo="Choose another seed, larger parts, or cross-validation in folds.",
            )
    return [str(part) for part in parts]


def _fold_numbers(labels: NDArray[np.str_], patients: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    numbers = np.zeros(len(labels), dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=max(folds, 2), shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels, patients)):
        numbers[held_out] = number
    return numbers


def _check_enough_patients(images: list[LabelledImage], plan: SplitPlan) -> None:
    patients: dict[str, set[int]] = defaultdict(set)
    for image in images:
        patients[image.label].add(image.patient_id)
    if len(patients) < 2:
        raise CannotSplit(
            "The images carry labels of one class" if patients else "No image carries a label yet",
            todo="Give labels of at least two classes first (page Curate).",
        )
    if len(set.union(*patients.values())) == 1:
        raise CannotSplit(
            "All images belong to one patient, or their patient IDs are blank",
            todo="Export the images with a (pseudonymous) patient ID that differs between patients.",
        )
    needed, purpose = (plan.folds, f"{plan.folds} folds need") if plan.kind == "folds" else (3, "three parts need")
    for label, members in sorted(patients.items()):
        if len(members) < needed:
            raise CannotSplit(
                f"Class “{label}” has images of {len(members)} patient{'s' * (len(members) != 1)};"
                f" {purpose} at least {needed}",
                todo="Add patients of that class, or choose fewer folds."
                if plan.kind == "folds"
                else "Add patients of that class.",
            )


def _check_patients(patients: NDArray[np.int64], parts: list[str]) -> None:
    part_of: dict[int, str] = {}
    for patient, part in zip(patients.tolist(), parts, strict=True):
        if part_of.setdefault(patient, part) != part:
            raise PatientOnTwoSides(
                "A patient would stand on two sides of the split", todo="Make the split anew; please report this."
            )


def _keep(project: Project, plan: SplitPlan, images: list[LabelledImage], parts: list[str]) -> Split:
    listing = "\n".join(f"{image.content_hash} {part}" for image, part in zip(images, parts, strict=True))
    digest = hashlib.sha256(listing.encode()).hexdigest()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    with project.db as db:
        label_set = db.execute("SELECT id FROM label_set WHERE name = ?", (DEFAULT_LABEL_SET,)).fetchone()[0]
        cursor = db.execute(
            "INSERT INTO split VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            (label_set, plan.kind, plan.folds, plan.validation_share, plan.test_share, plan.seed, digest, created),
        )
        split_id = cursor.lastrowid
        assert split_id is not None
        db.executemany(
            "INSERT INTO split_image VALUES (?, ?, ?)",
            [(split_id, image.id, part) for image, part in zip(images, parts, strict=True)],
        )
    return Split(split_id, plan, digest, created)


def patient_numbers(images: list[LabelledImage]) -> NDArray[np.int64]:
    """Patients numbered by first appearance in content order, so that a seed gives one split whatever the ids."""
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(image.patient_id, len(numbers)) for image in images], dtype=np.int64)


def inner_folds(
    labels: NDArray[np.int64], patients: NDArray[np.int64], folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(fit, check) indices by patient inside a training part; fewer folds where a class has fewer patients."""
    fewest = min(len(set(patients[labels == label].tolist())) for label in np.unique(labels))
    if fewest < 2:
        return []
    splitter = StratifiedGroupKFold(n_splits=min(folds, fewest), shuffle=True, random_state=seed)
    return list(splitter.split(labels, labels, patients))
