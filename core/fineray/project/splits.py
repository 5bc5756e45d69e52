"""The splits that a project keeps."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fineray.errors import FinerayError
from fineray.label_values import UNCERTAIN
from fineray.project.label_sets import active_id
from fineray.project.project import Project

TRAINING, VALIDATION, TEST = "training", "validation", "test"
EXTERNAL = "external"  # part and kind of images that judge a model from elsewhere
ASIDE = "aside"  # neither side: using the image would put its patient on two


class NoSplit(FinerayError):
    """Training needs a split first."""


@dataclass(frozen=True)
class SplitPlan:
    """How to split.

    Parameters
    ----------
    kind : {"folds", "holdout"}
        Folds, each held out once, or training, validation and test parts.
    folds : int
        How many folds, at least 2.
    validation_share, test_share : float
        Of the patients, each 0.05 to 0.5, where the kind is "holdout".
    seed : int
        Of what is drawn by chance.
    by : str
        Empty for chance, or the attribute (fineray.project.attributes) that tells the parts apart: folds then are its
        values, one each; a test part is `test_values`, or, by study date, the share of patients seen last.
    test_values : tuple of str
        Values of `by` that make the test part.
    stratify : tuple of str
        Attributes that are spread evenly over the parts, beside the label.

    Examples
    --------
    >>> import fineray
    >>> fineray.SplitPlan("holdout", test_share=0.3).test_share
    0.3
    """

    kind: Literal["folds", "holdout"] = "folds"
    folds: int = 5
    validation_share: float = 0.2
    test_share: float = 0.2
    seed: int = 0
    by: str = ""
    test_values: tuple[str, ...] = ()
    stratify: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> SplitPlan:
        """The plan in that JSON; what an older format lacks takes its default."""
        fields: dict[str, Any] = json.loads(text)
        return SplitPlan(**_tuples(fields))


FIVE_FOLDS = SplitPlan()


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


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
    one picture, with how it was changed; made_by: `seed`, or `file` for a split read from one; aside: images that no
    side uses, because their patient stands on the other one or in the sealed test set; sealed: images of that set.
    """

    images: int
    patients: int
    groups: int
    joined_studies: int
    joined_copies: tuple[tuple[int, int, str], ...]
    made_by: str
    aside: int = 0
    sealed: int = 0

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


def split_of(project: Project, split_hash: str = "") -> Split:
    """The latest split, or the latest of that hash. Raises NoSplit."""
    split = latest_split(project, split_hash)
    if split is None:
        raise NoSplit("The images are not split yet", todo="Make a split by patient (page Curate).")
    return split


def latest_split(project: Project, split_hash: str = "") -> Split | None:
    """The split made last of the label set in use (of those with that hash, if one is given), or None."""
    row = project.db.execute(
        "SELECT id, plan, hash, created, certificate FROM split WHERE label_set_id = ? AND ? IN ('', hash)"
        " ORDER BY id DESC LIMIT 1",
        (active_id(project), split_hash),
    ).fetchone()
    return Split(row[0], SplitPlan.from_json(row[1]), row[2], row[3], Certificate.from_json(row[4])) if row else None


def is_kept(project: Project, split_hash: str) -> bool:
    """Whether the project still keeps a split of that hash."""
    query = "SELECT EXISTS (SELECT 1 FROM split WHERE hash = ?)"
    return bool(project.db.execute(query, (split_hash,)).fetchone()[0])


def set_aside(project: Project, split_hash: str) -> set[int]:
    """Images that the latest split of that hash uses in no part."""
    query = "SELECT image_id FROM split_image WHERE part = ? AND split_id = (SELECT max(id) FROM split WHERE hash = ?)"
    return {image for (image,) in project.db.execute(query, (ASIDE, split_hash))}


def is_current(project: Project, split: Split) -> bool:
    """Whether the images that may be learned from (catalogue.labelled_images) are those of the split, and no patient,
    as patients are told now, stands on two sides."""
    labelled = (
        "SELECT image_id FROM label JOIN image ON image.id = image_id WHERE label_set_id = :set AND value != :open"
        " AND left_out = '' AND image_id NOT IN (SELECT image_id FROM sealed_image)"
    )
    placed = "SELECT image_id FROM split_image WHERE split_id = :split"
    outside = project.db.execute(
        f"SELECT EXISTS ({labelled} EXCEPT {placed}) OR EXISTS ({placed} EXCEPT {labelled})",
        {"split": split.id, "set": active_id(project), "open": UNCERTAIN},
    ).fetchone()[0]
    return not outside and not torn_patients(project, split)


def torn_patients(project: Project, split: Split, patient_of: Mapping[int, Any] | None = None) -> int:
    """How many patients have images in two parts of a split, as they are told now or by `patient_of` (image ->
    patient): a rule for patients may be corrected after a split was made."""
    if patient_of is None:
        (count,) = project.db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM split_image JOIN image ON image.id = image_id"
            " WHERE split_id = ? AND part != ? GROUP BY patient_id HAVING count(DISTINCT part) > 1)",
            (split.id, ASIDE),
        ).fetchone()
        return int(count)
    sides: dict[Any, set[str]] = defaultdict(set)
    for image, part in parts(project, split).items():
        if part != ASIDE:
            sides[patient_of[image]].add(part)
    return sum(len(each) > 1 for each in sides.values())


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
    """Images, patients and classes of each part, folds in order, holdout as training, validation, test, aside."""
    labelled = (
        "FROM split_image JOIN image ON image.id = split_image.image_id"
        " LEFT JOIN label ON label.image_id = image.id AND label_set_id = ? WHERE split_id = ? GROUP BY part"
    )
    keys = (active_id(project), split.id)
    sizes = project.db.execute(f"SELECT part, count(*), count(DISTINCT patient_id) {labelled}", keys).fetchall()
    classes: dict[str, dict[str, int]] = defaultdict(dict)
    for part, value, images in project.db.execute(f"SELECT part, value, count(*) {labelled}, value ORDER BY 2", keys):
        if value is not None:
            classes[part][value] = images
    order = [TRAINING, VALIDATION, TEST, *(str(fold) for fold in range(1, split.plan.folds + 1)), ASIDE]
    sizes.sort(key=lambda row: order.index(row[0]))
    return [PartCount(part, images, patients, classes[part]) for part, images, patients in sizes]
