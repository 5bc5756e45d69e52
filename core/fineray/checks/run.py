"""All checks of a project, one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fineray.backbones.catalogue import DEFAULT_BACKBONE, backbone, weights_file
from fineray.backbones.runtime import Runtime, best_device
from fineray.checks.check_result import CheckResult, keep_checks
from fineray.checks.confounders import (
    association_findings,
    associations,
    attributes_alone,
    borders_alone,
)
from fineray.checks.labels import contradicted_labels, outliers
from fineray.checks.pictures import look_at_pictures, picture_findings
from fineray.errors import FinerayError
from fineray.progress import SILENT, Monitor, Progress
from fineray.project.catalogue import LabelledImage, labelled_images
from fineray.project.label_sets import LabelSet, active_label_set
from fineray.project.patients.identify import unidentified_images
from fineray.project.project import Project
from fineray.project.seen import Seen
from fineray.project.splits import latest_split, parts
from fineray.project.splitting.groups import Grouping, group_images
from fineray.project.splitting.near_duplicates import NearDuplicate
from fineray.project.splitting.strata import groups_of_classes
from fineray.training.features import features_of

STAGE = "Checking the data"
FOLDS = 5


class NothingToCheck(FinerayError):
    """Checks need labelled images."""


def run_checks(project: Project, monitor: Monitor = SILENT) -> list[CheckResult]:
    """Run every check on the labelled images, the serious findings first; keeps them in `checks.json`.

    Raises NothingToCheck, Cancelled or a storage error.
    """
    project.check_writable()
    images = labelled_images(project)
    if not images:
        raise NothingToCheck("No image carries a label yet", todo="Import images and label them first.")
    monitor.report(Progress(f"{STAGE}: copies", 0, 0, ""))
    grouping = group_images(project, images, monitor.check)
    found = [
        *_identity(project, images),
        *_copies(project, images, grouping),
        _class_sizes(images, grouping.groups, active_label_set(project)),
    ]

    def looked_at(done: int) -> None:
        monitor.check()
        monitor.report(Progress(f"{STAGE}: images", done, len(images), "images"))

    facts = look_at_pictures(project, images, looked_at)
    monitor.report(Progress(f"{STAGE}: attributes", 0, 0, ""))
    found += association_findings(associations(project, images, check=monitor.check))
    for alone in (
        attributes_alone(project, images, grouping.groups),
        borders_alone(np.stack([fact.border for fact in facts]), images, grouping.groups),
    ):
        if alone is not None:
            found.append(alone)
    found += picture_findings(images, facts)
    found += _by_features(project, images, grouping.groups, monitor)
    order = {"serious": 0, "look": 1, "fine": 2}
    found.sort(key=lambda finding: order[finding.severity])
    # Patients and copies are looked for also where no finding bears that name.
    carried_out = sorted({"identity", "copies", *(finding.check for finding in found if finding.done)})
    keep_checks(project.root, found, carried_out, active_label_set(project).name, Seen.of(images))
    return found


def _identity(project: Project, images: Sequence[LabelledImage]) -> list[CheckResult]:
    nameless = tuple(sorted(set(unidentified_images(project)) & {image.id for image in images}))
    if not nameless:
        return []
    title = f"{len(nameless):,} images do not say whose they are: no split can keep their patients together."
    return [
        CheckResult(
            "identity", "serious", title, "the patient ID is blank, a placeholder, or the same for all", nameless
        )
    ]


def _copies(project: Project, images: Sequence[LabelledImage], grouping: Grouping) -> list[CheckResult]:
    label_of = {image.id: image.label for image in images}
    findings = []
    across = grouping.joined_copies
    if across:
        changed = sorted({pair.changed for pair in across if pair.changed})
        evidence = f"joined in every split; {', '.join(changed)}" if changed else "joined in every split"
        title = f"{_pictures(across)} there under two patients: one person with two IDs, or a mix-up."
        findings.append(CheckResult("copies of others", "serious", title, evidence, _second(across), leave_out=True))
    within = sorted(set(grouping.copies) - set(across), key=lambda pair: (pair.first, pair.second))
    if within:
        title = f"{_pictures(within)} there twice under one patient and would count double."
        findings.append(
            CheckResult("copies", "look", title, "same picture, other file", _second(within), leave_out=True)
        )
    torn = [pair for pair in grouping.copies if label_of[pair.first] != label_of[pair.second]]
    if torn:
        title = f"{_pictures(torn)} there twice with different labels."
        both = tuple(dict.fromkeys(image for pair in torn for image in (pair.first, pair.second)))
        findings.append(CheckResult("copies with other labels", "serious", title, "one of the two is wrong", both))
    split = latest_split(project)
    if split is not None:
        part_of = parts(project, split)
        sides: dict[int, set[str]] = defaultdict(set)
        for image, group in zip(images, grouping.groups.tolist(), strict=True):
            if image.id in part_of:
                sides[group].add(part_of[image.id])
        straddling = {group for group, its in sides.items() if len(its) > 1}
        if straddling:
            concerned = tuple(
                image.id for image, group in zip(images, grouping.groups.tolist(), strict=True) if group in straddling
            )
            title = f"{len(straddling):,} patients or copied pictures stand on two sides of the split: make it anew."
            findings.append(CheckResult("leakage", "serious", title, "figures would be too good", concerned))
    if not findings:
        title = "No picture is there twice, and nobody stands on two sides of the split."
        findings.append(
            CheckResult("copies", "fine", title, f"{len(images):,} images, turned and inverted copies included")
        )
    return findings


def _pictures(pairs: Sequence[object]) -> str:
    return f"{len(pairs):,} picture{'s are' if len(pairs) > 1 else ' is'}"


def _second(pairs: Sequence[NearDuplicate]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(pair.second for pair in pairs))


def _class_sizes(images: Sequence[LabelledImage], groups: NDArray[np.int64], chosen: LabelSet) -> CheckResult:
    members = groups_of_classes(images, groups, chosen)
    counted = ", ".join(f"{name} {len(found):,}" for name, found in members.items())
    small = [name for name, found in members.items() if len(found) < 2 * FOLDS]
    if small:
        names = " and ".join(f"“{name}”" for name in small)
        title = f"Class {names} has too few patients for {FOLDS} folds that mean something."
        return CheckResult("class sizes", "serious", title, f"patients: {counted}; at least {2 * FOLDS} are needed")
    return CheckResult(
        "class sizes", "fine", f"Every class has enough patients for {FOLDS} folds.", f"patients: {counted}"
    )


def _by_features(
    project: Project, images: list[LabelledImage], groups: NDArray[np.int64], monitor: Monitor
) -> list[CheckResult]:
    chosen = backbone(DEFAULT_BACKBONE)
    if weights_file(chosen) is None:
        title = "Not checked: the backbone's weights are not installed."
        return [CheckResult("outliers", "look", title, chosen.title, done=False)]
    monitor.report(Progress(f"{STAGE}: features", 0, 0, ""))
    features = features_of(project, images, chosen, Runtime(chosen, best_device()), monitor)[0]
    monitor.report(Progress(f"{STAGE}: labels", 0, 0, ""))
    return [outliers(images, features), contradicted_labels(images, features, groups)]
