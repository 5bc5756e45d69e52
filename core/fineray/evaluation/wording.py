"""Figures in words: their names, what they mean, and how numbers and intervals are written, in window, report and
command line alike."""

from __future__ import annotations

from dataclasses import dataclass

from fineray.evaluation.intervals import Estimate


@dataclass(frozen=True)
class MetricName:
    """meaning: one line for a tooltip or a footnote; short: the title where there is little room."""

    title: str
    meaning: str
    _short: str = ""

    @property
    def short(self) -> str:
        """The title, or less."""
        return self._short or self.title


METRICS = {
    "sensitivity": MetricName("Sensitivity", "Of the images truly of this class, the share that is predicted so"),
    "specificity": MetricName("Specificity", "Of the images of other classes, the share that is not predicted so"),
    "ppv": MetricName("PPV (precision)", "Of the images predicted as this class, the share that truly is", "PPV"),
    "npv": MetricName("NPV", "Of the images not predicted as this class, the share that truly is not"),
    "ppv_there": MetricName("PPV at the prevalence given", "PPV where such a share has the condition", "PPV there"),
    "npv_there": MetricName("NPV at the prevalence given", "NPV where such a share has the condition", "NPV there"),
    "accuracy": MetricName("Accuracy", "The share of images that are predicted right"),
    "f1": MetricName("F1", "The harmonic mean of PPV and sensitivity"),
    "balanced_accuracy": MetricName("Balanced accuracy", "The mean share of each class that is predicted right"),
    "mcc": MetricName("MCC", "Matthews' correlation of prediction and truth: 0 is chance, 1 is perfect"),
    "kappa": MetricName("Cohen's kappa", "Agreement of prediction and truth beyond chance"),
    "auc": MetricName("AUC", "The chance that an image of this class scores higher than one of another: 0.5 is chance"),
    "average_precision": MetricName(
        "Average precision", "The area under the precision-recall curve; chance is the prevalence"
    ),
    "brier": MetricName("Brier score", "The mean squared distance of probability and truth: 0 is perfect"),
    "macro_f1": MetricName("Mean F1 over classes", "F1 of each class, averaged", "Mean F1"),
    "hand_till": MetricName("Hand-Till M", "AUC averaged over all pairs of classes"),
    "scaled_brier": MetricName("Scaled Brier score", "1 is perfect, 0 is always saying the prevalence"),
    "ece": MetricName("Expected calibration error (10 bins)", "Mean distance of probability and observed share"),
    "slope": MetricName("Calibration slope", "Below 1, probabilities are too extreme; above, too timid"),
    "intercept": MetricName("Calibration intercept", "0 where probabilities are right on average, at that slope"),
    "in_the_large": MetricName("Calibration in the large", "0 where probabilities are right on average, at slope 1"),
    "observed_expected": MetricName("Observed / expected", "Images of the class over the sum of probabilities"),
}


def number(value: float | None, places: int = 3) -> str:
    """The figure, or that it is not defined."""
    return "not defined" if value is None else f"{value:.{places}f}"


def interval(estimate: Estimate, places: int = 3) -> str:
    """The ends alone."""
    if estimate.low is None or estimate.high is None:
        return "not defined"
    return f"{estimate.low:.{places}f} to {estimate.high:.{places}f}"


def with_interval(estimate: Estimate, places: int = 3) -> str:
    """A figure with its interval; alone where there is none."""
    if estimate.value is None or estimate.low is None:
        return number(estimate.value, places)
    return f"{estimate.value:.{places}f} (95 % {interval(estimate, places)})"


def chance(p: float | None) -> str:
    """A p-value."""
    return "not defined" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
