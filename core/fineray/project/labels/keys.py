"""Which images an entry of a table means: by file, UID, patient or content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from fineray.project.project import Project

Finder = Callable[[Project, Iterable[str]], dict[str, list[int]]]
AMBIGUOUS = [-1]  # stands for the images of an entry that fits several files


def _by_sop_uid(project: Project, uids: Iterable[str]) -> dict[str, list[int]]:
    images = dict(project.db.execute("SELECT sop_hash, id FROM image"))
    found = {uid: images.get(project.keyed_hash("sop:" + uid)) for uid in uids}
    return {uid: [image] for uid, image in found.items() if image is not None}


def _by_patient(project: Project, ids: Iterable[str]) -> dict[str, list[int]]:
    images: dict[str, list[int]] = defaultdict(list)
    for id_hash, image in project.db.execute(
        "SELECT id_hash, image.id FROM image JOIN patient ON patient.id = image.patient_id ORDER BY image.id"
    ):
        images[id_hash].append(image)
    found = {name: images.get(project.keyed_hash("patient:" + name), []) for name in ids if name}
    return {name: ids for name, ids in found.items() if ids}


def _by_path_ending(project: Project, names: Iterable[str]) -> dict[str, list[int]]:
    images_of: dict[str, set[int]] = defaultdict(set)
    for path_hash, image in project.db.execute("SELECT path_hash, image_id FROM image_file"):
        images_of[path_hash].add(image)
    by_name: dict[str, list[tuple[tuple[str, ...], frozenset[int]]]] = defaultdict(list)
    for source in project.sources.all():
        if source.path_hash in images_of:
            parts = source.location.parts
            by_name[parts[-1]].append((parts, frozenset(images_of[source.path_hash])))
    found: dict[str, list[int]] = {}
    for name in names:
        parts = tuple(part for part in PurePosixPath(name.replace("\\", "/")).parts if part != ".")
        if not parts:
            continue
        fitting = {images for path, images in by_name.get(parts[-1], []) if path[-len(parts) :] == parts}
        if fitting:
            found[name] = sorted(fitting.pop()) if len(fitting) == 1 else AMBIGUOUS
    return found


def _by_content(project: Project, hashes: Iterable[str]) -> dict[str, list[int]]:
    images: dict[str, list[int]] = defaultdict(list)
    for content_hash, image in project.db.execute("SELECT content_hash, id FROM image"):
        images[content_hash].append(image)
    return {each: images[each] for each in hashes if each in images}


# The columns by which a table may name images, the first that it has counts.
KEYS: dict[str, Finder] = {
    "sop_instance_uid": _by_sop_uid,
    "file": _by_path_ending,
    "content_hash": _by_content,
    "patient_id": _by_patient,
}
