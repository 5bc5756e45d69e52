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
from fineray.project.files.image_writer import ImageWriter
from fineray.project.files.options import EVERY_XRAY, ImportOptions
from fineray.project.files.preparation import Outcome, Rejected
from fineray.project.files.reader import reader
from fineray.project.files.summary import ImportSummary
from fineray.project.pixel_store import sync_shards
from fineray.project.project import Project
from fineray.project.sources import SourceFile
from fineray.system.places import Place

COMMIT_EVERY_S = 1.0
DUPLICATE = "The same image was imported already"
STAGE_FIND, STAGE_READ = "Finding files", "Reading files"


class NothingReadable(FinerayError):
    """No file of the chosen folders gave an image."""


def import_folders(
    project: Project,
    roots: Place | Iterable[Place],
    options: ImportOptions = EVERY_XRAY,
    again: bool = False,
    monitor: Monitor = SILENT,
) -> ImportSummary:
    """Read what is new below folders into a project.

    Files seen before with the same size and time are left alone, but for those that gave no image to another version
    of Fineray or of its decoders. What is read is committed every second, so that cancelling or a crash keeps it.

    Parameters
    ----------
    project : Project
        It gets attributes without identity, and shades of 8 bits, the longest side at most Project.store_side pixels.
    roots : str or path, or several
        Folders, files or ZIP archives. They are opened read-only.
    options : ImportOptions
        Which X-rays are wanted; all of them unless given.
    again : bool
        Read every file, known or not.
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
    rows = project.db.execute(
        "SELECT path_hash, size, mtime_ns FROM file WHERE by_choice = 0 AND (status = 'imported' OR reader = ?"
        " OR path_hash IN (SELECT path_hash FROM image_file))",
        (reader(),),
    )
    known = {} if again else {row[0]: row[1:] for row in rows}
    new = [file for file in found if known.get(hashes[file.location]) != (file.size, file.mtime_ns)]
    summary = ImportSummary(unchanged=len(found) - len(new))
    if new:
        summary = read_files(project, new, hashes, folders, options, summary, monitor)
    if project.db.execute("SELECT count(*) FROM image").fetchone()[0] == 0:
        raise NothingReadable(
            f"None of the {len(found)} files is an X-ray that Fineray can read"
            if found
            else "The folder holds no files",
            where=", ".join(map(str, folders)),
            todo="The list of files gives each one's reason. Choose the folder that your archive exported.",
        )
    return replace(summary, seconds=time.monotonic() - started)


def read_files(
    project: Project,
    new: list[FoundFile],
    hashes: dict[FileLocation, str],
    folders: list[Path],
    options: ImportOptions,
    summary: ImportSummary,
    monitor: Monitor,
    known_only: bool = False,
) -> ImportSummary:
    """Decode these files and write what comes of them; of images that are known alone, if so wanted.

    hashes: of their places; folders: that were chosen. Raises Cancelled and OSError.
    """
    counts = {"imported": 0, "skipped": 0, "failed": 0, "duplicates": 0}
    monitor.report(Progress(STAGE_READ, 0, len(new), "files"))
    writer = _Writer(project, folders, known_only)
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

    def __init__(self, project: Project, folders: list[Path], known_only: bool) -> None:
        self._project = project
        self._db = project.db
        self._images = ImageWriter(project, known_only)
        self._folders = folders
        self._reader = reader()
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
            root = _root_of(file.location.path, self._folders)
            written = [self._images.write(each, path_hash, file.location, root) for each in outcome]
            images = [each.image for each in written if each.image is not None]
            reason = ". ".join(dict.fromkeys(warning for each in written for warning in each.warnings))
            if not any(each.of_this_file for each in written):
                status, kind = "skipped", "duplicates"
                reason, todo = DUPLICATE, "Nothing to do; it counts once."
        self._db.execute(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (path_hash, file.size, file.mtime_ns, status, reason, todo, by_choice, self._reader),
        )
        self._db.execute("DELETE FROM image_file WHERE path_hash = ?", (path_hash,))
        self._db.executemany("INSERT OR IGNORE INTO image_file VALUES (?, ?)", [(path_hash, each) for each in images])
        if time.monotonic() - self._last_commit > COMMIT_EVERY_S:
            self._commit()
        return FileResult(file.location.shown, status, reason, todo), kind

    def finish(self) -> None:
        """Keep what came since the last commit."""
        self._commit()

    def _commit(self) -> None:
        try:
            sync_shards(self._project.pixels.folder, self._images.unsynced)
            self._db.commit()
            self._images.unsynced.clear()
        except (OSError, sqlite3.Error):
            self._db.rollback()
            raise
        self._last_commit = time.monotonic()


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
