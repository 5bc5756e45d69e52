"""Where a study stands: what every page of the window shows of labels, split and seal."""

from __future__ import annotations

from dataclasses import dataclass

from fineray.project.attributes import attribute_names
from fineray.project.catalogue import Counts, counts
from fineray.project.changes import next_undo
from fineray.project.label_sets import LabelSet, active_id, label_sets
from fineray.project.patients.identify import SharedNumbers, shared_numbers, unidentified_images
from fineray.project.project import Project
from fineray.project.seal import (
    Opening,
    Seal,
    current_seal,
    openings,
)
from fineray.project.splits import (
    PartCount,
    Split,
    is_current,
    latest_split,
    part_counts,
    torn_patients,
)


@dataclass(frozen=True)
class StudyState:
    """label_sets: all; label_set: that in use; split: the latest, with its parts, and whether it still fits the labels;
    unidentified: images that do not say whose they are; shared: numbers that may be of several people;
    torn: patients whom the split has on two sides; store_side: the longest side of kept images; attributes: name ->
    title; undo: what can be taken back."""

    counts: Counts
    label_sets: tuple[LabelSet, ...]
    label_set: LabelSet
    split: Split | None
    split_current: bool
    parts: tuple[PartCount, ...]
    unidentified: int
    shared: SharedNumbers | None
    torn: int
    store_side: int
    attributes: dict[str, str]
    seal: Seal | None
    openings: tuple[Opening, ...]
    undo: str | None


def study_state(project: Project) -> StudyState:
    """The state as it is now."""
    sets = tuple(label_sets(project))
    in_use = active_id(project)
    split = latest_split(project)
    return StudyState(
        counts=counts(project),
        label_sets=sets,
        label_set=next(each for each in sets if each.id == in_use),
        split=split,
        split_current=split is not None and is_current(project, split),
        parts=tuple(part_counts(project, split)) if split is not None else (),
        unidentified=len(unidentified_images(project)),
        shared=shared_numbers(project),
        torn=torn_patients(project, split) if split is not None else 0,
        store_side=int(project.db.execute("SELECT value FROM setting WHERE name = 'store_side'").fetchone()[0]),
        attributes=attribute_names(project),
        seal=current_seal(project),
        openings=tuple(openings(project)),
        undo=next_undo(project),
    )
