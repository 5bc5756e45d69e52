"""The confusion matrix: the one place where it is counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def confusion(true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Images by class, [true, predicted]; true, predicted: class numbers below `classes`, [n]."""
    if classes < 1:
        raise ValueError("a confusion matrix of no class")
    cells = np.bincount(true * classes + predicted, minlength=classes**2)
    if len(cells) > classes**2:
        raise ValueError("a class number beyond the classes")
    return cells.reshape(classes, classes).astype(np.int64)


def against_rest(cells: NDArray[np.int64], number: int) -> tuple[int, int, int, int]:
    """(TN, FP, FN, TP) of one class against the others, from the matrix of all classes."""
    hits = int(cells[number, number])
    missed, alarms = int(cells[number].sum()) - hits, int(cells[:, number].sum()) - hits
    return int(cells.sum()) - hits - missed - alarms, alarms, missed, hits
