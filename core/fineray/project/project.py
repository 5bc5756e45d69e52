"""Creating and opening a project folder."""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import TracebackType

from fineray.errors import FinerayError, StorageUnavailable, nearest, storage_error
from fineray.project.lock import ProjectInUse, ProjectLock, held_by_another
from fineray.project.pixel_store import PixelStore
from fineray.project.schema import migrate
from fineray.project.sources import SourceIndex
from fineray.system.durable import sync_file, sync_folder
from fineray.system.places import Place

CATALOGUE = "catalogue.sqlite"
DOOR = "project.fineray"  # what a double click opens
STORE_SIDE = 512  # the longest side of a stored image, unless the project chooses another
SIDES = (512, 1024, 2048)
QUICK_LOOK = 500  # entries of a folder


class NotAProject(FinerayError):
    """The folder holds no Fineray project, or a damaged one."""


class SideUnusable(FinerayError):
    """Images cannot be kept at that size."""


class FolderNotEmpty(FinerayError):
    """A project cannot be created where other files lie."""


class Project:
    """An open project, by `open_project`.

    It belongs to the thread that opened it; other threads and processes open their own.

    Attributes
    ----------
    root : Path
        Its folder.
    db : sqlite3.Connection
        The catalogue (SQLite, WAL).
    id : str
        A random name.
    store_side : int
        The longest side, in pixels, of the images in the pixel store.
    read_only : FinerayError or None
        Why nothing may be written, if so.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     project.name, [run.name for run in fineray.runs(project)]
    ('study', ['run-001'])
    """

    def __init__(
        self, root: Path, db: sqlite3.Connection, lock: ProjectLock | None, read_only: FinerayError | None = None
    ) -> None:
        self.root = root
        self.db = db
        self.read_only = read_only
        self._lock = lock
        settings = dict(db.execute("SELECT name, value FROM setting"))
        self.id = settings["id"]
        if not re.fullmatch("[0-9a-f]{32}", self.id):  # names a file in the user's folder; open_project() tells it
            raise ValueError("a project's id is 32 hexadecimal digits")
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

    def check_writable(self) -> None:
        """Raise why nothing may be written (ProjectInUse, StorageUnavailable), if so."""
        if self.read_only is not None:
            raise self.read_only

    def keyed_hash(self, text: str) -> str:
        """An identifier as this project keeps it: HMAC-SHA-256 under the project's own random key, in hex.

        The same identifier gives the same hash in this project only, and the hash gives nothing back.
        """
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hex()

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


