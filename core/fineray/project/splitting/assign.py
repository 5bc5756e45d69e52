"""Which part each image belongs to: by chance, by date, or by the value of an attribute; groups stay together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from fineray.errors import FinerayError
from fineray.project.attributes import DATE, NOT_STATED
from fineray.project.splits import (
    ASIDE,
    TEST,
    TRAINING,
    VALIDATION,
    SplitPlan,
)

MOST_FOLDS = 20
Groups = NDArray[np.int64]
Texts = NDArray[np.str_]
Attributes = Mapping[str, Texts]  # name -> the value of each image, for the attributes that a plan names


class CannotSplit(FinerayError):
    """The labelled images do not allow the split that was asked for."""


def divide(labels: Texts, groups: Groups, plan: SplitPlan, attributes: Attributes) -> tuple[list[str], int]:
    """(the part of each image, the number of folds); no group stands in two parts but for images set aside.

    Raises CannotSplit.
    """
    strata = strata_of(labels, [attributes[name] for name in plan.stratify])
    if plan.kind == "folds":
        if plan.by:
            return _fold_a_value(labels, groups, plan.by, attributes[plan.by])
        numbers = _fold_numbers(strata, groups, plan.folds, plan.seed)
        return [str(number + 1) for number in numbers], plan.folds
    parts = _test_apart(strata, groups, plan, attributes)
    rest = np.flatnonzero(parts == TRAINING)
    share = plan.validation_share if plan.test_values else plan.validation_share / (1 - plan.test_share)
    validation = _fold_numbers(strata[rest], groups[rest], round(1 / share), plan.seed) == 0
    parts[rest[validation]] = VALIDATION
    for part in (TRAINING, VALIDATION, TEST):
        _every_class(labels, parts == part, f"the {part} part")
    return [str(part) for part in parts], plan.folds


def rows_of_test_part(labels: Texts, groups: Groups, plan: SplitPlan, attributes: Attributes) -> NDArray[np.bool_]:
    """The rows that a plan's test part takes, whole groups. Raises CannotSplit."""
    parts = _test_apart(strata_of(labels, [attributes[name] for name in plan.stratify]), groups, plan, attributes)
    whole = np.isin(groups, groups[parts == TEST])
    _every_class(labels, whole, "the test set")
    _every_class(labels, ~whole, "what is left to learn from")
    return whole


def strata_of(labels: Texts, attributes: Sequence[Texts]) -> Texts:
    """What is spread evenly: the label, with the values of the attributes where the two are frequent enough."""
    strata = labels.tolist()
    for values in attributes:
        finer = [f"{stratum}\n{value}" for stratum, value in zip(strata, values.tolist(), strict=True)]
        often = Counter(finer)
        strata = [fine if often[fine] >= 5 else coarse for fine, coarse in zip(finer, strata, strict=True)]
    return np.array(strata)


def _test_apart(strata: Texts, groups: Groups, plan: SplitPlan, attributes: Attributes) -> NDArray[np.object_]:
    """TEST, TRAINING, or ASIDE for images of a training patient on the side of the test."""
    parts = np.full(len(strata), TRAINING, dtype=object)
    if plan.by == DATE:
        parts[_seen_last(attributes[DATE], groups, plan.test_share)] = TEST
    elif plan.by:
        values = attributes[plan.by]
        unknown = set(plan.test_values) - set(values.tolist())
        if not plan.test_values or unknown:
            raise CannotSplit(
                f"No image has the value “{min(unknown)}”" if unknown else "Nothing is chosen for the test part",
                todo=f"Choose among {', '.join(sorted(set(values.tolist()))[:12])}.",
            )
        there = np.isin(values, plan.test_values)
        straddling = np.intersect1d(groups[there], groups[~there])
        parts[there] = TEST
        parts[there & np.isin(groups, straddling)] = ASIDE
    else:
        parts[_fold_numbers(strata, groups, round(1 / plan.test_share), plan.seed) == 0] = TEST
    return parts


def _seen_last(dates: Texts, groups: Groups, share: float) -> NDArray[np.bool_]:
    """The share of images that belong to the groups whose first image is the latest; a day is never cut in two."""
    undated = int((dates == NOT_STATED).sum())
    if undated:
        raise CannotSplit(
            f"{undated:,} images do not state their date", todo="Leave them out, or split by something else."
        )
    first: dict[int, str] = {}
    for group, date in zip(groups.tolist(), dates.tolist(), strict=True):
        first[group] = min(first.get(group, date), date)
    seen = np.array([first[group] for group in groups.tolist()])
    days, counts = np.unique(seen, return_counts=True)
    later = np.cumsum(counts[::-1])[::-1]  # images from this day on
    cut = days[int(np.argmin(np.abs(later - share * len(dates))))]
    if cut == days[0]:
        raise CannotSplit("All patients were first seen on one day", todo="Split by something else.")
    return np.asarray(seen >= cut)


def _fold_a_value(labels: Texts, groups: Groups, name: str, values: Texts) -> tuple[list[str], int]:
    """A fold for each value; a group with several goes where most of its images are."""
    if name == DATE:
        raise CannotSplit("Dates make no folds", todo="Choose training, validation and test to split by date.")
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    for group, value in zip(groups.tolist(), values.tolist(), strict=True):
        votes[group][value] += 1
    of_group = {group: min(count, key=lambda value: (-count[value], value)) for group, count in votes.items()}
    chosen = np.array([of_group[group] for group in groups.tolist()])
    names = sorted(set(chosen.tolist()))
    if not 2 <= len(names) <= MOST_FOLDS:
        raise CannotSplit(
            f"The images have {len(names):,} value{'s' * (len(names) != 1)} of {name}; 2 to {MOST_FOLDS} make folds",
            todo="Split by something else.",
        )
    for value in names:
        _every_class(labels, chosen != value, f"what is left to learn from without {value}")
    return [str(names.index(value) + 1) for value in chosen.tolist()], len(names)


def _every_class(labels: NDArray[np.str_], rows: NDArray[np.bool_], where: str) -> None:
    missing = set(labels.tolist()) - set(labels[rows].tolist())
    if missing:
        raise CannotSplit(
            f"No image of class “{min(missing)}” falls into {where}",
            todo="Choose another seed or value, larger parts, or cross-validation in folds.",
        )


def _fold_numbers(strata: NDArray[np.str_], groups: Groups, folds: int, seed: int) -> NDArray[np.int64]:
    numbers = np.zeros(len(strata), dtype=np.int64)
    splitter = StratifiedGroupKFold(n_splits=max(folds, 2), shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(strata)), strata, groups)):
        numbers[held_out] = number
    return numbers
