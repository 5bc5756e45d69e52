"""Creating and opening a project folder."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from core.errors import FinerayError, storage_error
from core.project.lock import ProjectLock
from core.project.pixel_store import PixelStore
from core.project.schema import migrate
from core.project.sources import SourceIndex

CATALOGUE = "catalogue.sqlite"
DOOR = "project.fineray"  # what a double click opens
STORE_SIDE = 512


class NotAProject(FinerayError):
    """The folder holds no Fineray project, or a damaged one."""


class FolderNotEmpty(FinerayError):
    """A project cannot be created where other files lie."""


class Project:
    """An open project. Belongs to the thread that opened it; other threads and processes open their own.

    root: its folder; db: the catalogue (SQLite, WAL); id: a random name; store_side: the longest side in pixels
    of the images in the pixel store.
    """

    def __init__(self, root: Path, db: sqlite3.Connection, lock: ProjectLock | None) -> None:
        self.root = root
        self.db = db
        self._lock = lock
        settings = dict(db.execute("SELECT name, value FROM setting"))
        self.id = settings["id"]
        self.store_side = int(settings["store_side"])
        self._key = bytes.fromhex(settings["hash_key"])
        self.pixels = PixelStore(root / "pixels")
        self.sources = SourceIndex(self.id)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.root.name

    @property
    def runs_folder(self) -> Path:
        """Where the runs are kept, one folder each."""
        return self.root / "runs"

    def keyed_hash(self, text: str) -> str:
        """An identifier as this project keeps it: HMAC-SHA-256 under the project's own random key, in hex.

        The same identifier gives the same hash in this project only, and the hash gives nothing back.
        """
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def shifted_date(self, text: str) -> str:
        """A DICOM date (YYYYMMDD) as an ISO date moved into the past, or empty where it is none.

        All dates of a project move by the same secret number of whole weeks, 1 to 10 years: intervals, weekdays and
        the order between patients stay, which splits by date need.
        """
        try:
            day = datetime.strptime(text, "%Y%m%d").date()
            weeks = 52 + int(self.keyed_hash("date shift")[:8], 16) % 468
            return (day - timedelta(weeks=weeks)).isoformat()
        except (ValueError, OverflowError):
            return ""

    def close(self) -> None:
        """Release the files and the lock; calling it again does nothing."""
        self.db.close()
        self.sources.close()
        self.pixels.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def create_project(root: Path) -> None:
    """Make an empty project in a new or empty folder. Raises FolderNotEmpty or a storage error."""
    try:
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise FolderNotEmpty(
                "A project needs a new or empty folder",
                where=str(root),
                todo="Choose another name, or open the project if one lies there already.",
            )
        (root / "pixels").mkdir(parents=True)
        (root / "runs").mkdir()
        db = _connect(root)
        try:
            migrate(db, str(root))
            settings = {
                "id": uuid.uuid4().hex,
                "hash_key": secrets.token_hex(32),
                "store_side": str(STORE_SIDE),
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            with db:
                db.executemany("INSERT INTO setting VALUES (?, ?)", settings.items())
        finally:
            db.close()
        (root / DOOR).write_text("Open this file with Fineray to open the project in this folder.\n", "utf-8")
    except (OSError, sqlite3.Error) as error:
        raise storage_error(error) or error from error


def open_project(root: Path, *, lock: bool = False) -> Project:
    """Open a project; with `lock`, as its only writer until it is closed.

    Jobs that run for a window or command which holds the lock open without it.
    Raises NotAProject, ProjectTooNew, ProjectInUse or a storage error.
    """
    if not (root / CATALOGUE).is_file():
        raise NotAProject(
            "No Fineray project lies in this folder",
            where=str(root),
            todo="Choose the folder that was named when the project was created, or create a new one.",
        )
    held = ProjectLock(root) if lock else None
    db: sqlite3.Connection | None = None
    try:
        db = _connect(root)
        migrate(db, str(root))
        return Project(root, db, held)
    except BaseException as error:
        if db is not None:
            db.close()
        if held is not None:
            held.release()
        if isinstance(error, sqlite3.DatabaseError | KeyError | ValueError):
            raise storage_error(error) or NotAProject(
                "The project's catalogue cannot be read",
                where=str(root / CATALOGUE),
                todo="Restore the folder from a backup; nothing in it was changed.",
            ) from error
        raise


def _connect(root: Path) -> sqlite3.Connection:
    db = sqlite3.connect(root / CATALOGUE, timeout=30)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    return db
