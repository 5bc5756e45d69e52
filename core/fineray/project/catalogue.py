"""Questions to the catalogue: images, files, labels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fineray.dicom.location import FileLocation
from fineray.label_values import UNCERTAIN
from fineray.project.label_sets import (
    LabelSet,
    active_id,
    active_label_set,
    class_counts,
)
from fineray.project.pixel_store import StoredAt
from fineray.project.project import Project
from fineray.project.splits import latest_split
from fineray.system.frames import to_frame

if TYPE_CHECKING:
    import pandas as pd


_PLACE = ("shard", "shard_offset", "store_rows", "store_columns")


class ImageRow(NamedTuple):
    """One image as tables show it; a tuple, since a hundred thousand of them are made at once.

    patient: pseudonym; label (in the set in use), other (in the set compared with it) and part are empty where there
    is none; left_out: why it takes no part, or empty; sealed: whether it belongs to the sealed test set; warnings: what
    to know of how it was read, a sentence a line.
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
    shard: int
    shard_offset: int
    store_rows: int
    store_columns: int
    left_out: str
    other: str
    sealed: bool
    presentation_intent: str
    warnings: str

    @property
    def stored_at(self) -> StoredAt:
        """Where its pixels lie."""
        return StoredAt(self.shard, self.shard_offset, self.store_rows, self.store_columns)


@dataclass(frozen=True)
class ImageTable:
    """What `image_table` gives: the images of a project and their labels."""

    rows: tuple[ImageRow, ...]

    def to_frame(self) -> pd.DataFrame:
        """A pandas data frame with a row an image: `image` (catalogue id), patient (pseudonym), label, part of the
        split, attributes, left_out, sealed; empty texts where there is none. Raises PandasMissing."""
        names = [name for name in ImageRow._fields if name not in (*_PLACE, "id", "other")]
        columns = {name: [getattr(row, name) for row in self.rows] for name in names}
        return to_frame({"image": [row.id for row in self.rows], **columns})


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
class PatientImage:
    """One of a patient's images. study_date: shifted by a span of the patient's own, empty if not stated."""

    image: int
    patient: str
    study_date: str
    view_position: str


@dataclass(frozen=True)
class Counts:
    """The size of a study. classes: images by class in the set in use; uncertain: those left open."""

    images: int
    patients: int
    labelled: int
    classes: dict[str, int]
    uncertain: int


def counts(project: Project) -> Counts:
    """Images, patients, and labelled images by class."""
    images, patients = project.db.execute("SELECT count(*), count(DISTINCT patient_id) FROM image").fetchone()
    chosen = active_label_set(project)
    classes, uncertain = class_counts(project, chosen)
    (labelled,) = project.db.execute("SELECT count(*) FROM label WHERE label_set_id = ?", (chosen.id,)).fetchone()
    return Counts(images, patients, labelled, classes, uncertain)


def image_table(project: Project) -> ImageTable:
    """List the images of a project with their labels, parts and attributes.

    Parameters
    ----------
    project : Project
        It may be open for reading only.

    Returns
    -------
    ImageTable
        A row an image, by patient: the label in the set in use, the part in the split made last of it. `to_frame` gives
        a pandas data frame.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     frame = fineray.image_table(project).to_frame()
    >>> frame.groupby("label")["patient"].nunique().to_dict()
    {'clear (synthetic)': 6, 'opacity (synthetic)': 6}
    """
    split = latest_split(project)
    return ImageTable(tuple(image_rows(project, split.id if split else None)))