def create_project(root: Place, store_side: int = STORE_SIDE, like: Project | None = None) -> None:
    """Make an empty project in a new or empty folder.

    Parameters
    ----------
    root : str or path
        The folder; those above it are made too.
    store_side : int
        The longest side, in pixels, at which images are kept, 512, 1,024 or 2,048: what is learned from is no larger.
    like : Project, optional
        A project whose key it shares, for images that are looked at once beside that project's; else its key is its
        own.

    Raises
    ------
    FolderNotEmpty
        Other files lie there.
    SideUnusable
        Images are not kept at that size.
    DiskFull, StorageUnavailable
        The disk refuses.

    Examples
    --------
    >>> import fineray
    >>> fineray.create_project("another study")
    >>> fineray.open_project("another study").name
    'another study'
    """
    check_side(store_side)
    root = Path(root)
    unfinished = root / f".{CATALOGUE}.partial"
    try:
        if root.exists() and (not root.is_dir() or not _nothing_but_remains(root, unfinished.name)):
            raise FolderNotEmpty(
                "A project needs a new or empty folder",
                where=str(root),
                todo="Choose another name, or open the project if one lies there already.",
            )
        for name in ("pixels", "runs"):
            (root / name).mkdir(parents=True, exist_ok=True)
        for remains in root.glob(f"{unfinished.name}*"):
            remains.unlink()
        db = _connect(unfinished)
        try:
            migrate(db, str(root))
            settings = {
                "id": uuid.uuid4().hex,
                "hash_key": secrets.token_hex(32) if like is None else like._key.hex(),
                "store_side": str(store_side),
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            with db:
                db.executemany("INSERT INTO setting VALUES (?, ?)", settings.items())
        finally:
            db.close()
        (root / DOOR).write_text("Open this file with Fineray to open the project in this folder.\n", "utf-8")
        sync_file(unfinished)
        unfinished.replace(root / CATALOGUE)  # from here on it is a project
        sync_folder(root)
        sync_folder(root.parent)
    except (OSError, sqlite3.Error) as error:
        raise storage_error(error) or error from error


def open_project(root: Place, *, lock: bool = False) -> Project:
    """Open a project; an older format is brought up to date.

    Parameters
    ----------
    root : str or path
        Its folder.
    lock : bool
        Be its only writer until it is closed, as the window and the commands are. Jobs that run for whoever holds the
        lock open without it. Without it, a project that another program holds, or whose folder cannot be written, opens
        for reading only: `read_only` says why.

    Returns
    -------
    Project
        To be closed; it is a context manager.

    Raises
    ------
    NotAProject
        The folder holds none, or a damaged one.
    ProjectTooNew
        A later version wrote it.
    ProjectInUse
        The lock is asked for, and another program holds it.
    DiskFull, StorageUnavailable
        The disk refuses.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study", lock=True) as project:
    ...     len(fineray.image_table(project).rows)
    24
    """
    root = Path(root).absolute()  # the processes that decode images may work in another folder
    if not (root / CATALOGUE).is_file():
        raise NotAProject(
            "No Fineray project lies in this folder",
            where=str(root),
            todo=nearest(root.name, _projects_near(root), "Choose the folder that holds the project."),
        )
    held = ProjectLock(root) if lock else None
    read_only = None if lock else _why_read_only(root)
    db: sqlite3.Connection | None = None
    try:
        db = _connect(root / CATALOGUE) if read_only is None else _connect_to_read(root)
        migrate(db, str(root))
        return Project(root, db, held, read_only)
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


def check_side(side: int) -> None:
    """Raises SideUnusable."""
    if side not in SIDES:
        known = ", ".join(f"{each:,}" for each in SIDES)
        raise SideUnusable(f"Images are not kept at {side} pixels a side", todo=f"Choose one of {known}.")


def _projects_near(root: Path) -> list[str]:
    """The names of projects beside or inside a folder, as far as a quick look shows: it may hold a million files."""
    found = []
    for folder in (root, root.parent):
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            found += [each.name for each in islice(entries, QUICK_LOOK) if Path(each.path, CATALOGUE).is_file()]
    return sorted(found)


def _why_read_only(root: Path) -> FinerayError | None:
    if not (os.access(root, os.W_OK) and os.access(root / CATALOGUE, os.W_OK)):
        return StorageUnavailable(
            "The project folder cannot be written",
            where=str(root),
            todo="Copy the folder to where you may write, or ask whoever administers this computer for access.",
        )
    holder = held_by_another(root)
    return None if holder is None else ProjectInUse(root, holder)


def _nothing_but_remains(root: Path, unfinished: str) -> bool:
    """Whether a folder is empty but for what a creation left that was cut off."""
    return all(
        path.name.startswith(unfinished) or path.name == DOOR
        if path.is_file()
        else path.name in ("pixels", "runs") and not any(path.iterdir())
        for path in root.iterdir()
    )


def _connect(catalogue: Path) -> sqlite3.Connection:
    db = sqlite3.connect(catalogue, timeout=30)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")  # what is done outlives a power cut
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA trusted_schema = OFF")  # a project from elsewhere may bring views and triggers of its own
    return db


def _connect_to_read(root: Path) -> sqlite3.Connection:
    address = (root / CATALOGUE).resolve().as_uri()
    # In a folder that cannot be written SQLite may not keep the index of the log. Where no log is left, the file alone
    # is the whole catalogue.
    log = root / f"{CATALOGUE}-wal"
    alone = not os.access(root, os.W_OK) and not (log.exists() and log.stat().st_size)
    db = sqlite3.connect(f"{address}?mode=ro{'&immutable=1' if alone else ''}", uri=True, timeout=30)
    db.execute("PRAGMA query_only = ON")
    db.execute("PRAGMA trusted_schema = OFF")
    return db
