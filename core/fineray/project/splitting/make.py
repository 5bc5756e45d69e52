"""Splits by patient: stratified, seeded, and checked before they are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from fineray.errors import FinerayError
from fineray.progress import SILENT, Monitor
from fineray.project.attributes import attribute_values
from fineray.project.catalogue import (
    LabelledImage,
    labelled_images,
    pseudonyms,
    sealed_images,
)
from fineray.project.history import remember
from fineray.project.label_sets import LabelSet, active_id, active_label_set
from fineray.project.patients.identify import unidentified_images
from fineray.project.project import Project
from fineray.project.splits import (
    ASIDE,
    FIVE_FOLDS,
    Certificate,
    Split,
    SplitPlan,
)
from fineray.project.splitting.assign import CannotSplit, divide
from fineray.project.splitting.groups import Grouping, group_images
from fineray.project.splitting.strata import groups_of_classes, strata_of_labels


class PatientsUnidentified(FinerayError):
    """Images do not say whose they are, so that no split can keep patients together."""


class PatientOnTwoSides(FinerayError):
    """A split would let a patient, or a copy of a patient's image, stand on two sides; it is refused."""


def make_split(project: Project, plan: SplitPlan = FIVE_FOLDS, monitor: Monitor = SILENT) -> Split:
    """Divide the labelled images into folds, or into training, validation and test parts, and keep the split.

    Groups stay together: patients, joined where they share a study or a picture. The sealed test set stays outside.

    Parameters
    ----------
    project : Project
        Images with a certain label in the set in use are divided.
    plan : SplitPlan
        How; five folds unless given.
    monitor : Monitor
        May cancel.

    Returns
    -------
    Split
        With the hash of its parts, the same wherever the same split is made, and a certificate of what was checked.

    Raises
    ------
    PatientsUnidentified
        Images do not say whose they are.
    CannotSplit
        A class has images of too few patients.
    NoSuchAttribute
        The plan names an attribute that no image states.
    Cancelled
        By the monitor.

    Notes
    -----
    Folds are stratified by label and drawn by group (scikit-learn's StratifiedGroupKFold).

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study", lock=True) as project:
    ...     split = fineray.make_split(project, fineray.SplitPlan(folds=3))
    >>> split.certificate.images, split.certificate.patients, split.certificate.groups
    (24, 12, 12)
    """
    images = labelled_images(project)
    check_identified(project, images)
    grouping, sealed = group_beside_sealed(project, images, monitor.check)
    free = [row for row, image in enumerate(images) if image.id not in sealed]
    usable, groups = [images[row] for row in free], grouping.groups[free]
    chosen = active_label_set(project)
    _check_enough_groups(usable, groups, plan, chosen)
    labels = strata_of_labels([image.label for image in usable], chosen)
    given, folds = divide(labels, groups, plan, attributes_of_plan(project, usable, plan))
    part_of = dict(zip((image.id for image in usable), given, strict=True))
    parts = [part_of.get(image.id, ASIDE) for image in images]
    return keep_split(project, replace(plan, folds=folds), images, grouping, parts, made_by="seed")


def attributes_of_plan(
    project: Project, images: Sequence[LabelledImage], plan: SplitPlan
) -> dict[str, NDArray[np.str_]]:
    """The values of the attributes that the plan names, one an image. Raises NoSuchAttribute."""
    found = {}
    for name in {*plan.stratify, *([plan.by] if plan.by else [])}:
        values = attribute_values(project, name)
        found[name] = np.array([values[image.id] for image in images])
    return found


def group_beside_sealed(
    project: Project, images: Sequence[LabelledImage], check: Callable[[], None] = lambda: None
) -> tuple[Grouping, set[int]]:
    """(the groups of these images, the ids of those that share a group with the sealed test set)."""
    sealed = sealed_images(project)
    grouping = group_images(project, [*images, *sealed], check)
    theirs = set(grouping.groups[len(images) :].tolist())
    ours = grouping.groups[: len(images)]
    shared = {image.id for image, group in zip(images, ours.tolist(), strict=True) if group in theirs}
    return replace(grouping, groups=ours), shared


def check_labelled(images: Sequence[LabelledImage]) -> None:
    """Raises CannotSplit where no image has a label that counts."""
    if not images:
        todo = "Give labels of at least two classes first (page Curate)."
        raise CannotSplit("No image carries a label yet", todo=todo)


def check_identified(project: Project, images: Sequence[LabelledImage]) -> None:
    """Raises PatientsUnidentified."""
    unidentified = set(unidentified_images(project)) & {image.id for image in images}
    if unidentified:
        raise PatientsUnidentified(
            f"{len(unidentified):,} of {len(images):,} images carry a patient ID that is blank, a placeholder, "
            "or the same for all",
            todo="Say first what identifies a patient there, for instance a folder (page Curate, or fineray patients).",
        )


def _check_enough_groups(
    images: list[LabelledImage], groups: NDArray[np.int64], plan: SplitPlan, chosen: LabelSet
) -> None:
    check_labelled(images)
    members = groups_of_classes(images, groups, chosen)
    if len(members) < (2 if chosen.kind == "single" else 1):
        raise CannotSplit(
            "The images carry labels of one class",
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
        if part == ASIDE:
            continue
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
        groups=len(set(groups)),
        joined_studies=grouping.joined_studies,
        joined_copies=tuple((pair.first, pair.second, pair.changed) for pair in grouping.joined_copies),
        made_by=made_by,
        aside=sum(part == ASIDE for part in parts),
        sealed=int(project.db.execute("SELECT count(*) FROM sealed_image").fetchone()[0]),
    )
    with project.db as db:
        cursor = db.execute(
            "INSERT INTO split (label_set_id, plan, hash, created, certificate) VALUES (?, ?, ?, ?, ?)",
            (active_id(project), plan.to_json(), digest, created, json.dumps(asdict(certificate))),
        )
        split_id = cursor.lastrowid
        assert split_id is not None
        remember(db, "Making a split", [("split", split_id)])
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
