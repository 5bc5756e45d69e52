"""Labels from tables, folder names and attributes, previewed before anything is applied."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fineray.errors import FinerayError, nearest
from fineray.label_values import (
    UNCERTAIN,
    Kind,
    LabelSetUnusable,
    check_class,
    classes_in,
    findings_of,
    multi_value,
)
from fineray.project.attributes import (
    NOT_STATED,
    attribute_names,
    attribute_values,
    raw_values,
)
from fineray.project.changes import set_labels
from fineray.project.label_sets import (
    active_label_set,
    add_label_set,
    label_set,
    label_sets,
    use_label_set,
    values_of,
)
from fineray.project.labels.keys import AMBIGUOUS, KEYS
from fineray.project.labels.table_file import LabelFileUnusable, read_table
from fineray.project.project import Project
from fineray.system.frames import to_frame
from fineray.system.places import Place

if TYPE_CHECKING:
    import pandas as pd

LABEL_COLUMN = "label"
# What a cell of a finding's column says (CheXpert writes 1, 0 and -1); an empty one in a filled row means absent.
PRESENT = ("1", "yes", "y", "true", "x", "+", "present", "positive")
ABSENT = ("", "0", "no", "n", "false", "-", "absent", "negative")
DOUBTFUL = ("-1", UNCERTAIN, "?", "maybe", "equivocal")


class NoLabelMatches(FinerayError):
    """Not one label belongs to an image of the project."""


class TooFewClasses(FinerayError):
    """Labels of a single class cannot be learned."""


@dataclass(frozen=True)
class Conflict:
    """An entry that would give an image two labels, that fits several files, or that cannot be understood.
    Not applied."""

    entry: str
    problem: str


@dataclass(frozen=True)
class LabelPreview:
    """What applying would do.

    source: what the labels come from, in words; label_set, kind: where they go, made if it is not there; matched:
    (image id, value) pairs; unmatched_entries: rows of the file (or files outside any folder) without an image;
    unmatched_images: images without a label; blank: rows without a label; classes: images and patients by class, over
    the matched ones; notes: how the file was read; columns: those of the file that may hold labels.
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
class FromTable:
    """Labels from a CSV or Excel file, for `preview_labels`.

    Parameters
    ----------
    path : Path
        A CSV (comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252) or the first sheet of an .xlsx. The first of
        sop_instance_uid, file, content_hash, patient_id that the header has says which image a row is of.
    columns : tuple of str
        One that holds the label, or several that hold a finding each (yes, no or uncertain; 1, 0 or -1).
    into : str
        The label set, made if it is not there; empty for that in use, or one named like the column.

    Examples
    --------
    >>> import fineray
    >>> from pathlib import Path
    >>> source = fineray.FromTable(Path("images/labels.csv"), into="reader 1")
    >>> with fineray.open_project("study") as project:
    ...     fineray.preview_labels(project, source).label_set
    'reader 1'
    """

    path: Path
    columns: tuple[str, ...] = (LABEL_COLUMN,)
    into: str = ""


@dataclass(frozen=True)
class FromFolders:
    """Labels from the names of the folders that were imported, for `preview_labels`.

    Parameters
    ----------
    into : str
        The label set, made if it is not there; empty for that in use.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     preview = fineray.preview_labels(project, fineray.FromFolders(into="folder"))
    >>> sorted(preview.classes)[:2]
    ['SYNTHETIC-001', 'SYNTHETIC-002']
    """

    into: str = ""


@dataclass(frozen=True)
class FromAttribute:
    """Labels by an attribute; see preview_attribute()."""

    name: str
    into: str = ""
    cut: float | None = None


@dataclass(frozen=True)
class FromFinding:
    """A finding of a multi-label set as a question of its own."""

    label_set: str
    finding: str
    into: str = ""


LabelSource = FromTable | FromFolders | FromAttribute | FromFinding


