"""The catalogue's tables, as numbered migrations counted by SQLite's `PRAGMA user_version`."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from fineray.errors import FinerayError

_VERSION_1 = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE patient (
    id INTEGER PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE, id_hash TEXT NOT NULL UNIQUE);
CREATE TABLE image (
    id INTEGER PRIMARY KEY,
    patient_id INTEGER NOT NULL REFERENCES patient (id),
    study_hash TEXT NOT NULL, series_hash TEXT NOT NULL, sop_hash TEXT NOT NULL UNIQUE,
    content_hash TEXT NOT NULL,
    modality TEXT NOT NULL, body_part TEXT NOT NULL, view_position TEXT NOT NULL, laterality TEXT NOT NULL,
    sex TEXT NOT NULL, age_years REAL, manufacturer TEXT NOT NULL, model TEXT NOT NULL,
    rows INTEGER NOT NULL, columns INTEGER NOT NULL, bits_stored INTEGER NOT NULL,
    photometric TEXT NOT NULL, transfer_syntax TEXT NOT NULL, voi_source TEXT NOT NULL,
    row_spacing_mm REAL, column_spacing_mm REAL, burned_in TEXT NOT NULL,
    shard INTEGER NOT NULL, shard_offset INTEGER NOT NULL,
    store_rows INTEGER NOT NULL, store_columns INTEGER NOT NULL);
CREATE INDEX image_patient ON image (patient_id);
CREATE INDEX image_study ON image (study_hash);
CREATE TABLE file (
    path_hash TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('imported', 'skipped', 'failed')),
    reason TEXT NOT NULL, todo TEXT NOT NULL, image_id INTEGER REFERENCES image (id));
CREATE INDEX file_image ON file (image_id);
CREATE TABLE label_set (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE label (
    label_set_id INTEGER NOT NULL REFERENCES label_set (id) ON DELETE CASCADE,
    image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    value TEXT NOT NULL, PRIMARY KEY (label_set_id, image_id)) WITHOUT ROWID;
CREATE TABLE split (
    id INTEGER PRIMARY KEY, label_set_id INTEGER NOT NULL REFERENCES label_set (id),
    kind TEXT NOT NULL CHECK (kind IN ('folds', 'holdout')), folds INTEGER, validation_share REAL,
    test_share REAL, seed INTEGER NOT NULL, hash TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE split_image (
    split_id INTEGER NOT NULL REFERENCES split (id) ON DELETE CASCADE,
    image_id INTEGER NOT NULL REFERENCES image (id), part TEXT NOT NULL,
    PRIMARY KEY (split_id, image_id)) WITHOUT ROWID;
CREATE TABLE feature (
    space TEXT NOT NULL, content_hash TEXT NOT NULL, row INTEGER NOT NULL,
    PRIMARY KEY (space, content_hash)) WITHOUT ROWID;
"""

# A file may hold several images (frames) and several files the same image; images know their station and date, can
# be left out, and carry what near duplicates are found by.
_VERSION_2 = """
ALTER TABLE image ADD COLUMN frame INTEGER NOT NULL DEFAULT 1;
ALTER TABLE image ADD COLUMN station_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN study_date TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN fingerprint BLOB;
ALTER TABLE image ADD COLUMN left_out TEXT NOT NULL DEFAULT '';
ALTER TABLE split ADD COLUMN certificate TEXT NOT NULL DEFAULT '{}';
ALTER TABLE split_image ADD COLUMN group_number INTEGER NOT NULL DEFAULT -1;
CREATE TABLE change (id INTEGER PRIMARY KEY, title TEXT NOT NULL, before TEXT NOT NULL);
CREATE TABLE image_file (
    path_hash TEXT NOT NULL, image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    PRIMARY KEY (path_hash, image_id)) WITHOUT ROWID;
CREATE INDEX image_file_image ON image_file (image_id);
INSERT INTO image_file SELECT path_hash, image_id FROM file WHERE image_id IS NOT NULL;
CREATE TABLE file_2 (
    path_hash TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('imported', 'skipped', 'failed')),
    reason TEXT NOT NULL, todo TEXT NOT NULL, by_choice INTEGER NOT NULL);
INSERT INTO file_2 SELECT path_hash, size, mtime_ns, status, reason, todo, 0 FROM file;
DROP TABLE file;
ALTER TABLE file_2 RENAME TO file;
"""

# Several label sets, one of them in use; plans of splits as JSON; sites; sealed test images and the openings of their
# seal. What undo kept in the old form is given up.
_VERSION_3 = """
ALTER TABLE label_set ADD COLUMN kind TEXT NOT NULL DEFAULT 'single';
ALTER TABLE label_set ADD COLUMN classes TEXT NOT NULL DEFAULT '[]';
INSERT OR IGNORE INTO label_set (name) VALUES ('label');
INSERT INTO setting SELECT 'label_set', id FROM label_set WHERE name = 'label';
ALTER TABLE split ADD COLUMN plan TEXT NOT NULL DEFAULT '{}';
UPDATE split SET plan = json_object(
    'kind', kind, 'folds', folds, 'validation_share', validation_share, 'test_share', test_share, 'seed', seed);
ALTER TABLE split DROP COLUMN kind;
ALTER TABLE split DROP COLUMN folds;
ALTER TABLE split DROP COLUMN validation_share;
ALTER TABLE split DROP COLUMN test_share;
ALTER TABLE split DROP COLUMN seed;
ALTER TABLE image ADD COLUMN site_hash TEXT NOT NULL DEFAULT '';
CREATE TABLE sealed_image (
    image_id INTEGER PRIMARY KEY REFERENCES image (id), label_set_id INTEGER NOT NULL REFERENCES label_set (id),
    label TEXT NOT NULL);
CREATE TABLE opening (
    id TEXT PRIMARY KEY, seal TEXT NOT NULL, opened TEXT NOT NULL, run TEXT NOT NULL, head_sha256 TEXT NOT NULL);
CREATE TABLE blanked (
    image_id INTEGER NOT NULL REFERENCES image (id), y0 REAL NOT NULL, x0 REAL NOT NULL, y1 REAL NOT NULL,
    x1 REAL NOT NULL);
DELETE FROM change;
"""

