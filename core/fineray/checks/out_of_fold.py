"""Predictions of a quick classifier for images of groups that it did not learn from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5


def out_of_fold(
    features: NDArray[np.floating],
    truth: NDArray[np.int64],
    groups: NDArray[np.int64],
    seed: int,
    reduce: Callable[[int], list[object]] = lambda rows: [],
) -> NDArray[np.float64] | None:
    """Probabilities [images, classes] in five folds by group; None where a class has fewer groups than folds.

    truth: class numbers 0..classes-1; reduce(training rows): steps between standardising and logistic regression.
    """
    classes = int(truth.max()) + 1
    if classes < 2 or min(len(np.unique(groups[truth == number])) for number in range(classes)) < FOLDS:
        return None
    probabilities = np.zeros((len(truth), classes))
    folds = StratifiedGroupKFold(n_splits=FOLDS, shuffle=True, random_state=seed)
    for training, held_out in folds.split(features, truth, groups):
        classifier = LogisticRegression(C=0.01, max_iter=500)
        model: Pipeline = make_pipeline(StandardScaler(), *reduce(len(training)), classifier)
        model.fit(features[training].astype(np.float64), truth[training])
        chances = model.predict_proba(features[held_out].astype(np.float64))
        probabilities[np.ix_(held_out, classifier.classes_)] = chances
    return probabilities
