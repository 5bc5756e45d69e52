"""What exports and packages answer; plain data, for the window too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExportedModel:
    """sha256: of a package, by which sender and receiver compare it; fingerprint: of the key that signed it;
    difference: the largest of a probability between an ONNX model or a bundle and the run."""

    path: str
    sha256: str = ""
    fingerprint: str = ""
    difference: float | None = None


@dataclass(frozen=True)
class OpenedModel:
    """A model that was opened. project: where it lies now; run: its name there; card: Markdown; fingerprint: of the key
    that signed it, empty if none did; difference: the largest relative one between a logit here and at the sender's."""

    project: Path
    run: str
    card: str
    classes: tuple[str, ...]
    fingerprint: str
    difference: float


@dataclass(frozen=True)
class Check:
    """Something that was found right. what: one line; how: what it was compared with."""

    what: str
    how: str
