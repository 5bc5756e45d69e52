"""From probabilities to calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.project.runs import Predictions

RuleKind = Literal["most probable", "youden", "sensitivity", "specificity", "cost", "threshold"]


@dataclass(frozen=True)
class PointRule:
    """How the operating point is to be chosen, for the class `positive` of two.

    value: the sensitivity or specificity to reach (0..1), the threshold (0..1), or, by cost, how many false alarms a
    miss is worth (above 0).
    """

    kind: RuleKind = "most probable"
    positive: str = ""
    value: float = 0.0


@dataclass(frozen=True)
class OperatingPoint:
    """positive: the class that is called when its probability reaches the threshold (0..1), else the other one; empty
    for the most probable class. chosen_by: the rule, in words."""

    positive: str = ""
    threshold: float = 0.5
    chosen_by: str = "most probable class"

    def called(self, predictions: Predictions, thresholds: Mapping[str, float] | None = None) -> NDArray[np.int64]:
        """The class number that each prediction counts as, [n]; a part named in `thresholds` has one of its own."""
        own = thresholds or {}
        cuts = np.array([own.get(part, self.threshold) for part in predictions.parts]) if own else self.threshold
        return self.numbers(predictions.classes, predictions.probabilities, cuts)

    def numbers(
        self,
        classes: Sequence[str],
        probabilities: NDArray[np.float64],
        cuts: NDArray[np.float64] | float | None = None,
    ) -> NDArray[np.int64]:
        """The class number that each row of probabilities counts as, [n]; cuts: in place of the threshold."""
        if not self.positive:
            most: NDArray[np.int64] = np.argmax(probabilities, axis=1)
            return most
        number = classes.index(self.positive)
        return np.where(probabilities[:, number] >= (self.threshold if cuts is None else cuts), number, 1 - number)


@dataclass(frozen=True)
class Called:
    """What the images count as at a chosen operating point.

    called: class numbers [n]; point: for other images; thresholds: that were applied, by part (fold or test).
    """

    called: NDArray[np.int64]
    point: OperatingPoint
    thresholds: dict[str, float]
