"""Images that stay in the project but take no part in splits and training."""

from __future__ import annotations

from collections.abc import Iterable

from core.project.project import Project


def leave_out(project: Project, images: Iterable[int], reason: str) -> None:
    """Leave images out, for a reason in words; splits made before are outdated."""
    with project.db as db:
        db.executemany("UPDATE image SET left_out = ? WHERE id = ?", [(reason, image) for image in images])


def put_back(project: Project, images: Iterable[int]) -> None:
    """Let images take part again."""
    with project.db as db:
        db.executemany("UPDATE image SET left_out = '' WHERE id = ?", [(image,) for image in images])