@dataclass(frozen=True)
class _Target:
    """Where labels go."""

    name: str
    kind: Kind


def preview_labels(project: Project, source: LabelSource | Place) -> LabelPreview:
    """Say what labels from a table, from folder names or from an attribute would do, and change nothing.

    Parameters
    ----------
    project : Project
        Its images are matched.
    source : str or path, FromTable, FromFolders, FromAttribute or FromFinding
        Where the labels are. A path is a CSV or Excel file with a column `label`.

    Returns
    -------
    LabelPreview
        What matches, what does not, and why; `to_frame` gives the labels by image.

    Raises
    ------
    LabelFileUnusable
        The table cannot be read, or lacks a column.
    LabelSetUnusable
        The labels do not fit into that label set.
    NoSuchAttribute
        No image states that attribute.

    See Also
    --------
    apply_labels : Write what a preview shows.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     preview = fineray.preview_labels(project, "images/labels.csv")
    >>> preview.classes["opacity (synthetic)"]  # images, patients
    (12, 6)
    """
    if isinstance(source, str | os.PathLike):
        return preview_table(project, Path(source))
    match source:
        case FromTable(path, columns, into):
            return preview_table(project, path, columns, into)
        case FromFolders(into):
            return preview_folders(project, into)
        case FromAttribute(name, into, cut):
            return preview_attribute(project, name, into, cut)
        case FromFinding(name, finding, into):
            return preview_finding(project, name, finding, into)


def preview_table(
    project: Project, path: Path, columns: Sequence[str] = (LABEL_COLUMN,), into: str = ""
) -> LabelPreview:
    """Match the rows of a CSV or Excel file (fineray.project.labels.table_file) with the images.

    The first of sop_instance_uid, file, content_hash, patient_id that the header has names the key; a `file` matches a
    path that ends with it. columns: one that holds the label (without any: `label`, or else the first), or several
    that hold a finding each (yes, no or uncertain; 1, 0 or -1). into: the label set, that in use for the column
    `label`, else one named like the column. Raises LabelFileUnusable or LabelSetUnusable.
    """
    table = read_table(path)
    rows, header = table.rows, table.header
    key = next((column for column in KEYS if column in header), None)
    offered = tuple(column for column in header if column not in KEYS and column)
    names = [column.strip().lower() for column in columns]
    if not names:
        names = [LABEL_COLUMN if LABEL_COLUMN in offered else next(iter(offered), LABEL_COLUMN)]
    missing = next((name for name in names if name not in offered), "")
    if key is not None and missing and offered:
        raise LabelFileUnusable(
            f"The table has no column “{missing}”", where=path.name, todo=nearest(missing, offered, "")
        )
    if key is None or missing:
        wanted = " and ".join(f"“{name}”" for name in names)
        raise LabelFileUnusable(
            f"The columns are {', '.join(header) or 'missing'}",
            where=path.name,
            todo=f"The first row must name a column {wanted} and one of {', '.join(KEYS)}.",
        )
    default = active_label_set(project).name if names == [LABEL_COLUMN] else names[0]
    target = _target(project, into or (default if len(names) == 1 else "findings"), multilabel=len(names) > 1)
    entries, conflicts = [], []
    for row in rows:
        cells = {name: row[name].strip() for name in names}
        try:
            entries.append((row[key].strip(), _value(cells, target.kind)))
        except LabelSetUnusable as error:
            conflicts.append(Conflict(row[key].strip(), error.what))
    images = KEYS[key](project, {entry for entry, _ in entries})
    source = f"{path.name}, by {key}" + (f", column {', '.join(names)}" if names != [LABEL_COLUMN] else "")
    return _preview(project, source, target, entries, images, conflicts, table.notes, offered)


