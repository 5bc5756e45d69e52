"""The sealed test set: images that nothing is learned or chosen from, and the count of who looked.

Sealed images leave `labelled_images()`, from which splits, checks and training draw; only fineray.training.opening
asks for them, for a run that was frozen before. Each opening is written into the project, so that it goes along with
every copy, and into the user's own folder, so that opening a copy counts for the original on this workstation too.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from fineray.errors import FinerayError
from fineray.project.catalogue import sealed_images
from fineray.project.project import Project
from fineray.system.line_file import append_record, records
from fineray.system.user_folder import user_folder

SETTING = "seal"
BROKEN = ""  # stands for the run of an opening without one: the seal was broken


class SealRefused(FinerayError):
    """A test set is sealed already, or there is none."""


@dataclass(frozen=True)
class Seal:
    """A sealed test set. hash: SHA-256 over its image contents, the same wherever the same images are sealed;
    seen_before: runs of this project that had predicted or learned from some of them before; by: the attribute that
    told them apart, empty where they were drawn by chance, None in seals of earlier versions, which did not keep it."""

    hash: str
    created: str
    label_set: str
    images: int
    patients: int
    classes: dict[str, int]
    seen_before: int
    by: str | None = None


@dataclass(frozen=True)
class Opening:
    """One look at a sealed test set. run: whose predictions, empty where the seal was broken to learn from it."""

    id: str
    seal: str
    opened: str
    run: str
    head_sha256: str


def current_seal(project: Project) -> Seal | None:
    """The seal of the project's test set, or None."""
    row = project.db.execute("SELECT value FROM setting WHERE name = ?", (SETTING,)).fetchone()
    return Seal(**json.loads(row[0])) if row else None


def break_seal(project: Project) -> Opening:
    """Give the test set up and let its images be learned from; counts as an opening. Raises SealRefused."""
    opening = record_opening(project, BROKEN, "")
    with project.db as db:
        db.execute("DELETE FROM sealed_image")
        db.execute("DELETE FROM setting WHERE name = ?", (SETTING,))
    return opening


def record_opening(project: Project, run: str, head_sha256: str) -> Opening:
    """Write an opening down before anything is computed. Raises SealRefused, why the project may only be read, or a
    storage error."""
    project.check_writable()
    seal = current_seal(project)
    if seal is None:
        raise SealRefused("The project has no sealed test set", todo="Seal one before you train (page Curate).")
    opening = Opening(uuid.uuid4().hex, seal.hash, now(), run, head_sha256)
    append_record(_ledger(), asdict(opening))
    with project.db as db:
        db.execute("INSERT INTO opening VALUES (?, ?, ?, ?, ?)", tuple(asdict(opening).values()))
    return opening


def openings(project: Project, seal_hash: str | None = None) -> list[Opening]:
    """Every opening of the sealed set (that of the project, unless another hash is given) known to the project or to
    this workstation, the earliest first."""
    seal = current_seal(project)
    wanted = seal_hash or (seal.hash if seal else "")
    found = {row[0]: Opening(*row) for row in project.db.execute("SELECT * FROM opening WHERE seal = ?", (wanted,))}
    for each in _on_this_workstation():
        if each.seal == wanted:
            found.setdefault(each.id, each)
    return sorted(found.values(), key=lambda each: each.opened)


def _ledger() -> Path:
    return user_folder() / "openings.jsonl"


def _on_this_workstation() -> Iterator[Opening]:
    for record in records(_ledger()):
        try:
            yield Opening(**record)
        except TypeError:  # of another version
            continue


def labels_changed(project: Project) -> int:
    """Sealed images whose label is another than when they were sealed."""
    now = {image.id: image.label for image in sealed_images(project)}
    rows = project.db.execute("SELECT image_id, label FROM sealed_image")
    return sum(now.get(image) != label for image, label in rows)


def now() -> str:
    """This moment, as records write it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
