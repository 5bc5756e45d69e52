"""Whether something other than the anatomy gives the label away: attributes of the files, borders of the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, kruskal
from sklearn.preprocessing import OneHotEncoder

from fineray.checks.check_result import CheckResult
from fineray.checks.out_of_fold import out_of_fold
from fineray.evaluation.intervals import Estimate
from fineray.evaluation.roc_area import auc
from fineray.evaluation.wording import with_interval
from fineray.project.attributes import CATEGORIES, NUMBERS, raw_values
from fineray.project.catalogue import LabelledImage
from fineray.project.project import Project

FAMILY_ERROR = 0.01  # chance of one false alarm over all attributes tried
WEAK_EFFECT = 0.1  # Cramér's V below which an association is not worth a line, whatever its p
RESAMPLES = 2000


@dataclass(frozen=True)
class Association:
    """How strongly an attribute and the label go together. effect: Cramér's V, or epsilon for numbers, 0..1."""

    title: str
    effect: float
    p: float
    shares: str


def associations(
    project: Project, images: Sequence[LabelledImage], seed: int = 0, check: Callable[[], None] = lambda: None
) -> list[Association]:
    """Every attribute that varies, the strongest first; one image a patient, so that the tests' assumption holds.

    Categories: chi-squared, by permutation where cells are small, effect Cramér's V with Bergsma's (2013)
    correction; numbers: Kruskal-Wallis, effect the square root of epsilon squared.
    """
    once = {image.patient_id: image for image in reversed(images)}
    chosen = list(once.values())
    labels = np.array([image.label for image in chosen])
    attributes = _attributes_of(project, chosen)
    found = []
    for column, title in (*CATEGORIES.items(), *NUMBERS.items()):
        check()
        values = attributes[column]
        if column in NUMBERS:
            association = _of_number(title, values, labels)
        else:
            association = _of_category(title, [str(value or "not stated") for value in values], labels, seed)
        if association is not None:
            found.append(association)
    return sorted(found, key=lambda each: -each.effect)


def association_findings(found: Sequence[Association]) -> list[CheckResult]:
    """A finding for each association that survives Holm's correction over all tried, or one that none does."""
    order = sorted(found, key=lambda each: each.p)
    surviving: list[Association] = []
    for place, each in enumerate(order):
        if each.p * (len(order) - place) > FAMILY_ERROR:
            break
        if each.effect >= WEAK_EFFECT:
            surviving.append(each)
    tried = f"{len(order)} attributes tried, Holm's correction"
    if not surviving:
        title = "No attribute of the files goes together with the label."
        return [CheckResult("attributes", "fine", title, tried, done=bool(order))]
    return [
        CheckResult(
            "attributes",
            "serious" if each.effect >= 0.3 else "look",
            f"{each.title} goes together with the label: a model may learn it instead of the finding.",
            f"{each.shares}; effect {each.effect:.2f} of 1, p {_p(each.p * len(order))}, {tried}",
        )
        for each in sorted(surviving, key=lambda each: -each.effect)
    ]


def attributes_alone(
    project: Project, images: Sequence[LabelledImage], groups: NDArray[np.int64], seed: int = 0
) -> CheckResult | None:
    """How well a classifier tells the label from the attributes alone, in folds by group."""
    attributes = _attributes_of(project, images)
    categories = np.array([[str(value or "") for value in attributes[column]] for column in CATEGORIES]).T
    numbers = np.array(
        [[np.nan if value is None else float(value) for value in attributes[column]] for column in NUMBERS]
    ).T
    encoded = OneHotEncoder(sparse_output=False, min_frequency=5).fit_transform(categories)
    missing = np.isnan(numbers)
    typical = np.where(missing.all(axis=0), 0.0, np.nanmedian(np.where(missing.all(axis=0), 0.0, numbers), axis=0))
    features = np.hstack([encoded, np.where(missing, typical, numbers), missing])
    varying = features[:, features.std(axis=0) > 0]
    if varying.shape[1] == 0:
        return None
    return _alone("attributes alone", "the attributes of the files alone", varying, images, groups, seed)


def _attributes_of(project: Project, images: Sequence[LabelledImage]) -> dict[str, list[Any]]:
    """The values of every attribute that is looked at, by column, in the order of the images."""
    columns = [*CATEGORIES, *NUMBERS]
    rows = raw_values(project, columns)
    return {column: [rows[image.id][number] for image in images] for number, column in enumerate(columns)}


