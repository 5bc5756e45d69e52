"""What the frozen backbone takes for alike: the nearest training images, and all images as a map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from fineray.errors import FinerayError
from fineray.explaining.results import FeatureMap, Neighbour
from fineray.progress import SILENT, Monitor, Progress
from fineray.project.catalogue import content_hashes, labelled_images, pseudonyms
from fineray.project.feature_store import kept_features
from fineray.project.project import Project
from fineray.project.runs import RunFolder, learned_from

NEAREST, MOST_POINTS, COMPONENTS = 8, 3000, 50


class NoFeatures(FinerayError):
    """The run has no features of its own to compare images by."""


def nearest(
    project: Project, folder: RunFolder, image: int, part: str, number: int = NEAREST, monitor: Monitor = SILENT
) -> tuple[Neighbour, ...]:
    """The training images most like an image, the nearest first. part: the fold (or part) in which the image was held
    out; none of its images is given, since the model that judged the image did not learn from them. Raises NoFeatures,
    Cancelled."""
    images, features = _features(project, folder, image)
    monitor.check()
    learned = learned_from(project, folder)
    own = images.index(image)
    alike = features @ features[own]
    patient = dict(zip(images, pseudonyms(project, images), strict=True))
    label_of = {each.id: each.label for each in labelled_images(project)}
    allowed = [
        row
        for row in np.argsort(-alike).tolist()
        if images[row] in learned and learned[images[row]] != part and patient[images[row]] != patient[image]
    ]
    return tuple(
        Neighbour(images[row], patient[images[row]], label_of.get(images[row], ""), float(alike[row]))
        for row in allowed[:number]
    )


def feature_map(project: Project, folder: RunFolder, seed: int = 0, monitor: Monitor = SILENT) -> FeatureMap:
    """Images as points by t-SNE (van der Maaten 2008) of their 50 first components; of more than 3,000, a sample drawn
    by chance. Distances between groups mean little. Raises NoFeatures, Cancelled."""
    images, features = _features(project, folder)
    random = np.random.default_rng(seed)
    rows = np.arange(len(images))
    if len(rows) > MOST_POINTS:
        rows = np.sort(random.choice(rows, MOST_POINTS, replace=False))
    monitor.report(Progress("Drawing the map", 0, 0, ""))
    monitor.check()
    reduced = PCA(min(COMPONENTS, len(rows) - 1, features.shape[1]), random_state=seed).fit_transform(features[rows])
    monitor.check()
    perplexity = min(30.0, max(2.0, (len(rows) - 1) / 4))
    points = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced)
    monitor.check()
    sample = f" of {len(rows):,} images drawn by chance" if len(rows) < len(images) else ""
    return FeatureMap(
        tuple(images[row] for row in rows.tolist()),
        points.astype(np.float32),
        f"t-SNE{sample}, perplexity {perplexity:.0f}; distances between groups mean little",
    )


def _features(project: Project, folder: RunFolder, also: int | None = None) -> tuple[list[int], NDArray[np.float64]]:
    """(ids of labelled images whose features are kept, the features with every stage weighing alike, length 1)."""
    network = folder.metrics().backbone
    if not network.feature_space:
        raise NoFeatures(
            "A network trained from random weights keeps no features to compare images by",
            todo="Choose a run with a pretrained backbone.",
        )
    content = {each.id: each.content_hash for each in labelled_images(project)}
    if also is not None and also not in content:
        content[also] = content_hashes(project)[also]
    widths = network.widths
    found = kept_features(project, network.feature_space, sum(widths), content)
    if len(found) < 4 or (also is not None and also not in found):
        raise NoFeatures(
            "The features of these images are not kept any more", todo="Train again; they are worked out anew."
        )
    features = np.array([found[image] for image in found], dtype=np.float64)
    features -= features.mean(axis=0)
    features /= np.where(features.std(axis=0) > 0, features.std(axis=0), 1.0)
    features /= np.repeat(np.sqrt(widths), widths)
    features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return list(found), features
