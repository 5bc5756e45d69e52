"""Questions to the catalogue: images, files, labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.dicom.location import FileLocation
from core.project.pixel_store import StoredAt
from core.project.project import Project

DEFAULT_LABEL_SET = "label"


@dataclass(frozen=True)
class ImageRow:
    """One image as tables show it.

    patient: pseudonym; label and part are empty where there is none; left_out: why it takes no part, or empty.
    """

    id: int
    patient: str
    label: str
    part: str
    modality: str
    body_part: str
    view_position: str
    sex: str
    age_years: float | None
    photometric: str
    transfer_syntax: str
    rows: int
    columns: int
    bits_stored: int
    stored_at: StoredAt
    left_out: str


@dataclass(frozen=True)
class FileRow:
    """One file as the import table shows it; location is None where this workstation does not know it."""

    location: FileLocation | None
    status: str
    reason: str
    todo: str


@dataclass(frozen=True)
class LabelledImage:
    """What splitting and training need of an image."""

    id: int
    patient_id: int
    label: str
    content_hash: str
    stored_at: StoredAt


@dataclass(frozen=True)
class Counts:
    """The size of a study."""

    images: int
    patients: int
    labelled: int
    classes: dict[str, int]


def counts(project: Project) -> Counts:
    """Images, patients, and labelled images by class."""
    images, patients = project.db.execute("SELECT count(*), count(DISTINCT patient_id) FROM image").fetchone()
    classes = dict(
        project.db.execute(
            "SELECT value, count(*) FROM label JOIN label_set ON label_set.id = label_set_id"
            " WHERE name = ? GROUP BY value ORDER BY value",
            (DEFAULT_LABEL_SET,),
        )
    )
    return Counts(images, patients, sum(classes.values()), classes)


def image_rows(project: Project, split_id: int | None = None) -> list[ImageRow]:
    """Every image, by patient, with its part in the given split (a fold's number, or training, ...)."""
    rows = project.db.execute(
        "SELECT image.id, pseudonym, coalesce(label.value, ''), coalesce(part, ''), modality, body_part,"
        " view_position, sex, age_years, photometric, transfer_syntax, rows, columns, bits_stored,"
        " shard, shard_offset, store_rows, store_columns, left_out"
        " FROM image JOIN patient ON patient.id = image.patient_id"
        " LEFT JOIN label ON label.image_id = image.id"
        " AND label_set_id = (SELECT id FROM label_set WHERE name = ?)"
        " LEFT JOIN split_image ON split_image.image_id = image.id AND split_id = ?"
        " ORDER BY pseudonym, image.id",
        (DEFAULT_LABEL_SET, split_id),
    )
    return [ImageRow(*(*row[:14], StoredAt(*row[14:18]), row[18])) for row in rows]


def file_rows(project: Project) -> list[FileRow]:
    """Every file that an import has seen, by path."""
    places = {source.path_hash: source.location for source in project.sources.all()}
    rows = [
        FileRow(places.get(path_hash), status, reason, todo)
        for path_hash, status, reason, todo in project.db.execute("SELECT path_hash, status, reason, todo FROM file")
    ]
    return sorted(rows, key=lambda row: str(row.location or ""))


def labelled_images(project: Project) -> list[LabelledImage]:
    """Images that carry a label, in an order that depends on their content alone (so that seeds repeat)."""
    rows = project.db.execute(
        "SELECT image.id, patient_id, value, content_hash, shard, shard_offset, store_rows, store_columns"
        " FROM image JOIN label ON label.image_id = image.id JOIN label_set ON label_set.id = label_set_id"
        " WHERE name = ? AND left_out = '' ORDER BY content_hash, value",
        (DEFAULT_LABEL_SET,),
    )
    return [LabelledImage(*(*row[:4], StoredAt(*row[4:]))) for row in rows]


def pseudonyms(project: Project, image_ids: Sequence[int]) -> list[str]:
    """The pseudonym of each image's patient."""
    by_id = dict(
        project.db.execute("SELECT image.id, pseudonym FROM image JOIN patient ON patient.id = image.patient_id")
    )
    return [by_id[image_id] for image_id in image_ids]


def stored_at(project: Project, image_id: int) -> StoredAt:
    """Where an image lies in the pixel store."""
    row = project.db.execute(
        "SELECT shard, shard_offset, store_rows, store_columns FROM image WHERE id = ?", (image_id,)
    ).fetchone()
    return StoredAt(*row)


def places_of(project: Project, image_ids: Sequence[int]) -> list[StoredAt]:
    """Where each of these images lies in the pixel store."""
    rows = project.db.execute("SELECT id, shard, shard_offset, store_rows, store_columns FROM image")
    by_id = {row[0]: StoredAt(*row[1:]) for row in rows}
    return [by_id[image_id] for image_id in image_ids]


def source_of(project: Project, image_id: int) -> tuple[FileLocation, int] | None:
    """(a source file of the image that can be opened on this workstation now, the frame in it), or None."""
    rows = project.db.execute(
        "SELECT file.path_hash, frame FROM image_file JOIN file ON file.path_hash = image_file.path_hash"
        " JOIN image ON image.id = image_id WHERE image_id = ? ORDER BY status = 'imported' DESC",
        (image_id,),
    ).fetchall()
    for path_hash, frame in rows:
        location = project.sources.location(path_hash)
        if location is not None and location.path.is_file():
            return location, frame
    return None
