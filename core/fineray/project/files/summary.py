"""How an import ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImportSummary:
    """How the files ended; the five counts add up to the files found. seconds: wall time."""

    imported: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    duplicates: int = 0
    seconds: float = 0.0

    @property
    def found(self) -> int:
        """Files found below the chosen folders."""
        return self.imported + self.unchanged + self.skipped + self.failed + self.duplicates


@dataclass(frozen=True)
class Resized:
    """How keeping images at another longest side, in pixels, ended. images: kept so now; as_before: those whose file is
    away or gives another picture now."""

    side: int
    images: int
    as_before: int