def image_rows(
    project: Project,
    split_id: int | None = None,
    other: LabelSet | None = None,
    only: Sequence[int] | None = None,
) -> list[ImageRow]:
    """Every image (or `only` these), by patient, with its part in the given split (a fold's number, or training, ...)
    and its label in the set `other` beside that in use."""
    keys: dict[str, Any] = {
        "set": active_id(project),
        "other": other.id if other else None,
        "split": split_id,
        "after": 0,
    }
    keys["only"] = json.dumps(list(only or ()))
    query = _IMAGE_ROWS.format(only="AND image.id IN (SELECT value FROM json_each(:only))" if only is not None else "")
    patients: list[int] = []
    rows: list[ImageRow] = []
    while chunk := json.loads(project.db.execute(query, keys).fetchone()[0]):
        patients += [row[0] for row in chunk]
        rows += [ImageRow._make(row[1:]) for row in chunk]
        keys["after"] = rows[-1].id
    order = np.argsort(np.array(patients, dtype=np.int64), kind="stable")
    return [rows[number] for number in order.tolist()]


# A chunk of rows as one JSON text. SQLite hands the interpreter on between rows, and where the GUI thread is busy each
# row would wait for its turn: a hundred thousand turns of 5 ms.
_IMAGE_ROWS = """
SELECT json_group_array(json_array(
    patient_id, id, pseudonym, value, part, modality, body_part, view_position, sex, age_years, photometric,
    transfer_syntax, rows, columns, bits_stored, shard, shard_offset, store_rows, store_columns, left_out, other,
    json(iif(sealed, 'true', 'false')), presentation_intent, warnings))
FROM (
    SELECT image.*, pseudonym, coalesce(label.value, '') AS value, coalesce(part, '') AS part,
        coalesce(beside.value, '') AS other, sealed_image.image_id IS NOT NULL AS sealed
    FROM image JOIN patient ON patient.id = image.patient_id
    LEFT JOIN label ON label.image_id = image.id AND label.label_set_id = :set
    LEFT JOIN label AS beside ON beside.image_id = image.id AND beside.label_set_id = :other
    LEFT JOIN split_image ON split_image.image_id = image.id AND split_id = :split
    LEFT JOIN sealed_image ON sealed_image.image_id = image.id
    WHERE image.id > :after {only} ORDER BY image.id LIMIT 2000)
"""


def file_rows(project: Project) -> list[FileRow]:
    """Every file that an import has seen, by path."""
    places = {source.path_hash: source.location for source in project.sources.all()}
    rows = [
        FileRow(places.get(path_hash), status, reason, todo)
        for path_hash, status, reason, todo in project.db.execute("SELECT path_hash, status, reason, todo FROM file")
    ]
    return sorted(rows, key=lambda row: str(row.location or ""))


def labelled_images(project: Project) -> list[LabelledImage]:
    """What may be learned from: images with a certain label in the set in use, neither left out nor sealed.

    Their order depends on their content alone, so that seeds repeat.
    """
    rows = project.db.execute(
        f"SELECT image.id, patient_id, value, {_STORED} FROM image"
        " JOIN label ON label.image_id = image.id AND label_set_id = ?"
        " WHERE value != ? AND left_out = '' AND image.id NOT IN (SELECT image_id FROM sealed_image)"
        " ORDER BY content_hash, value",
        (active_id(project), UNCERTAIN),
    )
    return [LabelledImage(*(*row[:4], StoredAt(*row[4:]))) for row in rows]


def sealed_images(project: Project) -> list[LabelledImage]:
    """The sealed test set with its labels as they are now, empty for images that were left out or lost their label.

    Only for keeping its patients apart, and for fineray.training.opening.
    """
    rows = project.db.execute(
        f"SELECT image.id, patient_id, CASE left_out WHEN '' THEN coalesce(value, '') ELSE '' END, {_STORED}"
        " FROM sealed_image JOIN image ON image.id = sealed_image.image_id"
        " LEFT JOIN label ON label.image_id = image.id AND label.label_set_id = sealed_image.label_set_id"
        " ORDER BY content_hash",
    )
    return [LabelledImage(*(*row[:4], StoredAt(*row[4:]))) for row in rows]


_STORED = "content_hash, shard, shard_offset, store_rows, store_columns"


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


def images_of_patient(project: Project, image_id: int) -> list[PatientImage]:
    """The images of the patient of an image, the image itself among them, the earliest first."""
    rows = project.db.execute(
        "SELECT image.id, pseudonym, study_date, view_position FROM image JOIN patient ON patient.id = image.patient_id"
        " WHERE patient_id = (SELECT patient_id FROM image WHERE id = ?) ORDER BY study_date, image.id",
        (image_id,),
    )
    return [PatientImage(*row) for row in rows]


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


