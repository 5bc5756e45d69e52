"""Two readers' labels side by side: Cohen's kappa and where they disagree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fineray.errors import FinerayError
from fineray.evaluation.bootstrap import patient_weights, percentile_interval, weighted_confusion
from fineray.evaluation.intervals import BOOTSTRAP, Estimate, Z
from fineray.project.catalogue import patients_of
from fineray.project.label_sets import label_set, values_of
from fineray.project.project import Project

FLEISS = "Fleiss, Cohen and Everitt, by image"
RESAMPLES = 2000


class NothingInCommon(FinerayError):
    """No image carries a label of both readers."""


@dataclass(frozen=True)
class Agreement:
    """classes: of both readers together, `uncertain` included; table: images, rows the first reader, columns the
    second; disagreements: ids of the images on which they differ; only_first, only_second: images that one labelled."""

    first: str
    second: str
    classes: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    kappa: Estimate
    agreed: float
    disagreements: tuple[int, ...]
    only_first: int
    only_second: int


def agreement(project: Project, first: str, second: str, seed: int = 0) -> Agreement:
    """Compare two label sets over the images that carry a label in both. Raises NothingInCommon, LabelSetUnusable."""
    one, two = (values_of(project, label_set(project, name)) for name in (first, second))
    both = sorted(set(one) & set(two))
    if not both:
        raise NothingInCommon(
            f"No image carries a label in both “{first}” and “{second}”",
            todo="Label some images in both sets, or choose others.",
        )
    classes = tuple(sorted({one[image] for image in both} | {two[image] for image in both}))
    number = {name: index for index, name in enumerate(classes)}
    a = np.array([number[one[image]] for image in both], dtype=np.int64)
    b = np.array([number[two[image]] for image in both], dtype=np.int64)
    patient_of = patients_of(project)
    patients = np.array([patient_of[image] for image in both], dtype=np.int64)
    table = table_of(a, b, len(classes))
    kappa = kappa_by_patient(table, a, b, patients, seed)
    return Agreement(
        first,
        second,
        classes,
        tuple(map(tuple, table.tolist())),
        kappa,
        float((a == b).mean()),
        tuple(image for image in both if one[image] != two[image]),
        len(one) - len(both),
        len(two) - len(both),
    )


def kappa_of_table(table: NDArray[np.int64]) -> Estimate:
    """Cohen's kappa of counts [classes, classes] with the large-sample interval of Fleiss, Cohen and Everitt (1969).

    None where both readers always gave one class: agreement by chance is then complete.
    """
    n = int(table.sum())
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, chance = float(np.trace(p)), float(rows @ columns)
    if chance >= 1:
        return Estimate(None, None, None, n, FLEISS)
    kappa = (observed - chance) / (1 - chance)
    diagonal = np.diagonal(p)
    on = float((diagonal * (1 - (rows + columns) * (1 - kappa)) ** 2).sum())
    crossed = p * (columns[:, None] + rows[None, :]) ** 2
    off = (1 - kappa) ** 2 * float(crossed.sum() - np.trace(crossed))
    variance = (on + off - (kappa - chance * (1 - kappa)) ** 2) / ((1 - chance) ** 2 * n)
    half = Z * math.sqrt(max(variance, 0.0))
    return Estimate(kappa, max(-1.0, kappa - half), min(1.0, kappa + half), n, FLEISS)


def table_of(first: ArrayLike, second: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Counts [classes, classes] of class numbers [n], rows the first reader."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (np.asarray(first), np.asarray(second)), 1)
    return table


def kappa_by_patient(
    table: NDArray[np.int64], first: ArrayLike, second: ArrayLike, patients: ArrayLike, seed: int = 0
) -> Estimate:
    """Cohen's kappa; where patients have several images, with an interval by a bootstrap over patients."""
    plain = kappa_of_table(table)
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    _, member = np.unique(np.asarray(patients), return_inverse=True)
    if plain.value is None or int(member.max()) + 1 == len(a):
        return plain
    blocks = []
    for weights in patient_weights(a, member, RESAMPLES, seed):
        p = weighted_confusion(weights, a, b, len(table)) / weights.sum(axis=1)[:, None, None]
        chance = (p.sum(axis=1) * p.sum(axis=2)).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            blocks.append((np.trace(p, axis1=1, axis2=2) - chance) / (1 - chance))
    return Estimate(plain.value, *percentile_interval(np.concatenate(blocks)), plain.n, BOOTSTRAP)
