"""Splits by patient: stratified, seeded, and checked before they are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from core.errors import FinerayError
from core.project.catalogue import DEFAULT_LABEL_SET, LabelledImage, labelled_images, pseudonyms
from core.project.groups import Grouping, group_images, groups_of_classes
from core.project.identification import unidentified_images
from core.project.project import Project
from core.project.splits import Certificate, Split, SplitPlan

TRAINING, VALIDATION, TEST = "training", "validation", "test"


class CannotSplit(FinerayError):
    """The labelled images do not allow the split that was asked for."""


class PatientsUnidentified(FinerayError):
    """Images do not say whose they are, so that no split can keep patients together."""


class PatientOnTwoSides(FinerayError):
    """A split would let a patient, or a copy of a patient's image, stand on two sides; it is refused."""


def make_split(project: Project, plan: SplitPlan, check: Callable[[], None] = lambda: None) -> Split:
    """Assign every labelled image to a part, keep the split in the catalogue and return it.

    Groups stay together: patients, joined where they share a study or a picture. check() may raise to stop.
    Raises PatientsUnidentified, or CannotSplit where a class has too few patients.
    """
    images = labelled_images(project)
    _check_identified(project, images)
    grouping = group_images(project, images, check)
    _check_enough_groups(images, grouping.groups, plan)
    labels = np.array([image.label for image in images])
    divide = _folds if plan.kind == "folds" else _holdout
    return keep_split(project, plan, images, grouping, divide(labels, grouping.groups, plan), made_by="seed")


def _folds(labels: NDArray[np.str_], groups: NDArray[np.int64], plan: SplitPlan) -> list[str]:
    part = _fold_numbers(labels, groups, plan.folds, plan.seed)
    return [str(number + 1) for number in part]


def _holdout(labels: NDArray[np.str_], groups: NDArray[np.int64], plan: SplitPlan) -> list[str]:
    """Test first, validation out of the rest; the shares are met as nearly as whole patients allow."""
    parts = np.full(len(labels), TRAINING, dtype=object)
    test = _fold_numbers(labels, groups, round(1 / plan.test_share), plan.seed) == 0
    parts[test] = TEST
    rest = np.flatnonzero(~test)
    share = plan.validation_share / (1 - plan.test_share)
    validation = _fold_numbers(labels[rest], groups[rest], round(1 / share), plan.seed) == 0
    parts[rest[validation]] = VALIDATION
    for part in (TRAINING, VALIDATION, TEST):
        missing = set(labels) - set(labels[parts == part])
        if missing:
            raise CannotSplit(
                f"No image of class “{sorted(missing)[0]}” falls into the {part} part",
                todo="Choose another seed, larger parts, or cross-validation in folds.",
            )
    return [str(part) for part in parts]


def _fold_numbers(labels: NDArray[np.str_], groups: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    numbers = np.zeros(len(labels), dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=max(folds, 2), shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels, groups)):
        numbers[held_out] = number
    return numbers


def _check_identified(project: Project, images: list[LabelledImage]) -> None:
    unidentified = set(unidentified_images(project)) & {image.id for image in images}
    if unidentified:
        raise PatientsUnidentified(
            f"{len(unidentified):,} of {len(images):,} images carry a patient ID that is blank, a placeholder, "
            "or the same for all",
            todo="Say first what identifies a patient there: the study, the folder or the image (page Curate).",
        )


def _check_enough_groups(images: list[LabelledImage], groups: NDArray[np.int64], plan: SplitPlan) -> None:
    members = groups_of_classes(images, groups)
    if len(members) < 2:
        raise CannotSplit(
            "The images carry labels of one class" if members else "No image carries a label yet",
            todo="Give labels of at least two classes first (page Curate).",
        )
    needed, purpose = (plan.folds, f"{plan.folds} folds need") if plan.kind == "folds" else (3, "three parts need")
    for label, found in members.items():
        if len(found) < needed:
            raise CannotSplit(
                f"Class “{label}” has images of {len(found)} patient{'s' * (len(found) != 1)};"
                f" {purpose} at least {needed}",
                todo="Add patients of that class, or choose fewer folds."
                if plan.kind == "folds"
                else "Add patients of that class.",
            )


def keep_split(
    project: Project,
    plan: SplitPlan,
    images: list[LabelledImage],
    grouping: Grouping,
    parts: Sequence[str],
    made_by: str,
) -> Split:
    """Check that no group stands in two parts, write the split and its certificate. Raises PatientOnTwoSides."""
    groups = grouping.groups.tolist()
    part_of: dict[int, str] = {}
    for group, part, image in zip(groups, parts, images, strict=True):
        if part_of.setdefault(group, part) != part:
            name = pseudonyms(project, [image.id])[0]
            raise PatientOnTwoSides(
                f"Images of patient {name}, or copies of them, stand in both {part_of[group]} and {part}",
                todo="Give all of them one part.",
            )
    listing = "\n".join(f"{image.content_hash} {part}" for image, part in zip(images, parts, strict=True))
    digest = hashlib.sha256(listing.encode()).hexdigest()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    certificate = Certificate(
        images=len(images),
        patients=len({image.patient_id for image in images}),
        groups=len(part_of),
        joined_studies=grouping.joined_studies,
        joined_copies=tuple((pair.first, pair.second, pair.changed) for pair in grouping.joined_copies),
        made_by=made_by,
    )
    with project.db as db:
        label_set = db.execute("SELECT id FROM label_set WHERE name = ?", (DEFAULT_LABEL_SET,)).fetchone()[0]
        plan_values = (plan.kind, plan.folds, plan.validation_share, plan.test_share, plan.seed)
        cursor = db.execute(
            "INSERT INTO split VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (label_set, *plan_values, digest, created, json.dumps(asdict(certificate))),
        )
        split_id = cursor.lastrowid
        assert split_id is not None
        db.executemany(
            "INSERT INTO split_image VALUES (?, ?, ?, ?)",
            [(split_id, image.id, part, group) for image, part, group in zip(images, parts, groups, strict=True)],
        )
    return Split(split_id, plan, digest, created, certificate)


def inner_folds(
    labels: NDArray[np.int64], patients: NDArray[np.int64], folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(fit, check) indices by patient (or group) inside a training part; fewer folds where a class has fewer."""
    fewest = min(len(set(patients[labels == label].tolist())) for label in np.unique(labels))
    if fewest < 2:
        return []
    splitter = StratifiedGroupKFold(n_splits=min(folds, fewest), shuffle=True, random_state=seed)
    return list(splitter.split(labels, labels, patients))
