"""What a check found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from core.output_file import whole_file

Severity = Literal["serious", "look", "fine"]


@dataclass(frozen=True)
class Finding:
    """One result of one check, in the user's words.

    severity: `serious` (spoils figures if nothing is done), `look` (a person should decide), `fine` (looked, found
    nothing). images: ids, those that acting on the finding would leave out first. leave_out: whether leaving them
    out is a sensible remedy.
    """

    check: str
    severity: Severity
    title: str
    evidence: str
    images: tuple[int, ...] = ()
    leave_out: bool = False


def keep_checks(root: Path, findings: Sequence[Finding]) -> None:
    """Write what the checks found into the project at `root`."""
    text = json.dumps({"format": 1, "findings": [asdict(finding) for finding in findings]}, indent=1)
    with whole_file(root / "checks.json") as partial:
        partial.write_text(text, "utf-8")


def last_checks(root: Path) -> list[Finding]:
    """What the last run of the checks found; empty if there was none."""
    try:
        kept = json.loads((root / "checks.json").read_text("utf-8"))
        return [Finding(**{**each, "images": tuple(each["images"])}) for each in kept["findings"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
