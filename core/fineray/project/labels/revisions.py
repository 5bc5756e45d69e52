"""How labels changed since a run learned from them, and notes on images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from fineray.evaluation.predictions import Predictions
from fineray.label_values import LabelSetUnusable, certainties
from fineray.project.label_sets import label_set, values_of
from fineray.project.project import Project
from fineray.project.runs import RunFolder


@dataclass(frozen=True)
class Revision:
    """A label that was changed or, with `after` None, taken away. changed: UTC, ISO 8601."""

    label_set: str
    image: int
    before: str
    after: str | None
    changed: str


def revisions(project: Project, image: int | None = None) -> list[Revision]:
    """Every change of a label, or those of one image, the latest first."""
    rows = project.db.execute(
        "SELECT coalesce(label_set.name, '(removed)'), image_id, before, after, changed FROM label_revision"
        " LEFT JOIN label_set ON label_set.id = label_set_id WHERE ? IS NULL OR image_id = ?"
        " ORDER BY label_revision.id DESC",
        (image, image),
    )
    return [Revision(*row) for row in rows]


def changed_since(project: Project, folder: RunFolder, predictions: Predictions) -> tuple[int, ...]:
    """Ids of the run's images whose label is now another, or gone: the run was made with older labels."""
    try:
        now = values_of(project, label_set(project, folder.metrics().label_set))
    except (LabelSetUnusable, KeyError):
        return ()
    images = predictions.images.tolist()
    if predictions.truth is None:
        then = [predictions.classes[number] for number in predictions.true.tolist()]
        return tuple(image for image, label in zip(images, then, strict=True) if now.get(image) != label)
    marks = [certainties(now.get(image, "?"), predictions.classes) for image in images]
    same = np.array([np.array_equal(a, b, equal_nan=True) for a, b in zip(marks, predictions.truth, strict=True)])
    return tuple(image for image, kept in zip(images, same, strict=True) if not kept)


def notes(project: Project, images: Iterable[int] | None = None) -> dict[int, str]:
    """Image id -> its note."""
    found = dict(project.db.execute("SELECT image_id, text FROM note"))
    return found if images is None else {image: found[image] for image in images if image in found}


def set_note(project: Project, image: int, text: str) -> None:
    """Write a note on an image; an empty one takes it away."""
    with project.db as db:
        if text.strip():
            now = datetime.now(UTC).isoformat(timespec="seconds")
            db.execute("INSERT OR REPLACE INTO note VALUES (?, ?, ?)", (image, text.strip(), now))
        else:
            db.execute("DELETE FROM note WHERE image_id = ?", (image,))
