"""The folders that imported files lie in, level by level: which of them may be named after patients."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from fineray.dicom.location import shown
from fineray.project.patients.rule import below
from fineray.project.project import Project


@dataclass(frozen=True)
class FolderLevel:
    """level: 1 is the first folder below the imported one. names: how many different ones; images: in such folders;
    example: one of the names; path: a whole path below the imported folder that has it."""

    level: int
    names: int
    images: int
    example: str
    path: str


def folder_levels(project: Project) -> list[FolderLevel]:
    """Every level of folders of the images whose place is known on this computer, from the top."""
    with_images = {row[0] for row in project.db.execute("SELECT path_hash FROM image_file")}
    names: dict[int, set[str]] = defaultdict(set)
    counts: dict[int, int] = defaultdict(int)
    example: dict[int, tuple[str, str]] = {}
    for source in project.sources.all():
        if source.path_hash not in with_images:
            continue
        inside = tuple(map(shown, below(source.location, source.root)))
        for level, name in enumerate(inside[:-1], start=1):
            names[level].add(name)
            counts[level] += 1
            example.setdefault(level, (name, "/".join(inside)))
    return [FolderLevel(level, len(names[level]), counts[level], *example[level]) for level in sorted(names)]
