"""Predictions made of plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from fineray.evaluation.predictions import Predictions

Maker = Callable[..., Predictions]


@pytest.fixture
def predicted() -> Maker:
    """Two classes, `no` and `yes`, from truth and the probability of `yes`; one image a patient unless told."""

    def make(
        truth: Sequence[int], scores: Sequence[float], patients: Sequence[int] | None = None, parts: int = 1
    ) -> Predictions:
        n = len(truth)
        chance = np.asarray(scores, dtype=np.float64)
        return Predictions(
            classes=("no", "yes"),
            images=np.arange(1, n + 1),
            patients=tuple(f"P{each}" for each in (range(n) if patients is None else patients)),
            parts=tuple(str(1 + number % parts) for number in range(n)),
            true=np.asarray(truth, dtype=np.int64),
            probabilities=np.column_stack([1 - chance, chance]),
        )

    return make
