"""Folders of DICOM files -> catalogue and pixel store."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path

from fineray.dicom.location import FileLocation
from fineray.dicom.scan import FoundFile, find_files
from fineray.errors import FinerayError
from fineray.progress import (
    SILENT,
    Cancelled,
    FileResult,
    Monitor,
    Progress,
)
from fineray.project.files.decoding_pool import DecodingPool
from fineray.project.files.options import EVERY_XRAY, ImportOptions
from fineray.project.files.patients import chosen_rule, patient_hash, patient_number
from fineray.project.files.preparation import Outcome, Rejected, StoredImage
from fineray.project.files.rare_values import COLUMNS, RareValues
from fineray.project.files.summary import ImportSummary
from fineray.project.pixel_store import sync_shards
from fineray.project.project import Project
from fineray.project.sources import SourceFile
from fineray.system.places import Place

COMMIT_EVERY_S = 1.0
# Attributes of fineray.dicom that are columns of the same name.
ATTRIBUTES = (
    *("modality", "body_part", "view_position", "laterality", "sex", "age_years", "manufacturer", "model"),
    *("rows", "columns", "bits_stored", "photometric", "transfer_syntax", "voi_source", "burned_in"),
)
DUPLICATE = "The same image was imported already"
STAGE_FIND, STAGE_READ = "Finding files", "Reading files"


class NothingReadable(FinerayError):
    """No file of the chosen folders gave an image."""


def import_folders(
    project: Project,
    roots: Place | Iterable[Place],
    options: ImportOptions = EVERY_XRAY,
    monitor: Monitor = SILENT,
) -> ImportSummary:
    """Read what is new below folders into a project.

    Files seen before with the same size and time are left alone. What is read is committed every second, so that
    cancelling or a crash keeps it.

    Parameters
    ----------
    project : Project
        It gets attributes without identity, and shades of 8 bits, the longest side at most 512 pixels.
    roots : str or path, or several
        Folders, files or ZIP archives. They are opened read-only.
    options : ImportOptions
        Which X-rays are wanted; all of them unless given.
    monitor : Monitor
        Hears of each file (FileResult) and of Progress in files.

    Returns
    -------
    ImportSummary
        How many files were imported, skipped, failed, there twice or known, and the seconds that it took.

    Raises
    ------
    FolderMissing
        A folder is not there.
    NothingReadable
        The project is still empty afterwards.
    Cancelled
        By the monitor.
    DiskFull, StorageUnavailable
        The disk refuses, or the project may only be read.

    Examples
    --------
    >>> import fineray
    >>> fineray.create_project("new study")
    >>> with fineray.open_project("new study", lock=True) as project:
    ...     summary = fineray.import_folders(project, "images/SYNTHETIC-001")
    >>> summary.imported, summary.failed
    (3, 0)
    """
    project.check_writable()
    started = time.monotonic()
    given = [roots] if isinstance(roots, str | os.PathLike) else roots
    folders = [Path(root).resolve() for root in given]
    found = _find(folders, monitor)
    hashes = {file.location: project.keyed_hash(str(file.location)) for file in found}
    project.sources.record(
        SourceFile(hashes[file.location], file.location, _root_of(file.location.path, folders)) for file in found
    )
    known = {
        row[0]: row[1:] for row in project.db.execute("SELECT path_hash, size, mtime_ns FROM file WHERE by_choice = 0")
    }
    new = [file for file in found if known.get(hashes[file.location]) != (file.size, file.mtime_ns)]
    summary = ImportSummary(unchanged=len(found) - len(new))
    if new:
        summary = _read_new(project, new, hashes, options, summary, monitor)
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
    project: Project,
    new: list[FoundFile],
    hashes: dict[FileLocation, str],
    options: ImportOptions,
    summary: ImportSummary,
    monitor: Monitor,
) -> ImportSummary:
    counts = {"imported": 0, "skipped": 0, "failed": 0, "duplicates": 0}
    monitor.report(Progress(STAGE_READ, 0, len(new), "files"))
    writer = _Writer(project)
    try:
        with DecodingPool(project.pixels, project.store_side, options) as pool:
            for done, (file, outcome) in enumerate(pool.prepare_all(new, monitor), start=1):
                result, kind = writer.add(file, hashes[file.location], outcome)
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
        self._rule = chosen_rule(project)
        self._rare = RareValues(project)
        self._unsynced: set[int] = set()
        self._last_commit = time.monotonic()

    def add(self, file: FoundFile, path_hash: str, outcome: Outcome) -> tuple[FileResult, str]:
        """(how the file ended, which of the summary's counts it belongs to)."""
        status = kind = "imported"
        reason = todo = ""
        by_choice = False
        images: list[int] = []
        if isinstance(outcome, Rejected):
            status = kind = outcome.status
            reason, todo, by_choice = outcome.reason, outcome.todo, outcome.by_choice
        else:
            images, new = self._images(outcome, file.location, path_hash)
            reason = ". ".join(dict.fromkeys(warning for each in outcome for warning in each.warnings))
            if not new:
                status, kind = "skipped", "duplicates"
                reason, todo = DUPLICATE, "Nothing to do; it counts once."
        self._db.execute(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?)",
            (path_hash, file.size, file.mtime_ns, status, reason, todo, by_choice),
        )
        self._db.execute("DELETE FROM image_file WHERE path_hash = ?", (path_hash,))
        self._db.executemany("INSERT OR IGNORE INTO image_file VALUES (?, ?)", [(path_hash, each) for each in images])
        if time.monotonic() - self._last_commit > COMMIT_EVERY_S:
            self._commit()
        return FileResult(str(file.location), status, reason, todo), kind

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

    def _images(
        self, outcome: tuple[StoredImage, ...], location: FileLocation, path_hash: str
    ) -> tuple[list[int], bool]:
        """(image ids of the file's images, whether one of them is new or came from this very file before)."""
        known = {
            row[0] for row in self._db.execute("SELECT image_id FROM image_file WHERE path_hash = ?", (path_hash,))
        }
        found = [self._image(prepared, location) for prepared in outcome]
        return [image for image, _ in found], any(new or image in known for image, new in found)

    def _image(self, prepared: StoredImage, location: FileLocation) -> tuple[int, bool]:
        """(image id, whether it is new); a file that changed on disk updates its image in place."""
        hashed = self._project.keyed_hash
        identity, a = prepared.identity, prepared.attributes
        name = identity.sop_instance_uid or prepared.content_hash
        sop_hash = hashed("sop:" + (name if prepared.frame == 1 else f"{name} frame {prepared.frame}"))
        found = self._db.execute("SELECT id, content_hash FROM image WHERE sop_hash = ?", (sop_hash,)).fetchone()
        if found and found[1] == prepared.content_hash:
            return found[0], False
        self._unsynced.add(prepared.stored_at.shard)
        study_hash = hashed("study:" + identity.study_instance_uid) if identity.study_instance_uid else ""
        patient = patient_hash(self._project, identity.patient_id, study_hash, sop_hash, location, self._rule)
        number = patient_number(self._project, patient)
        row_spacing, column_spacing = a.pixel_spacing_mm or (None, None)
        place = prepared.stored_at
        values = {
            "patient_id": number,
            "study_hash": study_hash,
            "series_hash": hashed("series:" + identity.series_instance_uid) if identity.series_instance_uid else "",
            "sop_hash": sop_hash,
            "content_hash": prepared.content_hash,
            "fingerprint": prepared.fingerprint,
            "frame": prepared.frame,
            "station_hash": hashed("station:" + identity.station_name) if identity.station_name else "",
            "site_hash": hashed("site:" + identity.institution_name) if identity.institution_name else "",
            "study_date": self._project.shifted_date(identity.study_date),
            **{name: getattr(a, name) for name in ATTRIBUTES},
            **{name: self._rare.kept(name, getattr(a, name), number) for name in COLUMNS},
            "row_spacing_mm": row_spacing,
            "column_spacing_mm": column_spacing,
            "shard": place.shard,
            "shard_offset": place.offset,
            "store_rows": place.rows,
            "store_columns": place.columns,
        }
        if found:
            assignments = ", ".join(f"{column} = :{column}" for column in values)
            self._db.execute(f"UPDATE image SET {assignments} WHERE id = :id", {**values, "id": found[0]})
            return found[0], False
        columns = ", ".join(values)
        marks = ", ".join(f":{column}" for column in values)
        cursor = self._db.execute(f"INSERT INTO image ({columns}) VALUES ({marks})", values)
        assert cursor.lastrowid is not None
        return cursor.lastrowid, True


def _find(folders: list[Path], monitor: Monitor) -> list[FoundFile]:
    """The files below the folders. A network drive that stalls holds up the thread that looks, and not the user who
    cancels."""
    counted, given_up = 0, threading.Event()

    def count(number: int) -> None:
        nonlocal counted
        counted = number
        if given_up.is_set():
            raise Cancelled

    found: Future[list[FoundFile]] = Future()

    def look() -> None:
        try:
            found.set_result(find_files(folders, count))
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=look, name="finding files", daemon=True).start()
    try:
        while not wait([found], timeout=0.1).done:
            monitor.check()
            monitor.report(Progress(STAGE_FIND, counted, 0, "files"))
    finally:
        given_up.set()
    return found.result()


def _root_of(path: Path, roots: list[Path]) -> Path:
    inside = [root for root in roots if root in path.parents]
    return max(inside, key=lambda root: len(root.parts), default=path.parent)
