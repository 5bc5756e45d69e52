"""The splits that a project keeps."""

from __future__ import annotations

import json
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
class PartCount:
    """The size of one part of a split."""

    part: str
    images: int
    patients: int
    classes: dict[str, int]


@dataclass(frozen=True)
class Certificate:
    """What was checked: no group (patients, joined by a common study or a copied picture) stands in two parts.

    joined_studies: studies that hold several patients; joined_copies: pairs of images of different patients that show
    one picture, with how it was changed; made_by: `seed`, or `file` for a split read from one.
    """

    images: int
    patients: int
    groups: int
    joined_studies: int
    joined_copies: tuple[tuple[int, int, str], ...]
    made_by: str

    @staticmethod
    def from_json(text: str) -> Certificate | None:
        """The certificate in that JSON; None for splits of the first project format, which have none."""
        fields = json.loads(text)
        if not fields:
            return None
        copies = tuple((first, second, changed) for first, second, changed in fields.pop("joined_copies"))
        return Certificate(**fields, joined_copies=copies)


@dataclass(frozen=True)
class Split:
    """A kept split. hash: SHA-256 over image contents and parts, the same wherever the same split is made."""

    id: int
    plan: SplitPlan
    hash: str
    created: str
    certificate: Certificate | None


def latest_split(project: Project) -> Split | None:
    """The split made last, or None."""
    row = project.db.execute(
        "SELECT id, kind, folds, validation_share, test_share, seed, hash, created, certificate"
        " FROM split ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return Split(row[0], SplitPlan(*row[1:6]), row[6], row[7], Certificate.from_json(row[8])) if row else None


def is_current(project: Project, split: Split) -> bool:
    """Whether the images that have a label and are not left out are those of the split."""
    labelled = "SELECT image_id FROM label JOIN image ON image.id = image_id WHERE left_out = ''"
    placed = "SELECT image_id FROM split_image WHERE split_id = :split"
    outside = project.db.execute(
        f"SELECT EXISTS ({labelled} EXCEPT {placed}) OR EXISTS ({placed} EXCEPT {labelled})", {"split": split.id}
    ).fetchone()[0]
    return not outside


def parts(project: Project, split: Split) -> dict[int, str]:
    """Image id -> part (a fold's number as text, or training, validation, test)."""
    return dict(project.db.execute("SELECT image_id, part FROM split_image WHERE split_id = ?", (split.id,)))


def groups(project: Project, split: Split) -> dict[int, int]:
    """Image id -> its group in the split; patients themselves for splits of the first project format."""
    return dict(
        project.db.execute(
            "SELECT image_id, CASE group_number WHEN -1 THEN patient_id ELSE group_number END"
            " FROM split_image JOIN image ON image.id = image_id WHERE split_id = ?",
            (split.id,),
        )
    )


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
