"""One new image again, with where a run saw its evidence: read anew, since nothing of it was kept."""

from __future__ import annotations

from pathlib import Path

from fineray.dicom.location import FileLocation
from fineray.dicom.read import read_radiographs
from fineray.dicom.shades import shades_8bit
from fineray.explaining.explain import evidence_for
from fineray.prediction.results import LookedAt
from fineray.project.files.preparation import shrink
from fineray.project.runs import RunFolder


def look_at_image(folder: RunFolder, images: Path, file: str, class_name: str) -> LookedAt:
    """file: as the table of predictions names it, inside `images`. Raises CannotExplain, NotARadiograph, UnreadableFile
    or OSError where the file has gone."""
    radiograph = read_radiographs(_location(images, file), "all")[0]
    pixels = shrink(shades_8bit(radiograph.image), folder.metrics().backbone.stored_side)
    return LookedAt(file, class_name, pixels, evidence_for(folder, pixels, class_name))


def _location(images: Path, file: str) -> FileLocation:
    """A file, or a member of an archive, whose name then follows the archive's."""
    path = images / file
    if path.is_file():
        return FileLocation(path)
    for archive in path.parents:
        if archive.is_file():
            return FileLocation(archive, path.relative_to(archive).as_posix())
    return FileLocation(path)
