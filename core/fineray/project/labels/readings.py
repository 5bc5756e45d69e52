"""The reader desk: a blinded second read, and what was decided where reading and label differ.

What the model says of an image is shown only once its reading is saved; a saved reading is never changed, not even by
this program (the database refuses). Readers sign with a short name of their own choice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fineray.errors import FinerayError
from fineray.project.changes import set_labels
from fineray.project.label_sets import active_label_set, values_of
from fineray.project.project import Project


class ReadingRefused(FinerayError):
    """A reading is there already, or is not complete."""


@dataclass(frozen=True)
class Reading:
    """What a reader saw on an image. seconds: from its being shown to its being saved; saved: UTC, ISO 8601."""

    reader: str
    image: int
    value: str
    seconds: float
    saved: str


@dataclass(frozen=True)
class Decision:
    """What was decided on an image whose label and reading differ, by whom and why."""

    image: int
    label: str
    reading: str
    decided: str
    reader: str
    decided_by: str
    reason: str
    saved: str


def save_reading(project: Project, run: str, reader: str, image: int, value: str, seconds: float) -> None:
    """Keep a reading for good. Raises ReadingRefused where this reader has read the image for this run already."""
    signed = _signed(reader)
    taken = "SELECT 1 FROM reading WHERE run = ? AND reader = ? AND image_id = ?"
    if project.db.execute(taken, (run, signed, image)).fetchone():
        raise ReadingRefused(f"{signed} has read this image already", todo="Go on with the next image.")
    with project.db as db:
        db.execute(
            "INSERT INTO reading (run, reader, image_id, value, seconds, saved) VALUES (?, ?, ?, ?, ?, ?)",
            (run, signed, image, value, seconds, _now()),
        )


def readings(project: Project, run: str, reader: str = "") -> list[Reading]:
    """The readings for a run, of one reader or of all, in the order in which they were saved."""
    rows = project.db.execute(
        "SELECT reader, image_id, value, seconds, saved FROM reading WHERE run = ? AND (? = '' OR reader = ?)"
        " ORDER BY id",
        (run, reader.strip(), reader.strip()),
    )
    return [Reading(*row) for row in rows]


def readers(project: Project, run: str) -> list[str]:
    """Who has read for a run."""
    return [
        row[0] for row in project.db.execute("SELECT DISTINCT reader FROM reading WHERE run = ? ORDER BY 1", (run,))
    ]


def reading_order(images: Iterable[int], run: str, reader: str) -> list[int]:
    """The images in an order of chance that is the reader's own and stays the same on every day."""
    return sorted(images, key=lambda image: hashlib.sha256(f"{run}|{reader.strip()}|{image}".encode()).digest())


def next_unread(project: Project, images: Sequence[int], run: str, reader: str) -> int | None:
    """The reader's next image, or None where all are read."""
    read = {each.image for each in readings(project, run, reader)}
    return next((image for image in reading_order(images, run, reader) if image not in read), None)


def adjudicate(project: Project, run: str, reader: str, image: int, value: str, decided_by: str, reason: str) -> None:
    """Decide on an image: its label in the set in use becomes `value`; who decided and why is kept for good.

    Raises ReadingRefused without a reading, a signature or a reason.
    """
    read = next((each for each in readings(project, run, reader) if each.image == image), None)
    if read is None or not reason.strip():
        raise ReadingRefused(
            "A decision needs a reading, and a reason" if read is None else "A decision needs a reason",
            todo="Say in a few words why.",
        )
    signed, chosen = _signed(decided_by), active_label_set(project)
    label = values_of(project, chosen).get(image, "")
    if label != value:
        set_labels(project, {image: value}, f"Adjudicating an image (signed {signed})")
    with project.db as db:
        db.execute(
            "INSERT INTO adjudication (label_set_id, image_id, label, reading, decided, reader, decided_by, reason,"
            " saved) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (chosen.id, image, label, read.value, value, read.reader, signed, reason.strip(), _now()),
        )


def decisions(project: Project) -> list[Decision]:
    """Every decision, the first one first: the audit trail."""
    rows = project.db.execute(
        "SELECT image_id, label, reading, decided, reader, decided_by, reason, saved FROM adjudication ORDER BY id"
    )
    return [Decision(*row) for row in rows]


def _signed(name: str) -> str:
    if not name.strip():
        raise ReadingRefused("A reading is signed", todo="Enter your initials or another short name.")
    return name.strip()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
