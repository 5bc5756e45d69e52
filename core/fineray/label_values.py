"""What a label says, as text: a class, or findings side by side, certain or doubtful."""

from __future__ import annotations

import math
from typing import Literal

from fineray.errors import FinerayError

Kind = Literal["single", "multi"]
UNCERTAIN = "uncertain"  # a value of its own: seen, and left open
NO_FINDING = "none"  # how an image of a multi-label set without any finding is written
BETWEEN = "|"


class LabelSetUnusable(FinerayError):
    """There is no such label set, it exists already, or it is of the wrong kind for this."""


def check_class(kind: Kind, name: str) -> None:
    """Raises LabelSetUnusable where a class of that name could be mistaken for something else."""
    if name == UNCERTAIN or (kind == "multi" and (BETWEEN in name or name.endswith("?") or name == NO_FINDING)):
        raise LabelSetUnusable(f"A class cannot be called “{name}”", todo="Choose a name without bar or question mark.")


def classes_in(kind: Kind, value: str) -> tuple[str, ...]:
    """The classes that a value names, doubtful ones included."""
    if kind == "single":
        return () if value == UNCERTAIN else (value,)
    return tuple(findings_of(value))


def findings_of(value: str) -> dict[str, bool]:
    """CheckResult -> whether it is certain, of a multi-label value."""
    parts = [part.strip() for part in value.split(BETWEEN)]
    return {part.rstrip("?").strip(): not part.endswith("?") for part in parts if part and part != NO_FINDING}


def multi_value(findings: dict[str, bool]) -> str:
    """The multi-label value that names these findings, True being certain."""
    return BETWEEN.join(name if findings[name] else f"{name}?" for name in sorted(findings)) or NO_FINDING


def certainties(label: str, classes: tuple[str, ...], doubt: float = math.nan) -> list[float]:
    """Of each finding: 1 where a multi-label value says that it is there, 0 where not, `doubt` where it is doubtful."""
    found = findings_of(label)
    return [(1.0 if found[name] else doubt) if name in found else 0.0 for name in classes]


def toggled(value: str | None, finding: str) -> str:
    """A multi-label value after its finding went one step round: absent, present, doubtful, absent."""
    findings = findings_of(value or "")
    if finding not in findings:
        findings[finding] = True
    elif findings[finding]:
        findings[finding] = False
    else:
        del findings[finding]
    return multi_value(findings)