def content_hashes(project: Project) -> dict[int, str]:
    """Image id -> hash of its content, in the order of the hashes: that of ids differs from import to import."""
    return dict(project.db.execute("SELECT id, content_hash FROM image ORDER BY content_hash"))


def patients_of(project: Project) -> dict[int, int]:
    """Image id -> patient id."""
    return dict(project.db.execute("SELECT id, patient_id FROM image"))


def ages_of(project: Project) -> dict[int, float]:
    """Image id -> age in years, of images that state it."""
    return dict(project.db.execute("SELECT id, age_years FROM image WHERE age_years IS NOT NULL"))


def reasons_left_out(project: Project) -> dict[int, str]:
    """Image id -> why it was left out (empty if it was not), of all images that are not sealed."""
    unsealed = "SELECT id, left_out FROM image WHERE id NOT IN (SELECT image_id FROM sealed_image)"
    return dict(project.db.execute(unsealed).fetchall())


def devices(project: Project) -> set[str]:
    """Makers and models, as far as enough patients share them."""
    return {text for row in project.db.execute("SELECT DISTINCT manufacturer, model FROM image") for text in row}


@dataclass(frozen=True)
class FileCounts:
    """Files that imports have seen. by_choice: of those skipped, how many were not wanted."""

    seen: int
    failed: int
    skipped: int
    by_choice: int


def file_counts(project: Project) -> FileCounts:
    """How many files, by what became of them."""
    of_status = dict(project.db.execute("SELECT status, count(*) FROM file GROUP BY status"))
    (chosen,) = project.db.execute("SELECT count(*) FROM file WHERE status = 'skipped' AND by_choice").fetchone()
    return FileCounts(sum(of_status.values()), of_status.get("failed", 0), of_status.get("skipped", 0), chosen)


@dataclass(frozen=True)
class ExportedImage:
    """What an export needs of an image."""

    id: int
    pseudonym: str
    content_hash: str


def images_to_export(project: Project) -> list[ExportedImage]:
    """Every image that was not left out, by patient."""
    rows = project.db.execute(
        "SELECT image.id, pseudonym, content_hash FROM image JOIN patient ON patient.id = patient_id"
        " WHERE left_out = '' ORDER BY pseudonym, image.id"
    )
    return [ExportedImage(*row) for row in rows]


def imported_images(project: Project) -> list[tuple[LabelledImage, FileLocation]]:
    """Every image with its file, by path; labels are empty."""
    rows = project.db.execute(
        f"SELECT image.id, patient_id, '', {_STORED}, path_hash"
        " FROM image JOIN image_file ON image_file.image_id = image.id GROUP BY image.id"
    ).fetchall()
    found = []
    for row in rows:
        location = project.sources.location(row[-1])
        assert location is not None, "this project was made on this workstation"
        found.append((LabelledImage(*(*row[:4], StoredAt(*row[4:-1]))), location))
    return sorted(found, key=lambda each: (each[1], each[0].id))


def warning_counts(project: Project) -> dict[str, int]:
    """What to know of how images were read -> of how many images, the most frequent first."""
    rows = project.db.execute("SELECT warnings, count(*) FROM image WHERE warnings != '' GROUP BY warnings")
    counted: Counter[str] = Counter()
    for warnings, images in rows:
        counted.update(dict.fromkeys(warnings.split("\n"), images))
    return dict(counted.most_common())


def refused_files(project: Project) -> list[tuple[FileLocation, str]]:
    """Files that gave no image, with the reason."""
    query = "SELECT path_hash, reason FROM file WHERE path_hash NOT IN (SELECT path_hash FROM image_file)"
    places = ((project.sources.location(path_hash), reason) for path_hash, reason in project.db.execute(query))
    return [(location, reason) for location, reason in places if location is not None]