def preview_folders(project: Project, into: str = "") -> LabelPreview:
    """Take each file's label from the folder below the imported one (or below what several have in common).

    Raises LabelFileUnusable where this workstation does not know the files.
    """
    files: dict[str, list[int]] = defaultdict(list)
    for path_hash, image in project.db.execute(
        "SELECT path_hash, image_id FROM image_file JOIN file USING (path_hash) WHERE status = 'imported'"
    ):
        files[path_hash].append(image)
    sources = [source for source in project.sources.all() if source.path_hash in files]
    if not sources:
        raise LabelFileUnusable(
            "The places of the imported files are not known on this computer",
            todo="Import the folders again on this computer; only the places are read anew.",
        )
    top = Path(os.path.commonpath([source.root for source in sources]))
    entries: list[tuple[str, str]] = []
    images: dict[str, list[int]] = {}
    for source in sources:
        below = source.location.parts[len(top.parts) :]
        entry = "/".join(below)
        images[entry] = files[source.path_hash]
        entries.append((entry, below[0] if len(below) > 1 else ""))
    target = _target(project, into or active_label_set(project).name)
    return _preview(project, f"folders below {top.name}", target, entries, images)


def preview_attribute(project: Project, name: str, into: str = "", cut: float | None = None) -> LabelPreview:
    """Labels by an attribute of the images (fineray.project.attributes); `cut` makes two classes of the age.

    Images that do not state it stay without a label. Raises NoSuchAttribute.
    """
    values = attribute_values(project, name)
    title = attribute_names(project)[name]
    if name == "age_years" and cut is not None:
        ages = {image: age for image, (age,) in raw_values(project, ["age_years"]).items()}
        values = {
            image: NOT_STATED if age is None else f"{'under' if age < cut else 'from'} {cut:g}"
            for image, age in ages.items()
        }
    entries = [(str(image), "" if value == NOT_STATED else value) for image, value in values.items()]
    return _preview(project, title, _target(project, into or title.lower()), entries, _itself(values))


def preview_finding(project: Project, source: str, finding: str, into: str = "") -> LabelPreview:
    """One finding of a multi-label set as a question of its own: present, absent, or uncertain.

    Raises LabelSetUnusable.
    """
    chosen = label_set(project, source)
    if chosen.kind != "multi" or finding not in chosen.classes:
        raise LabelSetUnusable(
            f"The label set “{source}” has no finding “{finding}”", todo="Choose a set with several findings an image."
        )
    names = {True: finding, False: UNCERTAIN, None: f"no {finding}"}
    values = {image: names[findings_of(value).get(finding)] for image, value in values_of(project, chosen).items()}
    entries = [(str(image), value) for image, value in values.items()]
    return _preview(project, f"“{finding}” in {source}", _target(project, into or finding), entries, _itself(values))


def apply_labels(project: Project, preview: LabelPreview) -> int:
    """Write the labels that a preview matched, all or none.

    A set that is not there yet is made, and taken into use if that in use has no labels.

    Parameters
    ----------
    project : Project
        The project that the preview is of.
    preview : LabelPreview
        By `preview_labels`.

    Returns
    -------
    int
        How many images were labelled.

    Raises
    ------
    NoLabelMatches, TooFewClasses
        There is nothing to write, or nothing to tell apart; nothing was changed.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study", lock=True) as project:
    ...     fineray.apply_labels(project, fineray.preview_labels(project, "images/labels.csv"))
    24
    """
    if not preview.matched:
        raise NoLabelMatches(
            "No label belongs to an image of this project",
            where=preview.source,
            todo="Compare the first column of the label file with the files that were imported.",
        )
    if preview.kind == "single" and len(preview.classes) < 2:
        only = next(iter(preview.classes), UNCERTAIN)
        raise TooFewClasses(
            f"Every label says “{only}”",
            where=preview.source,
            todo="Add images of at least one other class; there is nothing to tell apart yet.",
        )
    known = {each.name: each for each in label_sets(project)}
    target = known.get(preview.label_set) or add_label_set(project, preview.label_set, preview.kind)
    in_use = active_label_set(project)
    if target.id != in_use.id and not values_of(project, in_use):
        use_label_set(project, target.name)
    # Not where they come from: the names of files and folders may be those of persons.
    set_labels(project, dict(preview.matched), f"Labels for {len(preview.matched):,} images", target.id)
    return len(preview.matched)


