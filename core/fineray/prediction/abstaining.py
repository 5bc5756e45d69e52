"""What a band without answers costs and gives, on images that the run did not learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fineray.evaluation.intervals import Estimate, proportion
from fineray.evaluation.one_vs_rest import patient_numbers
from fineray.evaluation.operating_point import OperatingPoint
from fineray.evaluation.predictions import Predictions


@dataclass(frozen=True)
class BandEffect:
    """positive: the class in question; answered: share of the images outside the band; sensitivity and specificity: of
    the answers alone, and of all images without a band."""

    positive: str
    answered: Estimate
    sensitivity: Estimate
    specificity: Estimate
    sensitivity_without: Estimate
    specificity_without: Estimate


def band_effect(predictions: Predictions, point: OperatingPoint, low: float, high: float) -> BandEffect:
    """Of a band low <= p < high of two classes, p the probability of the class in question."""
    positive = point.positive or predictions.classes[-1]
    number = predictions.classes.index(positive)
    chance = predictions.probabilities[:, number]
    patients = patient_numbers(predictions)
    outside = ~((chance >= low) & (chance < high))
    true, predicted = predictions.true == number, point.predict(predictions) == number

    def share(rows: np.ndarray, right: np.ndarray) -> Estimate:
        return proportion(right[rows], patients[rows])

    return BandEffect(
        positive,
        proportion(outside, patients),
        share(true & outside, predicted),
        share(~true & outside, ~predicted),
        share(true, predicted),
        share(~true, ~predicted),
    )
