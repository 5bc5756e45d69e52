"""A prepared image into the catalogue: as one of its own, or in place of what the same file gave before.

A label belongs to a picture. What is stored of an image may change only where the same file shows the same picture, or
another file the same pixels; several pictures under one SOP Instance UID are kept apart and say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fineray.dicom.location import FileLocation
from fineray.dicom.reading_notes import ReadingNote
from fineray.project.attributes import STATED_BY_TABLES
from fineray.project.files.preparation import StoredImage
from fineray.project.files.rare_values import COLUMNS, RareValues
from fineray.project.patients.identify import kept_rule, patient_number, unnamed_hashes
from fineray.project.patients.placeholders import stated_hash
from fineray.project.patients.rule import Whose, patient_hash
from fineray.project.pixel_store import StoredAt
from fineray.project.project import Project

# Attributes of fineray.dicom that are columns of the same name.
ATTRIBUTES = (
    *("modality", "body_part", "view_position", "laterality", "sex", "age_years", "manufacturer", "model"),
    *("rows", "columns", "bits_stored", "photometric", "transfer_syntax", "voi_source", "burned_in"),
    "presentation_intent",
)


@dataclass(frozen=True)
class Written:
    """image: its id, None where only known ones are wanted; of_this_file: it is new, or came from this very file
    before; warnings: what to know of it."""

    image: int | None
    of_this_file: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Known:
    """An image of the catalogue that bears the same UID and frame."""

    id: int
    content_hash: str
    stored_at: StoredAt
    of_this_file: bool
    stated_hash: str


class ImageWriter:
    """Writes the images of one import, or of those that are known alone. unsynced: shards whose pixels the catalogue
    will name."""

    def __init__(self, project: Project, known_only: bool = False) -> None:
        self._project, self._known_only = project, known_only
        self._rule = kept_rule(project)
        self._unnamed = unnamed_hashes(project)
        self._rare = RareValues(project)
        self.unsynced: set[int] = set()

    def write(self, prepared: StoredImage, path_hash: str, location: FileLocation, root: Path) -> Written:
        """Put an image into the catalogue, where it is not known yet."""
        name = prepared.identity.sop_instance_uid or prepared.content_hash
        sop = f"sop:{name}" if prepared.frame == 1 else f"sop:{name} frame {prepared.frame}"
        sop_hash = self._project.keyed_hash(sop)
        known = self._known(sop_hash, "sop:" + name, prepared.frame, path_hash)
        same = next((each for each in known if each.content_hash == prepared.content_hash), None)
        own = same if same is not None and same.of_this_file else self._alike(known, prepared, of_this_file=True)
        copy = None if own else same or self._alike(known, prepared, of_this_file=False)
        warnings = prepared.warnings
        if copy is not None:
            if copy.stated_hash != stated_hash(self._project, prepared.identity.patient_id):
                warnings = (*warnings, ReadingNote.OF_ANOTHER)
                self._warn([copy], ReadingNote.OF_ANOTHER)
            return Written(copy.id, False, warnings)
        if own is None and self._known_only:
            return Written(None, True, warnings)
        if own is None and known:
            sop_hash = self._project.keyed_hash(f"{sop} picture {prepared.content_hash}")
        if len(known) > (own is not None):  # no copies, or they would not be here
            warnings = (*warnings, ReadingNote.SHARED_UID)
            self._warn(known, ReadingNote.SHARED_UID)
        values = self._values(prepared, sop_hash, location, root, warnings)
        if same is None:
            self.unsynced.add(prepared.stored_at.shard)
        if own is None:
            return Written(self._insert(values), True, warnings)
        kept = {"sop_hash"}
        if same is not None:
            kept |= {"shard", "shard_offset", "store_rows", "store_columns"}
        if own.stated_hash == values["stated_hash"]:
            kept.add("patient_id")  # a table may have named the patient
        kept |= {name for name in STATED_BY_TABLES if values[name] in ("", None)}  # and the view
        self._update(own.id, {column: value for column, value in values.items() if column not in kept})
        return Written(own.id, True, warnings)

    def _known(self, sop_hash: str, sop: str, frame: int, path_hash: str) -> list[_Known]:
        rows = self._project.db.execute(
            "SELECT id, content_hash, shard, shard_offset, store_rows, store_columns, EXISTS (SELECT 1 FROM image_file"
            " WHERE image_id = image.id AND path_hash = :path), stated_hash FROM image"
            " WHERE sop_hash = :sop OR (uid_hash = :uid AND frame = :frame) ORDER BY id",
            {"path": path_hash, "sop": sop_hash, "uid": self._project.keyed_hash(sop), "frame": frame},
        )
        return [_Known(row[0], row[1], StoredAt(*row[2:6]), bool(row[6]), row[7]) for row in rows]

    def _alike(self, known: list[_Known], prepared: StoredImage, of_this_file: bool) -> _Known | None:
        """The one of these that shows the same picture: re-encoded, windowed otherwise, or read by another version."""
        for each in known:
            if each.of_this_file == of_this_file:
                from fineray.project.splitting.near_duplicates import same_picture  # scipy; few images come here

                before, now = (self._project.pixels.read(place) for place in (each.stored_at, prepared.stored_at))
                # An earlier version may have read the very file as nothing but black: no label is of that picture.
                if (of_this_file and before.min() == before.max()) or same_picture(before, now):
                    return each
        return None

    def _warn(self, known: list[_Known], sentence: str) -> None:
        for each in known:
            (warnings,) = self._project.db.execute("SELECT warnings FROM image WHERE id = ?", (each.id,)).fetchone()
            if sentence not in warnings:
                self._update(each.id, {"warnings": "\n".join(filter(None, [warnings, sentence]))})

    def _values(
        self, prepared: StoredImage, sop_hash: str, location: FileLocation, root: Path, warnings: tuple[str, ...]
    ) -> dict[str, Any]:
        identity, a, place = prepared.identity, prepared.attributes, prepared.stored_at
        hashed = self._hashed
        whose = Whose(
            stated_hash(self._project, identity.patient_id),
            hashed("issuer:", identity.issuer_of_patient_id),
            hashed("site:", identity.institution_name),
            hashed("source:", str(root)),
            hashed("study:", identity.study_instance_uid),
            sop_hash,
            location,
            root,
        )
        patient = patient_hash(self._project, whose, self._rule, self._unnamed)
        assert patient is not None, "the file's place is known"
        number = patient_number(self._project, patient)
        row_spacing, column_spacing = a.pixel_spacing_mm or (None, None)
        return {
            "patient_id": number,
            "stated_hash": whose.stated_hash,
            "issuer_hash": whose.issuer_hash,
            "site_hash": whose.site_hash,
            "source_hash": whose.source_hash,
            "study_hash": whose.study_hash,
            "series_hash": hashed("series:", identity.series_instance_uid),
            "sop_hash": sop_hash,
            "uid_hash": hashed("sop:", identity.sop_instance_uid or prepared.content_hash),
            "accession_hash": hashed("accession:", identity.accession_number),
            "station_hash": hashed("station:", identity.station_name),
            "content_hash": prepared.content_hash,
            "fingerprint": prepared.fingerprint,
            "frame": prepared.frame,
            "study_date": self._project.shifted_date(identity.study_date),
            **{name: getattr(a, name) for name in ATTRIBUTES},
            **{name: self._rare.kept(name, getattr(a, name), number) for name in COLUMNS},
            "row_spacing_mm": row_spacing,
            "column_spacing_mm": column_spacing,
            "warnings": "\n".join(warnings),
            "shard": place.shard,
            "shard_offset": place.offset,
            "store_rows": place.rows,
            "store_columns": place.columns,
        }

    def _hashed(self, what: str, text: str) -> str:
        return self._project.keyed_hash(what + text) if text else ""

    def _update(self, image: int, values: dict[str, Any]) -> None:
        assignments = ", ".join(f"{column} = :{column}" for column in values)
        self._project.db.execute(f"UPDATE image SET {assignments} WHERE id = :id", {**values, "id": image})

    def _insert(self, values: dict[str, Any]) -> int:
        columns, marks = ", ".join(values), ", ".join(f":{column}" for column in values)
        cursor = self._project.db.execute(f"INSERT INTO image ({columns}) VALUES ({marks})", values)
        assert cursor.lastrowid is not None
        return cursor.lastrowid
