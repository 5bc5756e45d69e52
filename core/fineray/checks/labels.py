"""What the features of a frozen backbone say of labels and images: contradictions and strangers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fineray.checks.check_result import CheckResult
from fineray.checks.out_of_fold import out_of_fold
from fineray.project.catalogue import LabelledImage

COMPONENTS, NEIGHBOURS = 30, 10
FAR = 6.0  # robust deviations from the usual distance


def outliers(images: Sequence[LabelledImage], features: NDArray[np.float32]) -> CheckResult:
    """Images far from all others in feature space, by the mean distance to their ten nearest."""
    if len(images) < 3 * NEIGHBOURS:
        title = "Too few images to say which are unlike the rest."
        return CheckResult("outliers", "fine", title, f"{len(images)} images", done=False)
    reduced = make_pipeline(
        StandardScaler(), PCA(min(COMPONENTS, len(images) - 1, features.shape[1]), random_state=0)
    ).fit_transform(features.astype(np.float64))
    distances, _ = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(reduced).kneighbors(reduced)
    mean = np.log(distances[:, 1:].mean(axis=1) + 1e-12)
    middle = np.median(mean)
    spread = 1.4826 * np.median(np.abs(mean - middle))
    far = (mean - middle) / max(float(spread), 1e-9)
    order = np.argsort(-far)
    found = tuple(images[row].id for row in order if far[row] > FAR)
    if not found:
        return CheckResult("outliers", "fine", "No image is unlike the rest.", f"distances of {len(images):,} images")
    return CheckResult(
        "outliers",
        "look",
        f"{len(found):,} image{'s are' if len(found) > 1 else ' is'} unlike the rest: another view, part or artefact?",
        f"more than {FAR:.0f} robust deviations from the others in the backbone's features",
        found,
        leave_out=True,
    )


def contradicted_labels(
    images: Sequence[LabelledImage], features: NDArray[np.float32], groups: NDArray[np.int64], seed: int = 0
) -> CheckResult:
    """Labels that confident learning (Northcutt 2021, cleanlab) doubts, the most doubtful first.

    Probabilities are out of sample, in folds by group.
    """
    _, truth = np.unique([image.label for image in images], return_inverse=True)
    width = features.shape[1]
    probabilities = out_of_fold(
        features, truth, groups, seed, lambda rows: [PCA(min(100, rows - 1, width), random_state=0)]
    )
    if probabilities is None:
        title = "Too few patients a class to doubt a label."
        return CheckResult("labels", "fine", title, f"{len(images)} images", done=False)
    doubtful = find_label_issues(truth, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    found = tuple(images[row].id for row in doubtful.tolist())
    if not found:
        return CheckResult("labels", "fine", "No label contradicts the images.", f"{len(images):,} images")
    return CheckResult(
        "labels",
        "look",
        f"{len(found):,} labels contradict what the images look like: read these images again.",
        f"{len(found) / len(images):.0%} of the labels, by confident learning on features of the frozen backbone",
        found,
    )
