"""What must not be torn apart by a split: patients, studies, and pictures that are there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fineray.project.catalogue import LabelledImage
from fineray.project.project import Project
from fineray.project.splitting.near_duplicates import NearDuplicate, near_duplicates


@dataclass(frozen=True)
class Grouping:
    """groups: a number for each image, by first appearance; joined_studies: studies that hold several patients;
    copies: all near duplicates; joined_copies: those between different patients."""

    groups: NDArray[np.int64]
    joined_studies: int
    copies: tuple[NearDuplicate, ...]
    joined_copies: tuple[NearDuplicate, ...]


def group_images(
    project: Project, images: Sequence[LabelledImage], check: Callable[[], None] = lambda: None
) -> Grouping:
    """Groups are the connected components over patient, study and near duplicate (union of all three)."""
    study_of = dict(project.db.execute("SELECT id, study_hash FROM image"))
    patient_of = {image.id: image.patient_id for image in images}
    row_of = {image.id: row for row, image in enumerate(images)}
    edges: list[tuple[int, int]] = []
    by_key: dict[tuple[str, object], list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        by_key["patient", image.patient_id].append(row)
        if study_of[image.id]:
            by_key["study", study_of[image.id]].append(row)
    edges += [(rows[0], row) for rows in by_key.values() for row in rows[1:]]
    patients_of_study: dict[str, set[int]] = defaultdict(set)
    for image in images:
        if study_of[image.id]:
            patients_of_study[study_of[image.id]].add(image.patient_id)
    copies = near_duplicates(project, images, check)
    edges += [(row_of[pair.first], row_of[pair.second]) for pair in copies]
    return Grouping(
        _components(len(images), edges),
        sum(len(patients) > 1 for patients in patients_of_study.values()),
        tuple(copies),
        tuple(pair for pair in copies if patient_of[pair.first] != patient_of[pair.second]),
    )


def _components(count: int, edges: list[tuple[int, int]]) -> NDArray[np.int64]:
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), dtype=bool), (ends[:, 0], ends[:, 1])), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(each, len(numbers)) for each in component.tolist()], dtype=np.int64)
