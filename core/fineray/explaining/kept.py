"""Which maps were made of a run, and whether they passed their checks: what its report may say of explanations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fineray.explaining.results import Explained
from fineray.project.project import Project
from fineray.project.runs import RunFolder
from fineray.system.line_file import append_record, records

EXPLANATIONS = "explanations.jsonl"
MEAN = "mean grad-cam"


@dataclass(frozen=True)
class KeptMap:
    """images: catalogue ids, one but for a mean map; problems: the checks that failed, in words; held_out: whether the
    model had not learned from the image."""

    method: str
    class_name: str
    images: tuple[int, ...]
    problems: tuple[str, ...]
    held_out: bool


def keep_map(project: Project, folder: RunFolder, images: Sequence[int], found: Explained, method: str) -> None:
    """Write down that a map was made; not in a project that may only be read.

    The line is not waited for until it is on the disk, which looking through images would feel.
    """
    if project.read_only is not None:
        return
    record = {
        "format": 1,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "method": method,
        "class": found.class_name,
        "images": list(images),
        "problems": list(found.problems),
        "held_out": found.held_out,
    }
    append_record(folder.path / EXPLANATIONS, record, sync=False)


def kept_maps(folder: RunFolder) -> list[KeptMap]:
    """The maps of a run; of one that was made several times, the last."""
    found: dict[tuple[object, ...], KeptMap] = {}
    for each in records(folder.path / EXPLANATIONS):
        try:
            kept = KeptMap(
                each["method"], each["class"], tuple(each["images"]), tuple(each["problems"]), each["held_out"]
            )
        except (KeyError, TypeError):  # of another version
            continue
        found[kept.method, kept.class_name, kept.images] = kept
    return list(found.values())