def _target(project: Project, name: str, multilabel: bool = False) -> _Target:
    """The set of that name, or one to be made; multilabel: whether each image may have several findings."""
    found = next((each for each in label_sets(project) if each.name == name), None)
    if found is None:
        return _Target(name, "multi" if multilabel else "single")
    if multilabel and found.kind == "single":
        raise LabelSetUnusable(
            f"The label set “{name}” gives an image one class, not several findings",
            todo="Choose one column, or another label set.",
        )
    return _Target(name, found.kind)


def _itself(images: dict[int, str]) -> dict[str, list[int]]:
    return {str(image): [image] for image in images}


def _value(cells: dict[str, str], kind: Kind) -> str:
    """The value that the cells of a row state, empty if none. Raises LabelSetUnusable."""
    if kind == "single":
        value = next(iter(cells.values()))
        return UNCERTAIN if value.casefold() == UNCERTAIN else value
    if len(cells) == 1:
        text = next(iter(cells.values()))
        value = multi_value(findings_of(text.replace(";", "|"))) if text else ""
    elif not any(cells.values()):
        return ""
    else:
        value = multi_value(
            {name: certain for name, cell in cells.items() if (certain := _stated(name, cell)) is not None}
        )
    for name in findings_of(value):
        check_class("multi", name)
    return value


def _stated(name: str, cell: str) -> bool | None:
    """True present, False doubtful, None absent."""
    text = cell.casefold().removesuffix(".0")
    for words, meaning in ((PRESENT, True), (DOUBTFUL, False), (ABSENT, None)):
        if text in words:
            return meaning
    raise LabelSetUnusable(f"says “{cell[:24]}” under {name}, which is not yes, no or uncertain")


def _preview(
    project: Project,
    source: str,
    target: _Target,
    entries: list[tuple[str, str]],
    images: dict[str, list[int]],
    conflicts: Sequence[Conflict] = (),
    notes: tuple[str, ...] = (),
    columns: tuple[str, ...] = (),
) -> LabelPreview:
    wanted: dict[int, set[str]] = defaultdict(set)
    entry_of: dict[int, str] = {}
    unmatched, found_conflicts, blank = [], list(conflicts), 0
    for entry, label in entries:
        found = images.get(entry, [])
        if not label:
            blank += 1
        elif not found:
            unmatched.append(entry)
        elif found == AMBIGUOUS:
            found_conflicts.append(Conflict(entry, "fits several imported files; write more of the path"))
        else:
            for image in found:
                wanted[image].add(label)
                entry_of[image] = entry
    contested = {image: labels for image, labels in wanted.items() if len(labels) > 1}
    seen = {entry_of[image]: labels for image, labels in contested.items()}
    found_conflicts += [
        Conflict(entry, f"is labelled {' and '.join(sorted(labels))}") for entry, labels in seen.items()
    ]
    matched = tuple(sorted((image, next(iter(labels))) for image, labels in wanted.items() if image not in contested))
    patient_of = dict(project.db.execute("SELECT id, patient_id FROM image"))
    members: dict[str, list[int]] = defaultdict(list)
    for image, value in matched:
        for name in classes_in(target.kind, value):
            members[name].append(image)
    return LabelPreview(
        source=source,
        label_set=target.name,
        kind=target.kind,
        matched=matched,
        unmatched_entries=tuple(dict.fromkeys(unmatched)),
        unmatched_images=len(patient_of) - len(matched),
        conflicts=tuple(found_conflicts),
        blank=blank,
        classes={
            name: (len(members[name]), len({patient_of[image] for image in members[name]})) for name in sorted(members)
        },
        notes=notes,
        columns=columns,
    )
