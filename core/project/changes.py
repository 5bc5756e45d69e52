"""What a person changes about images, labels and leaving out, and taking it back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping

from core.project.catalogue import DEFAULT_LABEL_SET
from core.project.project import Project

KEPT = 100  # changes that can be taken back


def set_labels(project: Project, labels: Mapping[int, str | None], title: str) -> None:
    """Give images their labels, all or none; None takes a label away. `title` says what was done, for undoing."""
    with project.db as db:
        label_set = _label_set(db)
        _remember(db, label_set, labels, title)
        for image, value in labels.items():
            _put_label(db, label_set, image, value)


def leave_out(project: Project, images: Iterable[int], reason: str) -> None:
    """Leave images out for a reason in words: they stay but take no part; splits made before are outdated."""
    _set_left_out(project, list(images), reason, "Leaving out")


def put_back(project: Project, images: Iterable[int]) -> None:
    """Let images take part again."""
    _set_left_out(project, list(images), "", "Putting back")


def next_undo(project: Project) -> str | None:
    """What undo() would take back, in words, or None."""
    row = project.db.execute("SELECT title FROM change ORDER BY id DESC LIMIT 1").fetchone()
    return row[0] if row else None


def undo(project: Project) -> str | None:
    """Take the last change back; returns what it was, None if there is none."""
    with project.db as db:
        row = db.execute("SELECT id, title, before FROM change ORDER BY id DESC LIMIT 1").fetchone()
        if row is None:
            return None
        label_set = _label_set(db)
        for image, (value, left_out) in json.loads(row[2]).items():
            _put_label(db, label_set, int(image), value)
            db.execute("UPDATE image SET left_out = ? WHERE id = ?", (left_out, int(image)))
        db.execute("DELETE FROM change WHERE id = ?", (row[0],))
    return str(row[1])


def _set_left_out(project: Project, images: list[int], reason: str, what: str) -> None:
    with project.db as db:
        _remember(db, _label_set(db), images, f"{what} {len(images):,} image{'s' * (len(images) != 1)}")
        db.executemany("UPDATE image SET left_out = ? WHERE id = ?", [(reason, image) for image in images])


def _label_set(db: sqlite3.Connection) -> int:
    db.execute("INSERT OR IGNORE INTO label_set (name) VALUES (?)", (DEFAULT_LABEL_SET,))
    return int(db.execute("SELECT id FROM label_set WHERE name = ?", (DEFAULT_LABEL_SET,)).fetchone()[0])


def _put_label(db: sqlite3.Connection, label_set: int, image: int, value: str | None) -> None:
    if value is None:
        db.execute("DELETE FROM label WHERE label_set_id = ? AND image_id = ?", (label_set, image))
    else:
        db.execute("INSERT OR REPLACE INTO label VALUES (?, ?, ?)", (label_set, image, value))


def _remember(db: sqlite3.Connection, label_set: int, images: Iterable[int], title: str) -> None:
    rows = db.execute(
        "SELECT id, (SELECT value FROM label WHERE label_set_id = ? AND image_id = image.id), left_out"
        " FROM image WHERE id IN (SELECT value FROM json_each(?))",
        (label_set, json.dumps(list(images))),
    )
    before = {image: (value, left_out) for image, value, left_out in rows}
    db.execute("INSERT INTO change (title, before) VALUES (?, ?)", (title, json.dumps(before)))
    db.execute("DELETE FROM change WHERE id <= (SELECT max(id) FROM change) - ?", (KEPT,))
