"""Figures in words, the same wherever they are written."""

from __future__ import annotations

from dataclasses import fields

from fineray.evaluation.binary_metrics import BinaryMetrics
from fineray.evaluation.calibration import Calibration
from fineray.evaluation.evaluation import OVERALL
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.wording import METRICS, chance, interval, number, with_interval


def test_every_estimate_has_a_name_and_a_meaning() -> None:
    estimates = {each.name for kind in (BinaryMetrics, Calibration) for each in fields(kind) if each.type == "Estimate"}
    assert estimates | set(OVERALL) <= set(METRICS)
    assert all(each.title and each.meaning and each.short for each in METRICS.values())
    assert len({each.title for each in METRICS.values()}) == len(METRICS), "no two figures under one name"


def test_numbers_intervals_and_what_is_not_defined() -> None:
    whole, alone, nothing = (Estimate(*each, 9, "") for each in ((0.81234, 0.7, 0.9), (1.0, None, None), (None,) * 3))
    assert (
        with_interval(whole) == "0.812 (95 % 0.700 to 0.900)" and with_interval(whole, 2) == "0.81 (95 % 0.70 to 0.90)"
    )
    assert with_interval(alone) == "1.000" and interval(alone) == "not defined"
    assert with_interval(nothing) == number(None) == "not defined"
    assert chance(0.0004) == "p < 0.001" and chance(0.0416) == "p = 0.042" and chance(None) == "not defined"
