"""Writing the labels that a preview showed."""

from __future__ import annotations

from fineray.errors import FinerayError
from fineray.label_values import UNCERTAIN
from fineray.project.changes import set_labels
from fineray.project.label_sets import active_label_set, add_label_set, label_sets, use_label_set, values_of
from fineray.project.labels.outcome import LabelPreview
from fineray.project.project import Project


class NoLabelMatches(FinerayError):
    """Not one label belongs to an image of the project."""


class TooFewClasses(FinerayError):
    """Labels of a single class cannot be learned."""


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
            "No label belongs to an image of this project", where=preview.source, todo=_way_out(preview)
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


def _way_out(preview: LabelPreview) -> str:
    reading = preview.reading
    if reading is None:
        return "Compare the names of the folders with the files that were imported."
    best = max(reading.rules, key=lambda each: 0 if each.on else each.rows, default=None)
    if best is not None and not best.on and best.rows:
        return f"The rule “{best.rule}” would match {best.rows:,} of {reading.rows:,} rows; look at the preview."
    if reading.blank == reading.rows:
        return f"Column {', '.join(reading.labels)} holds no label; choose another column."
    if preview.conflicts and not reading.unmatched:
        return f"All rows conflict; the first: row {preview.conflicts[0].row} {preview.conflicts[0].problem}."
    if reading.unmatched_rows and reading.unmatched_rows[0].note:
        return f"Row {reading.unmatched_rows[0].row}: {reading.unmatched_rows[0].note}."
    return f"Compare the column “{reading.key}” with the files that were imported, or choose another column."
