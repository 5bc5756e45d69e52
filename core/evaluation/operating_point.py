"""From probabilities to calls."""

from __future__ import annotations

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

    def called(self, predictions: Predictions) -> NDArray[np.int64]:
        """The class number that each prediction counts as, [n]."""
        if not self.positive:
            return predictions.predicted
        number = predictions.classes.index(self.positive)
        return np.where(predictions.probabilities[:, number] >= self.threshold, number, 1 - number)
