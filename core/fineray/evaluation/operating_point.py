"""From probabilities to predicted classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.predictions import Predictions, predicted_findings

RuleKind = Literal["most probable", "youden", "sensitivity", "specificity", "cost", "threshold", "fixed"]


@dataclass(frozen=True)
class PointRule:
    """How the operating point is to be chosen, for the class `positive` of two.

    value: the sensitivity or specificity to reach (0..1), the threshold (0..1), or, by cost, how many false alarms a
    miss is worth (above 0). `fixed`: as it was frozen, or as a model from elsewhere brought it;
    the value only tells the threshold then.
    """

    kind: RuleKind = "most probable"
    positive: str = ""
    value: float = 0.0

    def for_another(self) -> PointRule:
        """The same rule for another run, which has a point of its own or none."""
        return PointRule("threshold", self.positive, self.value) if self.kind == "fixed" else self


@dataclass(frozen=True)
class OperatingPoint:
    """positive: the class that is predicted when its probability reaches the threshold (0..1), else the other one;
    empty for the most probable class. chosen_by: the rule, in words. findings: where classes are findings that stand
    side by side, the points of those that have one; the others are predicted from one half on, and the fields above
    say nothing.
    """

    positive: str = ""
    threshold: float = 0.5
    chosen_by: str = "most probable class"
    findings: dict[str, OperatingPoint] = field(default_factory=dict)

    def of(self, finding: str) -> OperatingPoint:
        """That of one finding as a question of two classes; with an empty name itself."""
        return self.findings.get(finding, OperatingPoint()) if finding else self

    def names(self, classes: Sequence[str], probabilities: NDArray[np.float64], multilabel: bool) -> list[str]:
        """What each row of probabilities counts as: a class, or the findings that are predicted, between bars."""
        if not multilabel:
            return [classes[number] for number in self.numbers(classes, probabilities).tolist()]
        cuts = [self.of(name).threshold for name in classes]
        return [predicted_findings(classes, row, cuts) for row in probabilities.tolist()]

    def in_words(self, multilabel: bool = False) -> str:
        """A sentence for the user."""
        if multilabel:
            own = [f"“{name}” from {each.threshold:.3f} on" for name, each in self.findings.items() if each.positive]
            others = "every finding" if not own else "any other finding"
            return f"An image shows {', '.join([*own, f'{others} from one half on'])}."
        if not self.positive:
            return "An image counts as its most probable class."
        return f"An image counts as “{self.positive}” from {self.threshold:.3f} on ({self.chosen_by})."

    def to_json(self) -> dict[str, Any]:
        """As files keep it; `findings` only where there are some."""
        told = {"positive": self.positive, "threshold": self.threshold, "chosen_by": self.chosen_by}
        own = {name: each.to_json() for name, each in self.findings.items()}
        return {**told, "findings": own} if own else told

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> OperatingPoint:
        """What to_json() gave. Raises KeyError, TypeError, ValueError or AttributeError for anything else."""
        own = {name: OperatingPoint.from_json(each) for name, each in told.get("findings", {}).items()}
        threshold = float(told["threshold"])
        if not 0 <= threshold <= 1:
            raise ValueError("a threshold outside 0..1")
        return OperatingPoint(str(told["positive"]), threshold, str(told["chosen_by"]), own)

    def predict(self, predictions: Predictions, thresholds: Mapping[str, float] | None = None) -> NDArray[np.int64]:
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
class PredictedClasses:
    """What the images count as at a chosen operating point.

    predicted: class numbers [n]; point: for other images; thresholds: that were applied, by part (fold or test).
    """

    predicted: NDArray[np.int64]
    point: OperatingPoint
    thresholds: dict[str, float]
