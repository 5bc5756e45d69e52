"""Regions of images that a person marked as holding letters; they are made black in every export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from fineray.dicom.letters import Region
from fineray.project.history import remember
from fineray.project.project import Project


def set_blanked_regions(project: Project, image: int, regions: Sequence[Region]) -> None:
    """Keep these regions of an image instead of those kept before."""
    before = [[each.y0, each.x0, each.y1, each.x1] for each in blanked_regions(project, image).get(image, ())]
    with project.db as db:
        remember(db, "Marking regions to be blanked", [("blanked", image, before)])
        db.execute("DELETE FROM blanked WHERE image_id = ?", (image,))
        db.executemany(
            "INSERT INTO blanked VALUES (?, ?, ?, ?, ?)",
            [(image, each.y0, each.x0, each.y1, each.x1) for each in regions],
        )


def blanked_regions(project: Project, image: int | None = None) -> dict[int, tuple[Region, ...]]:
    """The regions of every image that has any, or of one image."""
    found: dict[int, list[Region]] = defaultdict(list)
    for number, *edges in project.db.execute(
        "SELECT image_id, y0, x0, y1, x1 FROM blanked WHERE :image IS NULL OR image_id = :image", {"image": image}
    ):
        found[number].append(Region(*edges))
    return {number: tuple(regions) for number, regions in found.items()}
