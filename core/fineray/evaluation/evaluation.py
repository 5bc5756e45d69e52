"""What is worked out of a run's predictions, and how files keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from fineray.evaluation.binary_metrics import BinaryMetrics
from fineray.evaluation.confusion import against_rest
from fineray.evaluation.intervals import Estimate, estimates_of, frame_of

if TYPE_CHECKING:
    import pandas as pd

OVERALL = ("auc", "accuracy", "balanced_accuracy", "mcc", "kappa", "macro_f1", "hand_till")  # over all classes
_FIRST = {"precision": "ppv"}  # what format 1 called a figure -> its name now


@dataclass(frozen=True)
class ClassMetrics:
    """One class against the rest. patients: who have an image that truly belongs to it."""

    name: str
    patients: int
    figures: BinaryMetrics


@dataclass(frozen=True)
class Evaluation:
    """auc: of two classes, or the mean over classes one against the rest; confusion: rows true, columns predicted.

    balanced_accuracy, mcc (Gorodkin 2004 with more than two classes), kappa: over all classes; macro_f1: the mean over
    classes; hand_till: only with more than two. multilabel: classes are findings that may stand side by side. Then
    accuracy is the share of right answers over images and findings, confusion is empty, the figures over all classes
    are undefined, and `findings` holds those of each finding as a question of two classes.
    """

    classes: tuple[str, ...]
    images: int
    patients: int
    accuracy: Estimate
    auc: Estimate
    balanced_accuracy: Estimate
    mcc: Estimate
    kappa: Estimate
    macro_f1: Estimate
    hand_till: Estimate
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[ClassMetrics, ...]
    resamples: int
    seed: int
    multilabel: bool = False
    findings: dict[str, Evaluation] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """A pandas data frame with a row a figure: `class` (empty for figures over all classes), `figure`, `value`,
        `low` and `high` (95 %), `n` images, `method` of the interval. Raises PandasMissing."""
        told = [("", name, each) for name, each in estimates_of(self)]
        told += [
            (each.name, name, figure) for each in self.per_class for name, figure in each.figures.estimates().items()
        ]
        return frame_of(told)

    def to_json(self) -> dict[str, Any]:
        """As files keep it."""
        return asdict(self)

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> Evaluation:
        """What to_json() gave, or what files of format 1 hold: there a class had no counts (they follow from the
        matrix), and what was not kept is undefined. Raises KeyError, TypeError, ValueError or AttributeError for
        anything else."""
        multilabel = bool(told.get("multilabel", told.get("several", False)))
        findings = {name: Evaluation.from_json(each) for name, each in told.get("findings", {}).items()}
        confusion = tuple(tuple(int(count) for count in row) for row in told.get("confusion", ()))
        images = int(told.get("images", 0))
        return Evaluation(
            classes=tuple(map(str, told["classes"])),
            images=images,
            patients=int(told.get("patients", 0)),
            **{name: _estimate(told.get(name), images) for name in OVERALL},
            confusion=confusion,
            per_class=tuple(
                _class_metrics(each, number, findings, confusion)
                for number, each in enumerate(told.get("per_class", ()))
            ),
            resamples=int(told.get("resamples", 0)),
            seed=int(told.get("seed", 0)),
            multilabel=multilabel,
            findings=findings,
        )


def _estimate(told: Mapping[str, Any] | None, images: int) -> Estimate:
    return Estimate(**told) if told else Estimate(None, None, None, images, "")


def _class_metrics(
    told: Mapping[str, Any],
    number: int,
    findings: Mapping[str, Evaluation],
    confusion: tuple[tuple[int, ...], ...],
) -> ClassMetrics:
    name, patients = str(told["name"]), int(told["patients"])
    if "figures" in told:
        return ClassMetrics(name, patients, _binary(told["figures"], told["figures"]))
    # Format 1: a finding is the second of its own two classes.
    cells, place = (findings[name].confusion, 1) if name in findings else (confusion, number)
    tn, fp, fn, tp = against_rest(np.array(cells, dtype=np.int64), place)
    counts = {"positives": fn + tp, "negatives": tn + fp, "true_positives": tp, "false_negatives": fn,
              "false_positives": fp, "true_negatives": tn}  # fmt: skip
    return ClassMetrics(name, patients, _binary(counts, {_FIRST.get(key, key): value for key, value in told.items()}))


def _binary(counts: Mapping[str, int], estimates: Mapping[str, Any]) -> BinaryMetrics:
    of_counts: dict[str, Any] = {
        each.name: int(counts[each.name]) for each in fields(BinaryMetrics) if each.type == "int"
    }
    images = of_counts["positives"] + of_counts["negatives"]
    others = [each.name for each in fields(BinaryMetrics) if each.name not in of_counts]
    of_scores: dict[str, Any] = {name: _estimate(estimates.get(name), images) for name in others}
    return BinaryMetrics(**of_counts, **of_scores)
