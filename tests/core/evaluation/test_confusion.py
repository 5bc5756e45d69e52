"""The confusion matrix, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from fineray.evaluation.confusion import against_rest, confusion


@given(st.integers(1, 14), st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=60))
def test_it_is_scikit_learns(classes: int, pairs: list[tuple[int, int]]) -> None:
    true, predicted = (np.array([pair[side] % classes for pair in pairs], dtype=np.int64) for side in (0, 1))
    cells = confusion(true, predicted, classes)
    assert cells.shape == (classes, classes) and cells.sum() == len(pairs)
    if pairs:
        np.testing.assert_array_equal(cells, confusion_matrix(true, predicted, labels=range(classes)))
    for number in range(classes):
        tn, fp, fn, tp = against_rest(cells, number)
        assert tp == ((true == number) & (predicted == number)).sum()
        assert fp == ((true != number) & (predicted == number)).sum()
        assert fn == ((true == number) & (predicted != number)).sum()
        assert tn == ((true != number) & (predicted != number)).sum()


def test_a_class_beyond_the_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="beyond the classes"):
        confusion(np.array([2]), np.array([2]), 2)
    with pytest.raises(ValueError, match="no class"):
        confusion(np.array([], dtype=np.int64), np.array([], dtype=np.int64), 0)
