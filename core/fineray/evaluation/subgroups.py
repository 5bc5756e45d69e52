"""How good for whom: the figures of each subgroup, and whether they differ by more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fineray.evaluation.comparison import holm
from fineray.evaluation.intervals import Estimate, proportion
from fineray.evaluation.one_vs_rest import OneVsRest
from fineray.evaluation.roc_area import auc, influence

FEWEST_EVENTS = 10  # on either side, below which a subgroup's figures are shown greyed and are not tested


@dataclass(frozen=True)
class Subgroup:
    """Images of one value of an attribute. small: too few on either side for its figures to say much."""

    value: str
    images: int
    patients: int
    positives: int
    auc: Estimate
    sensitivity: Estimate
    specificity: Estimate
    small: bool


@dataclass(frozen=True)
class AttributeSubgroups:
    """An attribute's subgroups. p: of no difference between the AUCs of those not small (Wald's test over patients);
    p_holm: the same, corrected for all attributes that were looked at; None where under two can be compared."""

    attribute: str
    title: str
    subgroups: tuple[Subgroup, ...]
    p: float | None
    p_holm: float | None


def subgroups(
    asked: OneVsRest,
    predicted: NDArray[np.bool_],
    values: Mapping[str, tuple[str, Sequence[str]]],
) -> tuple[AttributeSubgroups, ...]:
    """values: attribute -> (its title, the value of each image [n]). Attributes with a single value are left out."""
    found = []
    for attribute, (title, of_image) in values.items():
        array = np.array(of_image, dtype=str)
        names = sorted(np.unique(array).tolist(), key=_by_number)
        if len(names) > 1:
            groups = tuple(_subgroup(asked, predicted, array == name, name) for name in names)
            large = [array == group.value for group in groups if not group.small]
            found.append(AttributeSubgroups(attribute, title, groups, _difference(asked, large), None))
    tested = [each.p for each in found if each.p is not None]
    corrected = iter(holm(tested))
    return tuple(each if each.p is None else replace(each, p_holm=next(corrected)) for each in found)


def _subgroup(asked: OneVsRest, predicted: NDArray[np.bool_], rows: NDArray[np.bool_], name: str) -> Subgroup:
    part = asked.only(rows)
    positives = int(part.positive.sum())
    return Subgroup(
        value=name,
        images=len(part.scores),
        patients=len(np.unique(part.patients)),
        positives=positives,
        auc=auc(part.scores, part.positive, part.patients),
        sensitivity=proportion(predicted[rows][part.positive], part.patients[part.positive]),
        specificity=proportion(~predicted[rows][~part.positive], part.patients[~part.positive]),
        small=min(positives, len(part.scores) - positives) < FEWEST_EVENTS,
    )


def _difference(asked: OneVsRest, groups: Sequence[NDArray[np.bool_]]) -> float | None:
    """p of equal areas; a patient with images in several groups ties their areas together."""
    if len(groups) < 2:
        return None
    patients = int(asked.patients.max()) + 1
    areas, effects = [], np.zeros((len(groups), patients))
    for number, rows in enumerate(groups):
        part = asked.only(rows)
        area, of_patient = influence(part.scores, part.positive, part.patients)
        areas.append(area)
        effects[number, : len(of_patient)] = of_patient
    contrast = np.diff(np.eye(len(groups)), axis=0)
    covariance = contrast @ (effects @ effects.T) @ contrast.T
    gap = contrast @ np.array(areas)
    if np.linalg.matrix_rank(covariance) < len(gap):
        return None  # areas without variance cannot be compared
    from scipy.special import chdtrc

    return float(chdtrc(len(gap), gap @ np.linalg.solve(covariance, gap)))


def _by_number(name: str) -> tuple[float, str]:
    """Bands of age and numbered sites in their order, words after them."""
    digits = "".join(each if each.isdigit() else " " for each in name).split()
    return (float(digits[0]) if digits else float("inf"), name)
