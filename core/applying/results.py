"""What a run says of films; plain data, for the window too."""

from __future__ import annotations

from dataclasses import dataclass

from core.evaluation.operating_point import OperatingPoint


@dataclass(frozen=True)
class Scored:
    """One film, or a file that gives none. probabilities: empty where it was not scored; predicted: the class that it
    counts as, or findings between bars; flag: why to be careful, empty if nothing speaks against the film."""

    file: str
    sop_instance_uid: str
    probabilities: tuple[float, ...]
    predicted: str
    flag: str
    distance: float | None = None


@dataclass(frozen=True)
class PredictionTable:
    """rows: one a film, files without a film at the end; limit: the distance from which films count as unlike."""

    run: str
    classes: tuple[str, ...]
    point: OperatingPoint
    rows: tuple[Scored, ...]
    limit: float | None

    @property
    def scored(self) -> int:
        """Films with probabilities."""
        return sum(bool(row.probabilities) for row in self.rows)

    @property
    def flagged(self) -> int:
        """Rows with a flag."""
        return sum(bool(row.flag) for row in self.rows)
