"""Folders of DICOM files -> catalogue and pixel store."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import astuple, replace
from pathlib import Path

from core.dicom.scan import FoundFile, find_files
from core.errors import FinerayError
from core.progress import FileResult, Monitor, Progress
from core.project.decoding_pool import DecodingPool
from core.project.import_summary import ImportSummary
from core.project.pixel_store import sync_shards
from core.project.preparation import Prepared, Rejected
from core.project.project import Project
from core.project.sources import Source

COMMIT_EVERY_S = 1.0
DUPLICATE = "The same image was imported already"
STAGE_FIND, STAGE_READ = "Finding files", "Reading files"


class NothingReadable(FinerayError):
    """No file of the chosen folders gave an image."""


def import_folders(project: Project, roots: Iterable[Path], monitor: Monitor) -> ImportSummary:
    """Read what is new below `roots`; files seen before with the same size and time are left alone.

    What is read is committed every second, so cancelling (Cancelled) or a crash keeps it.
    Raises FolderMissing, NothingReadable (when the project is still empty afterwards) or a storage error.
    """
    started = time.monotonic()
    folders = [root.resolve() for root in roots]
    found = find_files(folders, lambda count: _found_so_far(monitor, count))
    hashes = {file.path: project.keyed_hash(str(file.path)) for file in found}
    project.sources.record(Source(hashes[f.path], f.path, _root_of(f.path, folders)) for f in found)
    known = {row[0]: row[1:] for row in project.db.execute("SELECT path_hash, size, mtime_ns FROM file")}
    new = [file for file in found if known.get(hashes[file.path]) != (file.size, file.mtime_ns)]
    summary = ImportSummary(unchanged=len(found) - len(new))
    if new:
        summary = _read_new(project, new, hashes, summary, monitor)
    if project.db.execute("SELECT count(*) FROM image").fetchone()[0] == 0:
        raise NothingReadable(
            f"None of the {len(found)} files is an X-ray that Fineray can read"
            if found
            else "The folder holds no files",
            where=", ".join(map(str, folders)),
            todo="The list of files gives each one's reason. Choose the folder that your archive exported.",
        )
    return replace(summary, seconds=time.monotonic() - started)


def _read_new(
    project: Project, new: list[FoundFile], hashes: dict[Path, str], summary: ImportSummary, monitor: Monitor
) -> ImportSummary:
    counts = {"imported": 0, "skipped": 0, "failed": 0, "duplicates": 0}
    monitor.report(Progress(STAGE_READ, 0, len(new), "files"))
    writer = _Writer(project)
    try:
        with DecodingPool(project.pixels, project.store_side) as pool:
            for done, (file, outcome) in enumerate(pool.prepare_all(new, monitor), start=1):
                result, kind = writer.add(file, hashes[file.path], outcome)
                counts[kind] += 1
                monitor.report(result)
                monitor.report(Progress(STAGE_READ, done, len(new), "files"))
    finally:
        writer.finish()
    return replace(summary, **counts)


class _Writer:
    """Puts outcomes into pixel store and catalogue; pixels reach the disk before the catalogue names them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._db = project.db
        self._unsynced: set[int] = set()
        self._last_commit = time.monotonic()

    def add(self, file: FoundFile, path_hash: str, outcome: Prepared | Rejected) -> tuple[FileResult, str]:
        """(how the file ended, which of the summary's counts it belongs to)."""
        kind = "imported"
        image_id: int | None = None
        reason = todo = ""
        if isinstance(outcome, Rejected):
            status, reason, todo = outcome.status, outcome.reason, outcome.todo
            kind = status
        else:
            image_id, is_new = self._image(outcome)
            status = "imported"
            if not is_new and self._file_of(image_id) != path_hash:
                status, kind = "skipped", "duplicates"
                reason, todo = DUPLICATE, "Nothing to do; it counts once."
        self._db.execute(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?)",
            (path_hash, file.size, file.mtime_ns, status, reason, todo, image_id),
        )
        if time.monotonic() - self._last_commit > COMMIT_EVERY_S:
            self._commit()
        return FileResult(str(file.path), status, reason, todo), kind

    def finish(self) -> None:
        """Keep what came since the last commit."""
        self._commit()

    def _commit(self) -> None:
        try:
            sync_shards(self._project.pixels.folder, self._unsynced)
            self._db.commit()
            self._unsynced.clear()
        except (OSError, sqlite3.Error):
            self._db.rollback()
            raise
        self._last_commit = time.monotonic()

    def _file_of(self, image_id: int) -> str | None:
        row = self._db.execute(
            "SELECT path_hash FROM file WHERE image_id = ? AND status = 'imported'", (image_id,)
        ).fetchone()
        return row[0] if row else None

    def _image(self, prepared: Prepared) -> tuple[int, bool]:
        """(image id, whether it is new); a file that changed on disk updates its image in place."""
        hashed = self._project.keyed_hash
        identity, a = prepared.identity, prepared.attributes
        sop_hash = hashed("sop:" + (identity.sop_instance_uid or prepared.content_hash))
        found = self._db.execute("SELECT id, content_hash FROM image WHERE sop_hash = ?", (sop_hash,)).fetchone()
        if found and found[1] == prepared.content_hash:
            return found[0], False
        self._unsynced.add(prepared.stored_at.shard)
        spacing = a.pixel_spacing_mm or (None, None)
        row = (
            self._patient(hashed("patient:" + identity.patient_id)),
            hashed("study:" + identity.study_instance_uid),
            hashed("series:" + identity.series_instance_uid),
            sop_hash,
            prepared.content_hash,
            *(a.modality, a.body_part, a.view_position, a.laterality, a.sex, a.age_years),
            *(a.manufacturer, a.model, a.rows, a.columns, a.bits_stored, a.photometric, a.transfer_syntax),
            *(a.voi_source, *spacing, a.burned_in),
            *astuple(prepared.stored_at),
        )
        if found:
            names = [column[1] for column in self._db.execute("PRAGMA table_info(image)")][1:]
            self._db.execute(
                f"UPDATE image SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?", (*row, found[0])
            )
            return found[0], False
        marks = ", ".join("?" * len(row))
        cursor = self._db.execute(f"INSERT INTO image VALUES (NULL, {marks})", row)
        assert cursor.lastrowid is not None
        return cursor.lastrowid, True

    def _patient(self, id_hash: str) -> int:
        row = self._db.execute("SELECT id FROM patient WHERE id_hash = ?", (id_hash,)).fetchone()
        if row:
            return int(row[0])
        number = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM patient").fetchone()[0]
        self._db.execute("INSERT INTO patient VALUES (?, ?, ?)", (number, f"P{number:05d}", id_hash))
        return int(number)


def _found_so_far(monitor: Monitor, count: int) -> None:
    monitor.check()
    monitor.report(Progress(STAGE_FIND, count, 0, "files"))


def _root_of(path: Path, roots: list[Path]) -> Path:
    inside = [root for root in roots if root in path.parents]
    return max(inside, key=lambda root: len(root.parts), default=path.parent)
