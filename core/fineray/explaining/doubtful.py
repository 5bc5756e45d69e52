"""Labels that a run's out-of-sample predictions contradict: probable errors, to be read again."""

from __future__ import annotations

from cleanlab.filter import find_label_issues

from fineray.evaluation.predictions import Predictions
from fineray.explaining.results import DoubtfulLabel


def doubtful_labels(predictions: Predictions) -> tuple[DoubtfulLabel, ...]:
    """By confident learning (Northcutt 2021), the most doubtful first; none for findings that stand side by side."""
    if predictions.truth is not None or len(predictions.images) == 0:
        return ()
    rows = find_label_issues(
        predictions.true, predictions.probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    predicted = predictions.predicted
    return tuple(
        DoubtfulLabel(
            int(predictions.images[row]),
            predictions.classes[predictions.true[row]],
            predictions.classes[predicted[row]],
            float(predictions.probabilities[row, predictions.true[row]]),
        )
        for row in rows.tolist()
    )
