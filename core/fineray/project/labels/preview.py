"""Labels from tables, folder names and attributes, previewed before anything is applied."""

from __future__ import annotations

import os
from pathlib import Path

from fineray.project.labels.applying import NoLabelMatches, TooFewClasses, apply_labels
from fineray.project.labels.from_project import preview_attribute, preview_finding, preview_folders
from fineray.project.labels.from_table import preview_file, preview_rows, preview_table
from fineray.project.labels.origins import FromAttribute, FromFinding, FromFolders, FromTable, LabelSource
from fineray.project.labels.outcome import Conflict, LabelPreview, TableReading
from fineray.project.project import Project
from fineray.system.places import Place

__all__ = [
    "Conflict",
    "FromAttribute",
    "FromFinding",
    "FromFolders",
    "FromTable",
    "LabelPreview",
    "LabelSource",
    "NoLabelMatches",
    "TableReading",
    "TooFewClasses",
    "apply_labels",
    "preview_attribute",
    "preview_file",
    "preview_finding",
    "preview_folders",
    "preview_labels",
    "preview_rows",
    "preview_table",
]


def preview_labels(project: Project, source: LabelSource | Place) -> LabelPreview:
    """Say what labels from a table, from folder names or from an attribute would do, and change nothing.

    Parameters
    ----------
    project : Project
        Its images are matched.
    source : str or path, FromTable, FromFolders, FromAttribute or FromFinding
        Where the labels are. A path is a table, whose key and label columns are guessed.

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
        case FromTable():
            return preview_file(project, source)
        case FromFolders(into):
            return preview_folders(project, into)
        case FromAttribute(name, into, cut):
            return preview_attribute(project, name, into, cut)
        case FromFinding(name, finding, into):
            return preview_finding(project, name, finding, into)
