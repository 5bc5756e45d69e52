"""What a person changes about images, labels, patients and splits, and taking it back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fineray.project.history import remember
from fineray.project.label_sets import active_id
from fineray.project.project import Project


@dataclass(frozen=True)
class Undone:
    """What undo() took back, in words, and the images it concerns."""

    title: str
    images: tuple[int, ...]


def set_labels(project: Project, labels: Mapping[int, str | None], title: str, label_set: int | None = None) -> None:
    """Give images their labels, all or none; None takes a label away. `title` says what was done, for undoing.

    label_set: id of the set, the one in use unless given.
    """
    number = active_id(project) if label_set is None else label_set
    with project.db as db:
        rows = dict(
            db.execute(
                "SELECT image_id, value FROM label WHERE label_set_id = ?"
                " AND image_id IN (SELECT value FROM json_each(?))",
                (number, json.dumps(list(labels))),
            )
        )
        remember(db, title, [("label", image, number, rows.get(image)) for image in labels])
        _put_labels(db, [(number, image, value) for image, value in labels.items()])


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


def undo(project: Project) -> Undone | None:
    """Take the last change back; None if there is none."""
    with project.db as db:
        row = db.execute("SELECT id, title, before FROM change ORDER BY id DESC LIMIT 1").fetchone()
        if row is None:
            return None
        before = json.loads(row[2])
        _put_labels(db, [(each[2], each[1], each[3]) for each in before if each[0] == "label"])
        # What was made goes last: until then it may be in use.
        for what, key, *old in sorted(before, key=lambda each: each[0] == "label_set"):
            match what:
                case "left_out":
                    db.execute("UPDATE image SET left_out = ? WHERE id = ?", (old[0], key))
                case "patient":
                    db.execute("UPDATE image SET patient_id = ? WHERE id = ?", (old[0], key))
                case "setting" if old[0] is None:
                    db.execute("DELETE FROM setting WHERE name = ?", (key,))
                case "setting":
                    db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, old[0]))
                case "split":
                    db.execute("DELETE FROM split WHERE id = ?", (key,))
                case "label_set":
                    db.execute("DELETE FROM label_set WHERE id = ?", (key,))
                case "blanked":
                    db.execute("DELETE FROM blanked WHERE image_id = ?", (key,))
                    db.executemany("INSERT INTO blanked VALUES (?, ?, ?, ?, ?)", [(key, *each) for each in old[0]])
        db.execute("DELETE FROM change WHERE id = ?", (row[0],))
    images = (each[1] for each in before if each[0] in ("label", "left_out", "patient"))
    return Undone(row[1], tuple(dict.fromkeys(images)))


def _set_left_out(project: Project, images: list[int], reason: str, what: str) -> None:
    with project.db as db:
        rows = db.execute(
            "SELECT id, left_out FROM image WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(images),)
        )
        before = [("left_out", image, old) for image, old in rows]
        remember(db, f"{what} {len(images):,} image{'s' * (len(images) != 1)}", before)
        db.executemany("UPDATE image SET left_out = ? WHERE id = ?", [(reason, image) for image in images])


def _put_labels(db: sqlite3.Connection, labels: list[tuple[int, int, str | None]]) -> None:
    db.executemany(
        "DELETE FROM label WHERE label_set_id = ? AND image_id = ?",
        [(number, image) for number, image, value in labels if value is None],
    )
    db.executemany(
        "INSERT INTO label VALUES (?, ?, ?) ON CONFLICT (label_set_id, image_id) DO UPDATE SET value = excluded.value",
        [row for row in labels if row[2] is not None],
    )