# What a label was before it was changed, written by the database itself so that no way of changing can forget it; notes
# on images; readings at the reader desk, which nobody can change afterwards, and what was decided where readers differ.
_VERSION_4 = """
CREATE TABLE label_revision (
    id INTEGER PRIMARY KEY, label_set_id INTEGER NOT NULL, image_id INTEGER NOT NULL,
    before TEXT NOT NULL, after TEXT, changed TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')));
CREATE INDEX label_revision_image ON label_revision (image_id);
CREATE TRIGGER label_changed AFTER UPDATE OF value ON label WHEN old.value <> new.value BEGIN
    INSERT INTO label_revision (label_set_id, image_id, before, after)
    VALUES (old.label_set_id, old.image_id, old.value, new.value); END;
CREATE TRIGGER label_removed AFTER DELETE ON label BEGIN
    INSERT INTO label_revision (label_set_id, image_id, before) VALUES (old.label_set_id, old.image_id, old.value); END;
CREATE TABLE note (
    image_id INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE, text TEXT NOT NULL, written TEXT NOT NULL);
CREATE TABLE reading (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, reader TEXT NOT NULL,
    image_id INTEGER NOT NULL REFERENCES image (id), value TEXT NOT NULL, seconds REAL NOT NULL, saved TEXT NOT NULL,
    UNIQUE (run, reader, image_id));
CREATE TABLE adjudication (
    id INTEGER PRIMARY KEY, label_set_id INTEGER NOT NULL, image_id INTEGER NOT NULL REFERENCES image (id),
    label TEXT NOT NULL, reading TEXT NOT NULL, decided TEXT NOT NULL, reader TEXT NOT NULL, decided_by TEXT NOT NULL,
    reason TEXT NOT NULL, saved TEXT NOT NULL);
CREATE TRIGGER reading_kept BEFORE UPDATE ON reading BEGIN SELECT RAISE(ABORT, 'readings are kept as saved'); END;
CREATE TRIGGER reading_stays BEFORE DELETE ON reading BEGIN SELECT RAISE(ABORT, 'readings are kept as saved'); END;
CREATE TRIGGER adjudication_kept BEFORE UPDATE ON adjudication BEGIN SELECT RAISE(ABORT, 'decisions are kept'); END;
CREATE TRIGGER adjudication_stays BEFORE DELETE ON adjudication BEGIN SELECT RAISE(ABORT, 'decisions are kept'); END;
"""

# What a file states of its patient, accession, purpose and object, apart from what is made of it: rules for patients
# may be changed, and one SOP Instance UID may stand on several images. What to know of how an image was read, a
# sentence a line; which reader a file was last tried with. What undo kept of patients is given up: it knew other rules.
_VERSION_5 = """
ALTER TABLE image ADD COLUMN stated_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN issuer_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN source_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN uid_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN accession_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN presentation_intent TEXT NOT NULL DEFAULT '';
ALTER TABLE image ADD COLUMN warnings TEXT NOT NULL DEFAULT '';
UPDATE image SET stated_hash = (SELECT id_hash FROM patient WHERE patient.id = patient_id);
UPDATE image SET uid_hash = sop_hash WHERE frame = 1;
UPDATE image SET warnings = coalesce((
    SELECT replace(max(reason), '. ', char(10)) FROM file JOIN image_file USING (path_hash)
    WHERE image_id = image.id AND status = 'imported'), '');
CREATE INDEX image_uid ON image (uid_hash);
ALTER TABLE file ADD COLUMN reader TEXT NOT NULL DEFAULT '';
DELETE FROM change WHERE before LIKE '%["patient"%' OR before LIKE '%patient_rule%';
"""

MIGRATIONS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5)
VERSION = len(MIGRATIONS)


class ProjectTooNew(FinerayError):
    """The project was written by a later Fineray."""


class ProjectTooOld(FinerayError):
    """The project was written by an earlier Fineray, and cannot be brought up to date where it may only be read."""


def migrate(db: sqlite3.Connection, where: str) -> None:
    """Bring the catalogue to this version, each step in its own transaction; a catalogue of an older version is copied
    first, to `catalogue.format-N.sqlite` beside it. Raises ProjectTooNew, and ProjectTooOld where it may only be
    read."""
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise ProjectTooNew(
            f"The project was made by a newer Fineray (format {found}; this one reads up to {VERSION})",
            where=where,
            todo="Update Fineray on this computer; the project was not changed.",
        )
    if found < VERSION and db.execute("PRAGMA query_only").fetchone()[0]:
        raise ProjectTooOld(
            "The project was made by an earlier Fineray and may only be read here",
            where=where,
            todo="Open it once where it can be written; it is brought up to date then.",
        )
    if 0 < found < VERSION:
        _back_up(db, found)
    for number, script in enumerate(MIGRATIONS[found:], start=found + 1):
        db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")


def _back_up(db: sqlite3.Connection, found: int) -> None:
    file = Path(db.execute("PRAGMA database_list").fetchone()[2])
    kept = file.with_name(f"{file.stem}.format-{found}{file.suffix}")
    if not kept.exists():
        partial = kept.with_name(f".{kept.name}.partial")
        partial.unlink(missing_ok=True)
        copy = sqlite3.connect(partial)
        try:
            db.backup(copy)
        finally:
            copy.close()
        partial.replace(kept)
