"""The split as a table that people read and edit, and that is checked again when it comes back."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from fineray.errors import FinerayError
from fineray.project.catalogue import labelled_images, pseudonyms
from fineray.project.label_sets import active_label_set
from fineray.project.project import Project
from fineray.project.splits import (
    ASIDE,
    TEST,
    TRAINING,
    VALIDATION,
    Split,
    SplitPlan,
    groups,
    parts,
)
from fineray.project.splitting.assign import CannotSplit
from fineray.project.splitting.make import check_identified, group_beside_sealed, keep_split
from fineray.project.splitting.strata import strata_of_labels

COLUMNS = ("content_hash", "patient", "group", "label", "part")


class SplitFileUnusable(FinerayError):
    """A split file lacks columns, images or sensible parts."""


def write_split(project: Project, split: Split, path: Path) -> None:
    """One row an image: content hash, patient (pseudonym), group, label, part. Raises OSError."""
    part_of, group_of = parts(project, split), groups(project, split)
    images = [image for image in labelled_images(project) if image.id in part_of]
    names = pseudonyms(project, [image.id for image in images])
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for image, name in zip(images, names, strict=True):
            table.writerow([image.content_hash, name, group_of[image.id], image.label, part_of[image.id]])


def read_split(project: Project, path: Path) -> Split:
    """Keep the split of such a file; only content_hash and part are read, everything else is worked out anew.

    Parts are 1, 2, ... for folds, or training, validation and test; `aside` is no side. Raises SplitFileUnusable,
    PatientOnTwoSides.
    """
    part_of = _parts_in(path)
    images = labelled_images(project)
    check_identified(project, images)
    missing = [image for image in images if image.content_hash not in part_of]
    if missing:
        raise SplitFileUnusable(
            f"{len(missing):,} labelled images have no row in the file",
            where=path.name,
            todo="Write the split to a file again and edit that one; every labelled image needs a part.",
        )
    given = [part_of[image.content_hash] for image in images]
    grouping, sealed = group_beside_sealed(project, images)
    torn = [image for image, part in zip(images, given, strict=True) if image.id in sealed and part != ASIDE]
    if torn:
        raise SplitFileUnusable(
            f"{len(torn):,} images belong to patients of the sealed test set",
            where=path.name,
            todo=f"Give them the part {ASIDE}.",
        )
    sides = set(given) - {ASIDE}
    strata = strata_of_labels([image.label for image in images], active_label_set(project)).tolist()
    plan = _plan_of(sides, path)
    for part in sorted(sides):
        lacking = set(strata) - {stratum for stratum, its in zip(strata, given, strict=True) if its == part}
        if lacking:
            raise CannotSplit(
                f"No image of class “{min(lacking)}” stands in part {part}",
                where=path.name,
                todo="Move images of that class there.",
            )
    return keep_split(project, plan, images, grouping, given, made_by="file")


def _parts_in(path: Path) -> dict[str, str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        found = [(row["content_hash"].strip(), row["part"].strip().lower()) for row in rows]
    except (OSError, KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
        raise SplitFileUnusable(
            "The split file cannot be read",
            where=path.name,
            todo="It needs the columns content_hash and part, as Fineray writes them.",
        ) from error
    contradictions = [name for name, count in Counter(name for name, _ in set(found)).items() if count > 1]
    if contradictions:
        raise SplitFileUnusable(
            f"{len(contradictions):,} images stand in two parts of the file",
            where=path.name,
            todo="Leave one row each.",
        )
    return dict(found)


def _plan_of(names: set[str], path: Path) -> SplitPlan:
    if names == {TRAINING, VALIDATION, TEST}:
        return SplitPlan("holdout")
    if (
        len(names) > 1
        and all(re.fullmatch("[1-9][0-9]*", name) for name in names)
        and len(names) == max(map(int, names))
    ):
        return SplitPlan("folds", folds=len(names))
    raise SplitFileUnusable(
        f"The parts are {', '.join(sorted(names))}",
        where=path.name,
        todo="Name them 1, 2, 3, ... without a gap for folds, or training, validation and test.",
    )
