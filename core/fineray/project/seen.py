"""Which images something was done on, in few bytes, so that what was done on other images does not count for these."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fineray.project.catalogue import LabelledImage

_DIGITS = 16  # hex, of each digest: among a million images two alike are as rare as one in ten million


@dataclass(frozen=True)
class Seen:
    """pictures: digests of the images' contents; labelled: of each content with the label that it had then."""

    pictures: frozenset[str] = frozenset()
    labelled: frozenset[str] = frozenset()

    @staticmethod
    def of(images: Iterable[LabelledImage]) -> Seen:
        """These images with these labels."""
        pairs = [(image.content_hash, image.label) for image in images]
        return Seen(
            frozenset(picture_digest(content) for content, _ in pairs), frozenset(label_digest(*pair) for pair in pairs)
        )

    def to_json(self) -> dict[str, str]:
        """As two strings, each digest after the other."""
        return {"pictures": "".join(sorted(self.pictures)), "labelled": "".join(sorted(self.labelled))}

    @staticmethod
    def from_json(found: dict[str, Any]) -> Seen:
        """What to_json() gave. Raises KeyError or TypeError."""
        return Seen(_digests(found["pictures"]), _digests(found["labelled"]))


def picture_digest(content_hash: str) -> str:
    """A content as Seen knows it."""
    return content_hash[:_DIGITS]


def label_digest(content_hash: str, label: str) -> str:
    """A content with its label as Seen knows it."""
    return hashlib.sha256(f"{content_hash} {label}".encode()).hexdigest()[:_DIGITS]


def _digests(text: str) -> frozenset[str]:
    return frozenset(text[start : start + _DIGITS] for start in range(0, len(text), _DIGITS))
