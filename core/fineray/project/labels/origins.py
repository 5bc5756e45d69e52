"""Where labels may come from: a table, folder names, an attribute, a finding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fineray.project.labels.cell_values import Keep
from fineray.project.labels.keys import KeyKind, Rule

SeveralRows = Literal["conflict", "join"]


@dataclass(frozen=True)
class FromTable:
    """Labels from a table, for `preview_labels`. What is not given is guessed from the cells, and the preview says how.

    Parameters
    ----------
    path : Path
        CSV (comma, semicolon, tab or bar, in the usual encodings), JSON lines, or a sheet of .xlsx, .xls or .ods.
    columns : tuple of str
        One that holds the label, or several that hold a finding each (yes, no or uncertain; 1, 0 or -1).
    into : str
        The label set, made if it is not there; empty for that in use, or one named like the column.
    key : str
        The column that says which image a row is of.
    key_kind : str
        What it holds: sop_instance_uid, file, content_hash, series_instance_uid, accession_number, study_instance_uid,
        patient_id or folder.
    beside : tuple of str, or None
        Columns with the side, the view or the date, which tell a patient's images apart; None for those that are there,
        empty for none.
    sheet : str
        Of a spreadsheet; the first unless given.
    rules : tuple of str
        Spellings of the key that count as the same: zeros, decimal, case, extension, path.
    keep : tuple of str
        What is left as it is written: missing (#N/A is a class), spelling (Normal is not normal), lists.
    several_rows : str
        What different labels for one image are: a `conflict`, or findings to `join`.
    hidden : bool
        Whether rows are read that the spreadsheet does not show.
    encoding : str
        Of text, as Python calls it.

    Examples
    --------
    >>> import fineray
    >>> from pathlib import Path
    >>> source = fineray.FromTable(Path("images/labels.csv"), into="reader 1")
    >>> with fineray.open_project("study") as project:
    ...     preview = fineray.preview_labels(project, source)
    >>> preview.label_set, preview.reading.key, preview.reading.kind
    ('reader 1', 'file', 'file')
    """

    path: Path
    columns: tuple[str, ...] = ()
    into: str = ""
    key: str = ""
    key_kind: KeyKind | Literal[""] = ""
    beside: tuple[str, ...] | None = None
    sheet: str = ""
    rules: tuple[Rule, ...] = ()
    keep: tuple[Keep, ...] = ()
    several_rows: SeveralRows = "conflict"
    hidden: bool = True
    encoding: str = ""


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
