"""What the figures are called."""

from __future__ import annotations

NAMES = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV (precision)",
    "npv": "NPV",
    "accuracy": "Accuracy",
    "f1": "F1",
    "balanced_accuracy": "Balanced accuracy",
    "mcc": "MCC",
    "kappa": "Cohen's kappa",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "ppv_there": "PPV at the prevalence given",
    "npv_there": "NPV at the prevalence given",
    "macro_f1": "Mean F1 over classes",
    "hand_till": "Hand-Till M",
    "scaled_brier": "Scaled Brier score",
    "ece": "Expected calibration error (10 bins)",
    "slope": "Calibration slope",
    "intercept": "Calibration intercept",
    "in_the_large": "Calibration in the large",
    "observed_expected": "Observed / expected",
}
