"""What was tried on labelled images beside the runs: rankings of backbones, searches for a learning rate.

A run that was chosen by them was chosen on those images, and its report has to say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from fineray.project.catalogue import LabelledImage
from fineray.project.label_sets import active_label_set
from fineray.project.project import Project
from fineray.project.seen import Seen
from fineray.system.line_file import append_record, records

TRIALS = "trials.jsonl"
What = Literal["ranking", "learning rate"]


@dataclass(frozen=True)
class Trial:
    """backbones: titles of those that were tried; when: UTC, ISO 8601, at its end; seen: the images it looked at."""

    what: What
    when: str
    label_set: str
    backbones: tuple[str, ...]
    seen: Seen


def keep_trial(project: Project, what: What, backbones: Sequence[str], images: Iterable[LabelledImage]) -> None:
    """Write a trial down; not in a project that may only be read, whose runs cannot follow from it."""
    if project.read_only is not None:
        return
    record = {
        "format": 1,
        "what": what,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "label_set": active_label_set(project).name,
        "backbones": list(backbones),
        "seen": Seen.of(images).to_json(),
    }
    append_record(project.root / TRIALS, record)


def trials(project: Project) -> list[Trial]:
    """Every trial, the first one first."""
    found = []
    for each in records(project.root / TRIALS):
        try:
            seen = Seen.from_json(each["seen"])
            found.append(Trial(each["what"], each["when"], each["label_set"], tuple(each["backbones"]), seen))
        except (KeyError, TypeError):  # of another version
            continue
    return found
