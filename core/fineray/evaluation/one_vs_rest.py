"""One class against the rest: what every figure of two classes is worked out on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.predictions import Predictions


@dataclass(frozen=True)
class OneVsRest:
    """scores: the probability of the class `name`, 0..1 [n]; positive: whether an image truly belongs to it [n];
    patients: numbers that tell which images belong together [n]."""

    name: str
    scores: NDArray[np.float64]
    positive: NDArray[np.bool_]
    patients: NDArray[np.int64]

    def only(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> OneVsRest:
        """The same question about some of the images."""
        return OneVsRest(self.name, self.scores[rows], self.positive[rows], self.patients[rows])


def one_vs_rest(predictions: Predictions, name: str) -> OneVsRest:
    """Ask of one class against the others, which areas, curves and calibration are of.

    Parameters
    ----------
    predictions : Predictions
        Of classes that exclude each other; of findings side by side, those of `predictions.finding(name)`.
    name : str
        One of the classes.

    Returns
    -------
    OneVsRest
        Its `scores` [n] are the probability of the class, `positive` [n] whether an image truly belongs to it,
        `patients` [n] numbers that tell which images belong together.

    Examples
    --------
    >>> import fineray
    >>> with fineray.open_project("study") as project:
    ...     predictions = fineray.run(project, "run-001").predictions()
    >>> asked = fineray.one_vs_rest(predictions, "opacity (synthetic)")
    >>> int(asked.positive.sum()), len(asked.scores)
    (12, 24)
    """
    number = predictions.classes.index(name)
    return OneVsRest(
        name, predictions.probabilities[:, number], predictions.true == number, patient_numbers(predictions)
    )


def patient_numbers(predictions: Predictions) -> NDArray[np.int64]:
    """[n], by first appearance: pseudonyms differ between imports, and the resamples should not."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(patient, len(numbers)) for patient in predictions.patients], dtype=np.int64)