def borders_alone(
    borders: NDArray[np.float64], images: Sequence[LabelledImage], groups: NDArray[np.int64], seed: int = 0
) -> CheckResult | None:
    """How well a classifier tells the label from the borders [images, shades] alone, where no finding lies."""
    return _alone("borders alone", "the borders of the images alone", borders, images, groups, seed)


def _alone(
    name: str,
    what: str,
    features: NDArray[np.float64],
    images: Sequence[LabelledImage],
    groups: NDArray[np.int64],
    seed: int,
) -> CheckResult | None:
    classes, truth = np.unique([image.label for image in images], return_inverse=True)
    probabilities = out_of_fold(features, truth, groups, seed)
    if probabilities is None:
        return None
    areas = [auc(probabilities[:, number], truth == number, groups) for number in range(len(classes))]
    best = max(areas, key=lambda area: area.low or 0.0)
    return _alone_in_words(name, what, best, str(classes[areas.index(best)]) if len(classes) > 2 else "")


def _alone_in_words(name: str, what: str, area: Estimate, label: str) -> CheckResult | None:
    if area.value is None or area.low is None or area.high is None:
        return None
    figure = f"AUC {with_interval(area, 2)}, five folds by patient; chance is 0.50"
    figure += f"; class {label} against the rest" if label else ""
    if area.low <= 0.5:
        return CheckResult(name, "fine", f"From {what} the label cannot be told.", figure)
    strong = area.low > 0.65
    sentence = f"From {what} the label can be told better than by chance: a model may rely on them."
    return CheckResult(name, "serious" if strong else "look", sentence, figure)


def _of_category(title: str, values: list[str], labels: NDArray[np.str_], seed: int) -> Association | None:
    kinds, codes = np.unique(np.array(values), return_inverse=True)
    classes, truth = np.unique(labels, return_inverse=True)
    if len(kinds) < 2 or len(classes) < 2 or len(kinds) > len(values) / 2:
        return None
    table = _crossed(codes, truth, len(kinds), len(classes))
    statistic, p, _, expected = chi2_contingency(table, correction=False)
    if expected.min() < 5:
        random = np.random.default_rng(seed)
        beaten = sum(
            chi2_contingency(_crossed(codes, random.permutation(truth), *table.shape), correction=False)[0]
            >= statistic - 1e-9
            for _ in range(RESAMPLES)
        )
        p = (beaten + 1) / (RESAMPLES + 1)
    n = table.sum()
    rows, columns = table.shape
    phi = max(0.0, statistic / n - (rows - 1) * (columns - 1) / (n - 1))
    narrow = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    effect = float(np.sqrt(phi / narrow)) if narrow > 0 else 0.0
    return Association(title, min(effect, 1.0), float(p), _shares(kinds, classes, table))


def _of_number(title: str, values: list[float | None], labels: NDArray[np.str_]) -> Association | None:
    stated = np.array([value is not None for value in values])
    numbers = np.array([value for value in values if value is not None], dtype=float)
    parts = [(name, numbers[labels[stated] == name]) for name in np.unique(labels)]
    parts = [(name, part) for name, part in parts if len(part) >= 5]
    if len(parts) < 2 or len(np.unique(numbers)) < 2:
        return None
    statistic, p = kruskal(*(part for _, part in parts))
    effect = float(np.sqrt(max(0.0, statistic) / (sum(len(part) for _, part in parts) - 1)))
    medians = ", ".join(f"{name} {np.median(part):.4g}" for name, part in parts)
    return Association(title, min(effect, 1.0), float(p), f"Medians: {medians}")


def _crossed(codes: NDArray[np.int64], truth: NDArray[np.int64], rows: int, columns: int) -> NDArray[np.int64]:
    table = np.zeros((rows, columns), dtype=np.int64)
    np.add.at(table, (codes, truth), 1)
    return table


def _shares(kinds: NDArray[np.str_], classes: NDArray[np.str_], table: NDArray[np.int64]) -> str:
    """The value whose share differs most between classes, in each class."""
    shares = table / np.maximum(table.sum(axis=0, keepdims=True), 1)
    kind = int(np.argmax(shares.max(axis=1) - shares.min(axis=1)))
    name = kinds[kind] if len(kinds[kind]) < 24 else f"one value ({kinds[kind][:6]}…)"
    return f"{name} in " + ", ".join(
        f"{share:.0%} of {label}" for share, label in zip(shares[kind], classes, strict=True)
    )


def _p(p: float) -> str:
    bounded = min(p, 1.0)
    return "< 0.0001" if bounded < 1e-4 else f"= {bounded:.2g}"
