"""Sealing a test set, before anything is learned."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from fineray.project.catalogue import labelled_images
from fineray.project.label_sets import active_label_set
from fineray.project.project import Project
from fineray.project.runs import runs
from fineray.project.seal import (
    SETTING,
    Seal,
    SealRefused,
    current_seal,
    now,
)
from fineray.project.splits import SplitPlan
from fineray.project.splitting.assign import rows_of_test_part
from fineray.project.splitting.groups import group_images
from fineray.project.splitting.make import attributes_of_plan, check_identified, check_labelled
from fineray.project.splitting.strata import strata_of_labels


def seal_test(project: Project, plan: SplitPlan) -> Seal:
    """Seal the images that the plan's test part would take (share, attribute or date). Cannot be undone.

    Whole groups (patients, studies, copies) are sealed. Raises SealRefused, PatientsUnidentified or CannotSplit.
    """
    if current_seal(project) is not None:
        raise SealRefused("A test set is sealed already", todo="Open it with a frozen run, or break the seal.")
    images = labelled_images(project)
    check_labelled(images)
    check_identified(project, images)
    groups = group_images(project, images).groups
    taken = rows_of_test_part(
        strata_of_labels([image.label for image in images], active_label_set(project)),
        groups,
        plan,
        attributes_of_plan(project, images, plan),
    )
    chosen = [image for image, sealed in zip(images, taken, strict=True) if sealed]
    label_set = active_label_set(project)
    ids = {image.id for image in chosen}
    labels = sorted({image.label for image in chosen})
    seal = Seal(
        hash=hashlib.sha256("\n".join(sorted(image.content_hash for image in chosen)).encode()).hexdigest(),
        created=now(),
        label_set=label_set.name,
        images=len(chosen),
        patients=len({image.patient_id for image in chosen}),
        classes={label: sum(image.label == label for image in chosen) for label in labels},
        seen_before=sum(bool(ids & set(run.predictions().images.tolist())) for run in runs(project)),
        by=plan.by,
    )
    with project.db as db:
        db.executemany(
            "INSERT INTO sealed_image VALUES (?, ?, ?)", [(image.id, label_set.id, image.label) for image in chosen]
        )
        db.execute("INSERT INTO setting VALUES (?, ?)", (SETTING, json.dumps(asdict(seal))))
        db.execute("DELETE FROM change")  # undoing an older change must not reach into the sealed set
    return seal
