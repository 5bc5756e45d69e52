"""Whether a new image is one that the project holds already, as it is or in another form.

A file exported again, in another encoding or window, has other pixels and the same SOP Instance UID; a picture of it
has no UID; a later film of a sealed patient has neither. Each of them would be a look at the sealed test set that
nobody counts, or a figure of an image that was learned from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence

from fineray.project.catalogue import LabelledImage, sealed_images
from fineray.project.patients.identify import unnamed_hashes
from fineray.project.project import Project
from fineray.project.splitting.near_duplicates import copies_between


def sealed_among(
    project: Project, scratch: Project, images: Sequence[LabelledImage], check: Callable[[], None] = lambda: None
) -> set[int]:
    """Which images of a scratch project (of the same key) are of the project's sealed test set: by instance UID, by
    patient, or by picture, however it was encoded, windowed, turned or mirrored."""
    sealed = sealed_images(project)
    if not sealed or not images:
        return set()
    uids, patients = _stated(project, {image.id for image in sealed})
    patients -= unnamed_hashes(project)
    found = {
        image
        for image, uid, patient in _of(scratch, {image.id for image in images})
        if uid in uids or patient in patients
    }
    rest = [image for image in images if image.id not in found]
    return found | copies_between(scratch, rest, project, sealed, check)


def learned_among(
    project: Project, scratch: Project, images: Sequence[LabelledImage], learned: Collection[int]
) -> set[int]:
    """Which images of a scratch project (of the same key) have the instance UID of one that was learned from."""
    uids, _ = _stated(project, learned)
    return {image for image, uid, _ in _of(scratch, {image.id for image in images}) if uid in uids}


def _of(project: Project, images: Collection[int]) -> list[tuple[int, str, str]]:
    """(id, hash of the instance UID, hash of the stated patient ID) of these."""
    return project.db.execute(
        "SELECT id, uid_hash, stated_hash FROM image WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(images)),),
    ).fetchall()


def _stated(project: Project, images: Collection[int]) -> tuple[set[str], set[str]]:
    rows = _of(project, images)
    return {uid for _, uid, _ in rows if uid}, {patient for _, _, patient in rows if patient}
