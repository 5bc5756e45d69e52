"""Whether new images are of the kind that a run learned from: attributes, features and scores beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, kstwobign, random_table

from fineray.evaluation.intervals import wilson
from fineray.prediction.likeness import HUNDREDTHS
from fineray.prediction.results import (
    Drift,
    DriftLine,
    Scored,
    Share,
)
from fineray.prediction.training_set import TrainingSet, attribute_counts, title_of
from fineray.project.attributes import NOT_STATED
from fineray.project.project import Project

FEWEST = 10  # images, below which nothing is tested
LEVEL = 0.01  # over all comparisons together (Bonferroni)
NOTICEABLE = 0.1  # of the size of a difference, 0..1: smaller ones are of no account, however sure
MOST_VALUES = 8
FEW_EXPECTED, DRAWN = 5, 19_999
FEATURES, SCORE = "Distance of features", "Probability of "


def drift_of(
    scratch: Project, images: Sequence[int], known: TrainingSet, classes: Sequence[str], rows: Sequence[Scored]
) -> Drift | None:
    """New images beside the training set, None with fewer than ten. Attributes by a chi-squared test with half the
    summed difference of shares as its size, distances and scores by Kolmogorov and Smirnov's test with its D. Images
    count as independent, so several of one patient make differences look surer than they are."""
    if len(images) < FEWEST:
        return None
    lines: list[DriftLine] = []
    for name, counts in attribute_counts(scratch, images).items():
        if set(counts) | set(known.attributes[name]) != {NOT_STATED}:
            lines.append(_of_attribute(title_of(scratch, name), known.attributes[name], counts))
    away = np.array([row.distance for row in rows if row.distance is not None])
    if known.likeness is not None and len(away):
        lines.append(_of_numbers(FEATURES, known.likeness.usual, away, known.images))
    chances = np.array([row.probabilities for row in rows])
    for number, name in enumerate(classes):
        if len(classes) != 2 or number == 1:
            lines.append(_of_numbers(f"{SCORE}{name}", known.scores[:, number], chances[:, number], known.images))
    bar = LEVEL / len(lines)
    judged = tuple(replace(each, differs=each.p < bar and each.size >= NOTICEABLE) for each in lines)
    return Drift(len(images), known.images, judged)


def _of_attribute(title: str, before: dict[str, int], now: dict[str, int]) -> DriftLine:
    values = sorted({*before, *now}, key=lambda value: -before.get(value, 0) - now.get(value, 0))
    table = np.array([[counts.get(value, 0) for value in values] for counts in (before, now)], dtype=float)
    shares = table / table.sum(axis=1, keepdims=True)
    told = tuple(
        Share(value, float(shares[0, n]), float(shares[1, n]), *wilson(float(shares[1, n]), float(table[1].sum())))
        for n, value in enumerate(values[:MOST_VALUES])
    )
    return DriftLine(title, "attribute", float(np.abs(shares[0] - shares[1]).sum() / 2), _chance(table), False, told)


def _chance(table: NDArray[np.float64]) -> float:
    """p of a chi-squared test; where some expected counts are under 5, by tables drawn with the same margins."""
    if table.shape[1] < 2:
        return 1.0
    found = chi2_contingency(table, correction=False)
    if found.expected_freq.min() >= FEW_EXPECTED:
        return float(found.pvalue)
    drawn = random_table(table.sum(axis=1), table.sum(axis=0)).rvs(DRAWN, random_state=0)
    statistics = ((drawn - found.expected_freq) ** 2 / found.expected_freq).sum(axis=(1, 2))
    return float((1 + (statistics >= found.statistic - 1e-9).sum()) / (1 + DRAWN))


def _of_numbers(title: str, hundredths: NDArray[np.float64], now: NDArray[np.float64], before: int) -> DriftLine:
    """Against a distribution that is known by its hundredths."""
    ordered = np.sort(now)
    usual = np.interp(ordered, np.maximum.accumulate(hundredths), HUNDREDTHS, left=0.0, right=1.0)
    own = np.arange(len(ordered) + 1) / len(ordered)
    size = float(max((own[1:] - usual).max(), (usual - own[:-1]).max()))
    effective = len(now) * before / (len(now) + before)
    edges = np.quantile(hundredths, [0.1, 0.5, 0.9])
    names = ("lowest tenth", "up to the median", "above the median", "highest tenth")
    shares, usual_shares = np.bincount(np.digitize(now, edges), minlength=4), (0.1, 0.4, 0.4, 0.1)
    told = tuple(
        Share(name, was, float(count / len(now)), *wilson(float(count / len(now)), len(now)))
        for name, was, count in zip(names, usual_shares, shares, strict=True)
    )
    return DriftLine(title, "numbers", size, float(kstwobign.sf(size * np.sqrt(effective))), False, told)
