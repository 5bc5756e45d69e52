"""What is kept of each change, so that fineray.project.changes.undo() can take it back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

KEPT = 100  # changes that can be taken back


def remember(db: sqlite3.Connection, title: str, before: Iterable[tuple[Any, ...]]) -> None:
    """Keep how things were before a change, inside its transaction.

    before: ("label", image, label set, value), ("left_out", image, reason), ("patient", image, patient),
    ("setting", name, value), ("blanked", image, regions), each with its old value, None where there was none; or
    ("split", id) and ("label_set", id) for what the change made.
    """
    db.execute("INSERT INTO change (title, before) VALUES (?, ?)", (title, json.dumps(list(before))))
    db.execute("DELETE FROM change WHERE id <= (SELECT max(id) FROM change) - ?", (KEPT,))
