"""How figures are called and written in the window."""

from __future__ import annotations

from fineray.evaluation.intervals import Estimate

FIGURES = {
    "sensitivity": ("Sensitivity", "Of the images truly of this class, the share that is called so"),
    "specificity": ("Specificity", "Of the images of other classes, the share that is not called this class"),
    "ppv": ("PPV", "Of the images called this class, the share that truly is (precision)"),
    "npv": ("NPV", "Of the images not called this class, the share that truly is not"),
    "ppv_there": ("PPV there", "PPV at the prevalence that you entered"),
    "npv_there": ("NPV there", "NPV at the prevalence that you entered"),
    "accuracy": ("Accuracy", "The share of images that are called right"),
    "f1": ("F1", "The harmonic mean of PPV and sensitivity"),
    "balanced_accuracy": ("Balanced accuracy", "The mean of sensitivity and specificity (of the classes' shares)"),
    "mcc": ("MCC", "Matthews' correlation of calls and truth: 0 is chance, 1 is perfect"),
    "kappa": ("Kappa", "Cohen's kappa of calls and truth: agreement beyond chance"),
    "auc": ("AUC", "The chance that an image of this class scores higher than one of another: 0.5 is chance"),
    "average_precision": ("Average precision", "The area under the precision-recall curve; chance is the prevalence"),
    "brier": ("Brier score", "The mean squared distance of probability and truth: 0 is perfect"),
    "macro_f1": ("Mean F1", "F1 of each class, averaged"),
    "hand_till": ("Hand-Till M", "AUC averaged over all pairs of classes"),
}
OVERALL = ("accuracy", "auc", "hand_till", "balanced_accuracy", "mcc", "kappa", "macro_f1")


def number(value: float | None) -> str:
    """Three decimals, or that the figure is not defined."""
    return "not defined" if value is None else f"{value:.3f}"


def interval(estimate: Estimate) -> str:
    """An interval in words."""
    if estimate.low is None or estimate.high is None:
        return "not defined"
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def chance(p: float | None) -> str:
    """A p-value."""
    return "not defined" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
