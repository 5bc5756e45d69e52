"""Labels from a CSV or from folder names, previewed before anything is applied."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import FinerayError
from core.project.changes import set_labels
from core.project.project import Project
from core.project.table_file import LabelFileUnusable, read_table

KEY_COLUMNS = ("sop_instance_uid", "file", "patient_id")
LABEL_COLUMN = "label"


class NoLabelMatches(FinerayError):
    """Not one label belongs to an image of the project."""


class TooFewClasses(FinerayError):
    """Labels of a single class cannot be learned."""


@dataclass(frozen=True)
class Conflict:
    """An entry that would give an image two labels, or that fits several files. Not applied."""

    entry: str
    problem: str


@dataclass(frozen=True)
class LabelPreview:
    """What applying would do.

    source: what the labels come from, in words; matched: (image id, label) pairs; unmatched_entries: rows of the
    file (or files outside any folder) without an image; unmatched_images: images without a label; blank: rows
    without a label; classes: images and patients by label, over the matched ones; notes: how the file was read.
    """

    source: str
    matched: tuple[tuple[int, str], ...]
    unmatched_entries: tuple[str, ...]
    unmatched_images: int
    conflicts: tuple[Conflict, ...]
    blank: int
    classes: dict[str, tuple[int, int]]
    notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know of the file, and what will stand in the way of training, one sentence each."""
        found = list(self.notes)
        if len(self.classes) == 1:
            found.append(f"All labels say “{next(iter(self.classes))}”; training needs at least two classes.")
        for name, (_, patients) in self.classes.items():
            if patients == 1:
                found.append(f"Class “{name}” has images of one patient only; a split by patient needs more.")
        return tuple(found)


def preview_table(project: Project, path: Path) -> LabelPreview:
    """Match the rows of a CSV or Excel file (core.project.table_file) with the images.

    The first of sop_instance_uid, file, patient_id that the header has names the key; `label` is the label. A
    `file` matches a path that ends with it. Raises LabelFileUnusable.
    """
    table = read_table(path)
    rows, header = table.rows, table.header
    key = next((column for column in KEY_COLUMNS if column in header), None)
    if key is None or LABEL_COLUMN not in header:
        raise LabelFileUnusable(
            f"The columns are {', '.join(header) or 'missing'}",
            where=path.name,
            todo=f"The first row must name a column “{LABEL_COLUMN}” and one of {', '.join(KEY_COLUMNS)}.",
        )
    entries = [(row[key].strip(), row[LABEL_COLUMN].strip()) for row in rows]
    finders = {"sop_instance_uid": _by_sop_uid, "file": _by_path_ending, "patient_id": _by_patient}
    images = finders[key](project, {entry for entry, _ in entries})
    return _preview(project, f"{path.name}, by {key}", entries, images, table.notes)


def preview_folders(project: Project) -> LabelPreview:
    """Take each file's label from the folder below the imported one (or below what several have in common).

    Raises LabelFileUnusable where this workstation does not know the files.
    """
    files: dict[str, list[int]] = defaultdict(list)
    for path_hash, image in project.db.execute(
        "SELECT path_hash, image_id FROM image_file JOIN file USING (path_hash) WHERE status = 'imported'"
    ):
        files[path_hash].append(image)
    sources = [source for source in project.sources.all() if source.path_hash in files]
    if not sources:
        raise LabelFileUnusable(
            "The places of the imported files are not known on this computer",
            todo="Import the folders again on this computer; only the places are read anew.",
        )
    top = Path(os.path.commonpath([source.root for source in sources]))
    entries: list[tuple[str, str]] = []
    images: dict[str, list[int]] = {}
    for source in sources:
        below = source.location.parts[len(top.parts) :]
        entry = "/".join(below)
        images[entry] = files[source.path_hash]
        entries.append((entry, below[0] if len(below) > 1 else ""))
    return _preview(project, f"folders below {top.name}", entries, images)


def apply_labels(project: Project, preview: LabelPreview) -> int:
    """Write the matched labels, all or none; returns their number.

    Raises NoLabelMatches or TooFewClasses, and then changes nothing.
    """
    if not preview.matched:
        raise NoLabelMatches(
            "No label belongs to an image of this project",
            where=preview.source,
            todo="Compare the first column of the label file with the files that were imported.",
        )
    if len(preview.classes) < 2:
        raise TooFewClasses(
            f"Every label says “{next(iter(preview.classes))}”",
            where=preview.source,
            todo="Add images of at least one other class; there is nothing to tell apart yet.",
        )
    set_labels(project, dict(preview.matched), f"Labels from {preview.source}")
    return len(preview.matched)


def _preview(
    project: Project,
    source: str,
    entries: list[tuple[str, str]],
    images: dict[str, list[int]],
    notes: tuple[str, ...] = (),
) -> LabelPreview:
    wanted: dict[int, set[str]] = defaultdict(set)
    entry_of: dict[int, str] = {}
    unmatched, conflicts, blank = [], [], 0
    for entry, label in entries:
        found = images.get(entry, [])
        if not label:
            blank += 1
        elif not found:
            unmatched.append(entry)
        elif found == _AMBIGUOUS:
            conflicts.append(Conflict(entry, "fits several imported files; write more of the path"))
        else:
            for image in found:
                wanted[image].add(label)
                entry_of[image] = entry
    contested = {image: labels for image, labels in wanted.items() if len(labels) > 1}
    seen = {entry_of[image]: labels for image, labels in contested.items()}
    conflicts += [Conflict(entry, f"is labelled {' and '.join(sorted(labels))}") for entry, labels in seen.items()]
    matched = tuple(sorted((image, next(iter(labels))) for image, labels in wanted.items() if image not in contested))
    patient_of = dict(project.db.execute("SELECT id, patient_id FROM image"))
    patients: dict[str, set[int]] = defaultdict(set)
    for image, label in matched:
        patients[label].add(patient_of[image])
    per_class = Counter(label for _, label in matched)
    return LabelPreview(
        source=source,
        matched=matched,
        unmatched_entries=tuple(dict.fromkeys(unmatched)),
        unmatched_images=len(patient_of) - len(matched),
        conflicts=tuple(conflicts),
        blank=blank,
        classes={label: (per_class[label], len(patients[label])) for label in sorted(per_class)},
        notes=notes,
    )


_AMBIGUOUS = [-1]


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
            found[name] = sorted(fitting.pop()) if len(fitting) == 1 else _AMBIGUOUS
    return found
