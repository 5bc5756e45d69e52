"""The planner against published sizes and widths (Hanley and McNeil 1982; pROC; sampsizeval)."""

from __future__ import annotations

import pytest

from fineray.evaluation.planning import (
    area_needed,
    area_width,
    power_against_chance,
    share_needed,
    share_width,
    validation_size,
)
from fineray.evaluation.roc_area import hanley_mcneil_error


@pytest.mark.parametrize(
    ("hits", "n", "width"), [(27, 30, 0.2216), (45, 50, 0.1701), (90, 100, 0.1191), (180, 200, 0.0837)]
)
def test_widths_of_proportions(hits: int, n: int, width: float) -> None:
    assert share_width(hits / n, n) == pytest.approx(width, abs=5e-5)


def test_error_of_an_area_hanley_mcneil() -> None:
    assert hanley_mcneil_error(0.8931710615, 51, 58) == pytest.approx(0.0324865797, abs=1e-9)


def test_power_as_proc_gives_it() -> None:
    assert power_against_chance(0.73, 41, 72) == pytest.approx(0.9897453, abs=1e-6)
    assert power_against_chance(0.5, 41, 72) == pytest.approx(0.025, abs=0.01)
    assert power_against_chance(1.0, 5, 5) == 1.0


def test_size_of_a_validation_as_sampsizeval_gives_it() -> None:
    assert validation_size(0.75, 0.1, 0.025, 0.1, 0.1) == 1536


@pytest.mark.parametrize("width", [0.3, 0.1, 0.05])
def test_the_number_needed_is_the_fewest(width: float) -> None:
    n = share_needed(0.85, width)
    assert n is not None
    assert share_width(0.85, n) <= width < share_width(0.85, n - 1)
    m = area_needed(0.85, 0.25, width)
    assert m is not None
    assert area_width(0.85, round(m * 0.25), m - round(m * 0.25)) <= width


def test_beyond_reason_there_is_no_number() -> None:
    assert share_needed(0.5, 1e-5) is None
