"""What kinds of files an import brought: encodings, polarity, bits, windows, views, by folder."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from fineray.dicom.location import shown
from fineray.project.project import Project

MANY_FOLDERS = 25  # more are a folder a patient, which says nothing of where the files come from


@dataclass(frozen=True)
class FileKind:
    """Images that are stored and read alike. folder: below the imported one, empty where the place is not known here;
    warnings: what to know of how they were read, a sentence a line; example: the id of one of them."""

    folder: str
    transfer_syntax: str
    photometric: str
    bits_stored: int
    voi_source: str
    view_position: str
    burned_in: str
    presentation_intent: str
    warnings: str
    images: int
    example: int


def file_kinds(project: Project) -> list[FileKind]:
    """Every kind that the project holds, by folder, the most frequent first."""
    folders = {}
    for source in project.sources.all():
        below = source.location.parts[len(source.root.parts) :]
        folders[source.path_hash] = shown(below[0]) if len(below) > 1 else "."
    found = [
        (folders.get(path_hash, ""), *rest)
        for path_hash, *rest in project.db.execute(
            "SELECT path_hash, transfer_syntax, photometric, bits_stored, voi_source, view_position, burned_in,"
            " presentation_intent, warnings, image.id FROM image JOIN image_file ON image_id = image.id"
            " ORDER BY image.id"
        )
    ]
    names = {row[0] for row in found}
    if len(names) > MANY_FOLDERS:
        found = [(f"{len(names):,} folders", *row[1:]) for row in found]
    members: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for *kind, image in found:
        members[tuple(kind)].append(image)
    rows = [FileKind(*(*kind, len(images), images[0])) for kind, images in members.items()]
    return sorted(rows, key=lambda row: (row.folder, -row.images, row.transfer_syntax))
