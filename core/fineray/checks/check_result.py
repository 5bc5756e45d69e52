"""What a check found, and on which images the checks were run last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from fineray.project.seen import Seen
from fineray.system.output_file import whole_file

CHECKS = "checks.json"
CHECKS_ON_LABELS = ("attributes", "attributes alone", "borders alone", "class sizes", "labels")
Severity = Literal["serious", "look", "fine"]


@dataclass(frozen=True)
class CheckResult:
    """One result of one check, in the user's words.

    severity: `serious` (spoils figures if nothing is done), `look` (a person should decide), `fine` (looked, found
    nothing). images: ids, those that acting on the finding would leave out first. leave_out: whether leaving them
    out is a sensible remedy. done: False where the check could not be carried out, which the title says.
    """

    check: str
    severity: Severity
    title: str
    evidence: str
    images: tuple[int, ...] = ()
    leave_out: bool = False
    done: bool = True


@dataclass(frozen=True)
class Checked:
    """The last run of the checks. checked: when, UTC, ISO 8601; carried_out: names of the checks that could be; seen:
    the images that they looked at, with the labels of the set `label_set`."""

    checked: str
    label_set: str
    carried_out: tuple[str, ...]
    seen: Seen
    findings: tuple[CheckResult, ...]


def keep_checks(
    root: Path, findings: Sequence[CheckResult], carried_out: Sequence[str], label_set: str, seen: Seen
) -> None:
    """Write what the checks found, and on what, into the project at `root`."""
    kept = {
        "format": 2,
        "checked": datetime.now(UTC).isoformat(timespec="seconds"),
        "label_set": label_set,
        "carried_out": list(carried_out),
        "seen": seen.to_json(),
        "findings": [asdict(finding) for finding in findings],
    }
    with whole_file(root / CHECKS) as partial:
        partial.write_text(json.dumps(kept, indent=1), "utf-8")


def last_checks(root: Path) -> list[CheckResult]:
    """What the last run of the checks found; empty if there was none."""
    try:
        return _findings(_kept(root))
    except (OSError, ValueError, KeyError, TypeError):
        return []


def last_checked(root: Path) -> Checked | None:
    """The last run of the checks with the images that it looked at; None where there was none, or where an earlier
    version did not keep on which."""
    try:
        kept = _kept(root)
        seen, carried_out = Seen.from_json(kept["seen"]), tuple(map(_name, kept["carried_out"]))
        return Checked(kept["checked"], kept["label_set"], carried_out, seen, tuple(_findings(kept)))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _kept(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / CHECKS).read_text("utf-8")))


def _findings(kept: dict[str, Any]) -> list[CheckResult]:
    return [
        CheckResult(**{**each, "check": _name(each["check"]), "images": tuple(each["images"])})
        for each in kept["findings"]
    ]


def _name(check: str) -> str:
    """A check's name today; earlier versions wrote another."""
    return "outliers" if check == "strangers" else check
