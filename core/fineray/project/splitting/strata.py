"""What a split spreads evenly: the class of each image, or, with several findings, its rarest one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fineray.label_values import NO_FINDING, findings_of
from fineray.project.catalogue import LabelledImage
from fineray.project.label_sets import LabelSet


def strata_of_labels(labels: Sequence[str], chosen: LabelSet) -> NDArray[np.str_]:
    """One stratum a label. With several findings it is the rarest that is certain, so that the rare ones are spread."""
    if chosen.kind == "single":
        return np.array(labels)
    certain = [[name for name, sure in findings_of(label).items() if sure] for label in labels]
    often = Counter(name for names in certain for name in names)
    return np.array([min(names, key=lambda name: (often[name], name)) if names else NO_FINDING for names in certain])


def groups_of_classes(
    images: Sequence[LabelledImage], groups: NDArray[np.int64], chosen: LabelSet
) -> dict[str, set[int]]:
    """The groups that hold an image of each class (or each certain finding), by class name in order."""
    members: dict[str, set[int]] = defaultdict(set)
    for image, group in zip(images, groups.tolist(), strict=True):
        if chosen.kind == "single":
            members[image.label].add(group)
        else:
            for name, sure in findings_of(image.label).items():
                if sure:
                    members[name].add(group)
    return dict(sorted(members.items()))
