"""The splits that a project keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from core.project.project import Project


@dataclass(frozen=True)
class SplitPlan:
    """How to split. kind: `folds` (uses folds >= 2) or `holdout` (uses the shares, each in 0.05..0.5)."""

    kind: Literal["folds", "holdout"] = "folds"
    folds: int = 5
    validation_share: float = 0.2
    test_share: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class Split:
    """A kept split. hash: SHA-256 over image contents and parts, the same wherever the same split is made."""

    id: int
    plan: SplitPlan
    hash: str
    created: str


@dataclass(frozen=True)
class PartCount:
    """The size of one part of a split."""

    part: str
    images: int
    patients: int
    classes: dict[str, int]


def latest_split(project: Project) -> Split | None:
    """The split made last, or None."""
    row = project.db.execute(
        "SELECT id, kind, folds, validation_share, test_share, seed, hash, created FROM split ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return Split(row[0], SplitPlan(*row[1:6]), row[6], row[7]) if row else None


def is_current(project: Project, split: Split) -> bool:
    """Whether every image that has a label now stands in the split, and none without one does."""
    outside = project.db.execute(
        "SELECT (SELECT count(*) FROM label WHERE image_id NOT IN"
        " (SELECT image_id FROM split_image WHERE split_id = ?))"
        " + (SELECT count(*) FROM split_image WHERE split_id = ? AND image_id NOT IN (SELECT image_id FROM label))",
        (split.id, split.id),
    ).fetchone()[0]
    return bool(outside == 0)


def parts(project: Project, split: Split) -> dict[int, str]:
    """Image id -> part (a fold's number as text, or training, validation, test)."""
    return dict(project.db.execute("SELECT image_id, part FROM split_image WHERE split_id = ?", (split.id,)))


def part_counts(project: Project, split: Split) -> list[PartCount]:
    """Images, patients and classes of each part, folds in order, holdout as training, validation, test."""
    rows = project.db.execute(
        "SELECT part, value, image.patient_id FROM split_image JOIN image ON image.id = split_image.image_id"
        " JOIN label ON label.image_id = image.id WHERE split_id = ?",
        (split.id,),
    ).fetchall()
    order = ["training", "validation", "test", *(str(fold) for fold in range(1, split.plan.folds + 1))]
    names = sorted({part for part, _, _ in rows}, key=order.index)
    return [
        PartCount(
            name,
            sum(part == name for part, _, _ in rows),
            len({patient for part, _, patient in rows if part == name}),
            dict(sorted(Counter(value for part, value, _ in rows if part == name).items())),
        )
        for name in names
    ]
