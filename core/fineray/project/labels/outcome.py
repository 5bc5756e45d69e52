"""What labels from somewhere would do: which images get which, and which entries are left out and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fineray.label_values import Kind, LabelSetUnusable, classes_in
from fineray.project.label_sets import label_sets
from fineray.project.labels.cell_values import joined
from fineray.project.labels.guessing import Guess
from fineray.project.labels.keys import KeyKind, Rule
from fineray.project.project import Project
from fineray.system.frames import to_frame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Conflict:
    """An entry that would give an image two labels, that fits several files, or that cannot be understood. Not applied.
    row: its number in the spreadsheet, 0 where it comes from none."""

    entry: str
    problem: str
    row: int = 0


@dataclass(frozen=True)
class RowShown:
    """A row as an example. key: what names its images, with what stands beside it; note: how that is written in the
    project, or what might be meant."""

    row: int
    key: str
    label: str
    images: int = 0
    note: str = ""


@dataclass(frozen=True)
class RuleCount:
    """A rule, whether it is on, and how many rows it matches that are not matched without it."""

    rule: Rule
    on: bool
    rows: int


@dataclass(frozen=True)
class TableReading:
    """How a table was read, and what could be chosen instead.

    Every row is counted once: matched, unmatched (no image), blank (no label), conflicting, or left_out (more cells
    than columns); hidden: of all these, the rows that the spreadsheet does not show. missing: marks that were read as
    no label, with their rows; lists: rows with a list in the cell; several: images that rows give different labels;
    guesses: what might name the images, the best first; beside: columns used beside the key, besides: all that state a
    side, view or date, with what they state; matched_rows, unmatched_rows: ten of each.
    """

    rows: int
    matched: int
    unmatched: int
    blank: int
    conflicting: int
    left_out: int
    hidden: int
    missing: dict[str, int]
    several: int
    lists: int
    key: str
    kind: KeyKind
    labels: tuple[str, ...]
    beside: tuple[str, ...]
    besides: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rules: tuple[RuleCount, ...]
    guesses: tuple[Guess, ...]
    sheet: str
    sheets: tuple[str, ...]
    encoding: str
    matched_rows: tuple[RowShown, ...] = ()
    unmatched_rows: tuple[RowShown, ...] = ()


@dataclass(frozen=True)
class LabelPreview:
    """What applying would do.

    source: what the labels come from, in words; label_set, kind: where they go, made if it is not there; matched:
    (image id, value) pairs; unmatched_entries: rows of the file (or files outside any folder) without an image;
    unmatched_images: images without a label; blank: rows without a label; classes: images and patients by class, over
    the matched ones; notes: how the file was read; columns: those of the file that may hold labels; reading: how a
    table was read, None for what is no table.
    """

    source: str
    label_set: str
    kind: Kind
    matched: tuple[tuple[int, str], ...]
    unmatched_entries: tuple[str, ...]
    unmatched_images: int
    conflicts: tuple[Conflict, ...]
    blank: int
    classes: dict[str, tuple[int, int]]
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    reading: TableReading | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know of the file, and what will stand in the way of training, one sentence each."""
        found = list(self.notes)
        if len(self.classes) == 1 and self.kind == "single":
            found.append(f"All labels say “{next(iter(self.classes))}”; training needs at least two classes.")
        for name, (_, patients) in self.classes.items():
            if patients == 1:
                found.append(f"Class “{name}” has images of one patient only; a split by patient needs more.")
        return tuple(found)

    def to_frame(self) -> pd.DataFrame:
        """The matched labels as a pandas data frame: `image` (catalogue id) and `label`. Raises PandasMissing."""
        return to_frame({"image": [image for image, _ in self.matched], "label": [label for _, label in self.matched]})


@dataclass(frozen=True)
class Target:
    """Where labels go."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Entry:
    """What one row, file or image says. label: empty for none; problem: why it cannot be used; row: its number."""

    key: str
    label: str
    images: tuple[int, ...]
    problem: str = ""
    row: int = 0


@dataclass(frozen=True)
class Sorted:
    """Entries by what becomes of them. labels: image -> what it gets; several: images with different labels."""

    labels: dict[int, str]
    matched: list[Entry] = field(default_factory=list)
    unmatched: list[Entry] = field(default_factory=list)
    blank: list[Entry] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    several: int = 0


def target_of(project: Project, name: str, multilabel: bool = False) -> Target:
    """The set of that name, or one to be made; multilabel: whether each image may have several findings. Raises
    LabelSetUnusable."""
    found = next((each for each in label_sets(project) if each.name == name), None)
    if found is None:
        return Target(name, "multi" if multilabel else "single")
    if multilabel and found.kind == "single":
        raise LabelSetUnusable(
            f"The label set “{name}” gives an image one class, not several findings",
            todo="Choose one column, or another label set.",
        )
    return Target(name, found.kind)


def sorted_out(entries: Sequence[Entry], join: bool = False) -> Sorted:
    """What becomes of each entry. join: whether different labels of an image are findings side by side."""
    found = Sorted({})
    said: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for each in entries:
        if not each.problem and each.label:
            for image in each.images:
                said[image][each.label].append(each.row)
    contested = {image: labels for image, labels in said.items() if len(labels) > 1}
    for each in entries:
        theirs = next((contested[image] for image in each.images if image in contested), None)
        if each.problem and (each.label or not each.images):
            found.conflicts.append(Conflict(each.key, each.problem, each.row))
        elif not each.label:
            found.blank.append(each)
        elif not each.images:
            found.unmatched.append(each)
        elif theirs is not None and not join:
            found.conflicts.append(Conflict(each.key, _difference(theirs), each.row))
        else:
            found.matched.append(each)
    found.labels.update({image: next(iter(labels)) for image, labels in said.items() if image not in contested})
    if join:
        found.labels.update({image: joined(list(labels)) for image, labels in contested.items()})
    return Sorted(found.labels, found.matched, found.unmatched, found.blank, found.conflicts, len(contested))


def preview_of(
    project: Project,
    source: str,
    target: Target,
    found: Sorted,
    notes: Sequence[str] = (),
    columns: tuple[str, ...] = (),
    reading: TableReading | None = None,
) -> LabelPreview:
    """The same in numbers."""
    patient_of = dict(project.db.execute("SELECT id, patient_id FROM image"))
    members: dict[str, list[int]] = defaultdict(list)
    for image, value in sorted(found.labels.items()):
        for name in classes_in(target.kind, value):
            members[name].append(image)
    return LabelPreview(
        source=source,
        label_set=target.name,
        kind=target.kind,
        matched=tuple(sorted(found.labels.items())),
        unmatched_entries=tuple(dict.fromkeys(each.key for each in found.unmatched)),
        unmatched_images=len(patient_of) - len(found.labels),
        conflicts=tuple(found.conflicts),
        blank=len(found.blank),
        classes={
            name: (len(members[name]), len({patient_of[image] for image in members[name]})) for name in sorted(members)
        },
        notes=tuple(notes),
        columns=columns,
        reading=reading,
    )


def _difference(labels: dict[str, list[int]]) -> str:
    """What an image's rows say: `is labelled x (row 2) and y (row 3)`."""
    told = [
        label
        + (f" (row{'s' * (len(set(rows)) > 1)} {', '.join(map(str, sorted(set(rows))[:4]))})" if any(rows) else "")
        for label, rows in sorted(labels.items())
    ]
    return f"is labelled {' and '.join(told)}"
