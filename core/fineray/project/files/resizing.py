"""Keeping images at another size: their files are read again; ids, labels, patients and splits stay."""

from __future__ import annotations

import contextlib

from fineray.dicom.scan import FoundFile
from fineray.errors import FinerayError
from fineray.progress import SILENT, Monitor
from fineray.project.files.importing import read_files
from fineray.project.files.options import ImportOptions
from fineray.project.files.summary import ImportSummary, Resized
from fineray.project.pixel_store import shard_path
from fineray.project.project import Project, check_side


class SourcesAway(FinerayError):
    """Not one file of the project's images can be opened on this computer."""


def change_side(project: Project, side: int, monitor: Monitor = SILENT) -> Resized:
    """Read the images' files again and keep them at another longest side, in pixels.

    What is interrupted goes on with the next call: images that were read already are read again, and come out the same.
    Raises SideUnusable, SourcesAway, Cancelled, DiskFull, StorageUnavailable.
    """
    check_side(side)
    project.check_writable()
    with_images = {row[0] for row in project.db.execute("SELECT path_hash FROM image_file")}
    sources = [each for each in project.sources.all() if each.path_hash in with_images]
    here = [each for each in sources if each.location.path.is_file()]
    if with_images and not here:
        raise SourcesAway(
            "The files of the images are not known, or not there, on this computer",
            todo="Connect the drive, or import the folders again on this computer; then choose the size again.",
        )
    with project.db as db:
        db.execute("INSERT OR REPLACE INTO setting VALUES ('store_side', ?)", (str(side),))
    project.store_side = side
    # As they were found: one that changed since is found changed by the next import, too.
    found = {row[0]: row[1:] for row in project.db.execute("SELECT path_hash, size, mtime_ns FROM file")}
    files = [FoundFile(each.location, *found[each.path_hash]) for each in here]
    if files:
        hashes = {each.location: each.path_hash for each in here}
        folders = sorted({each.root for each in here})
        wanted = ImportOptions(frames="all")
        read_files(project, files, hashes, folders, wanted, ImportSummary(), monitor, known_only=True)
    _drop_unused_shards(project)
    linked = project.db.execute("SELECT path_hash, image_id FROM image_file").fetchall()
    open_here = {each.path_hash for each in here}
    read = {image for path_hash, image in linked if path_hash in open_here}
    (images,) = project.db.execute("SELECT count(*) FROM image").fetchone()
    return Resized(side, len(read), images - len(read))


def _drop_unused_shards(project: Project) -> None:
    """Delete files of pixels that no image lies in any more."""
    used = {row[0] for row in project.db.execute("SELECT DISTINCT shard FROM image")}
    project.pixels.close()
    for path in project.pixels.folder.glob("shard-*.u8"):
        number = int(path.stem.rpartition("-")[2])
        if number not in used:
            with contextlib.suppress(OSError):  # Windows: the window may hold it open; the next time finds it
                shard_path(project.pixels.folder, number).unlink()
