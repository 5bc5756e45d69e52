"""The images of a split as rows: features, targets, groups, parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fineray.label_values import certainties, findings_of
from fineray.project.catalogue import LabelledImage
from fineray.project.label_sets import LabelSet
from fineray.project.splitting.make import inner_folds
from fineray.training.head.head import Floats
from fineray.training.head.selection import Examples
from fineray.training.recipe import LossSettings

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Data:
    """Rows of the same images.

    features: [views, images, n], None where nothing frozen is looked at; widths: features of each stage; targets:
    [images, classes] in 0..1, NaN where not known; learned: the targets that training sees; groups: patients, joined as
    in the split; true: class numbers, 0 where classes are findings; strata: what inner folds spread evenly, of the
    labels that training sees; multilabel: classes are findings that may stand side by side.
    """

    images: list[LabelledImage]
    classes: tuple[str, ...]
    features: NDArray[np.float32] | None
    widths: tuple[int, ...]
    targets: Floats
    learned: Floats
    true: NDArray[np.int64]
    strata: NDArray[np.int64]
    groups: NDArray[np.int64]
    parts: NDArray[np.str_]
    multilabel: bool

    def __post_init__(self) -> None:
        known = self.multilabel or (self.targets[np.arange(len(self.true)), self.true] == 1).all()
        assert known and len(self.true) == len(self.images), "class numbers are places in `classes`"

    def examples(self, rows: Rows) -> Examples:
        """Rows to fit a head to."""
        assert self.features is not None
        return Examples(
            self.features[:, rows], self.learned[rows], self.groups[rows], self.strata[rows], self.multilabel
        )

    def inner_folds(self, rows: Rows, folds: int, seed: int) -> list[tuple[Rows, Rows]]:
        """(rows to learn from, rows of other patients) inside `rows`; none where a class has too few patients."""
        numbers = np.flatnonzero(rows)
        found = []
        for learn, aside in inner_folds(self.strata[numbers], self.groups[numbers], folds, seed):
            pair = np.zeros((2, len(rows)), dtype=bool)
            pair[0, numbers[learn]], pair[1, numbers[aside]] = True, True
            found.append((pair[0], pair[1]))
        return found

    def inner_folds_within(self, rows: Rows, folds: int) -> int:
        """How many folds inner_folds() finds, without making them; 0 where a class has too few patients."""
        strata, groups = self.strata[rows], self.groups[rows]
        fewest = min(len(np.unique(groups[strata == stratum])) for stratum in np.unique(strata))
        return min(folds, fewest) if fewest > 1 else 0

    def shuffled(self, seed: int) -> Data:
        """A control: training sees the labels in another order, judging does not."""
        order = np.random.default_rng(seed).permutation(len(self.images))
        return replace(self, learned=self.learned[order], strata=self.strata[order])


@dataclass(frozen=True)
class Targets:
    """What labels say. true: class numbers, 0 where classes are findings; judged, learned: [images, classes] in 0..1,
    NaN where not known: targets that judge, and those that are learned from."""

    classes: tuple[str, ...]
    true: NDArray[np.int64]
    judged: Floats
    learned: Floats


def targets_of(labels: list[str], label_set: LabelSet, loss: LossSettings) -> Targets:
    """Of these labels in a set.

    A doubtful finding judges nothing; it is learned from where the loss softens it.
    """
    if label_set.kind == "single":
        classes = tuple(sorted(set(labels)))
        number = {name: index for index, name in enumerate(classes)}
        true = np.array([number[label] for label in labels], dtype=np.int64)
        hot = np.eye(len(classes))[true]
        return Targets(classes, true, hot, hot)
    found = [findings_of(label) for label in labels]
    classes = tuple(name for name in sorted(label_set.classes) if any(each.get(name) for each in found))
    doubt = loss.certainty if loss.uncertain == "softened" else np.nan
    judged = np.array([certainties(label, classes) for label in labels])
    learned = np.array([certainties(label, classes, doubt) for label in labels])
    return Targets(classes, np.zeros(len(labels), dtype=np.int64), judged, learned)
