"""The loss: cross-entropy or focal, over exclusive classes or over findings that may stand side by side."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.training.recipe import LossSettings

Floats = NDArray[np.float64]


def total_loss(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, settings: LossSettings, multilabel: bool
) -> torch.Tensor:
    """Weighted sum of the losses of a batch; divide it by the sum of weights for a mean.

    logits, targets, weights: [images, classes]; a weight of 0 leaves an element out. multilabel: classes
    are findings that may stand side by side (sigmoid), else one excludes the others (softmax).
    """
    if multilabel:
        targets = targets * (1 - settings.smoothing) + settings.smoothing / 2
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        if settings.kind == "focal":
            chance = torch.sigmoid(logits)
            wrong = targets * (1 - chance) + (1 - targets) * chance
            losses = losses * wrong**settings.gamma
    else:
        targets = targets * (1 - settings.smoothing) + settings.smoothing / targets.shape[1]
        log_chances = torch.log_softmax(logits, dim=1)
        losses = -targets * log_chances
        if settings.kind == "focal":
            losses = losses * (1 - log_chances.exp()).clamp_min(1e-12) ** settings.gamma
    return (losses * weights).sum()


def element_weights(targets: Floats, settings: LossSettings, multilabel: bool) -> Floats:
    """[images, classes] weights: 0 where a target is not known (NaN), balanced between classes where wished.

    With exclusive classes an image's weight is the same in every column, and the weights of an unbalanced set are 1
    divided by nothing: their sum is the number of images. With findings the mean over findings counts.
    """
    known = ~np.isnan(targets)
    weights = known.astype(np.float64)
    sure = np.where(known, targets, 0.0)
    if multilabel:
        if settings.balance != "none":
            total = known.sum(axis=0)
            positive = sure.sum(axis=0)
            per = total / (2 * np.maximum(positive, 1)), total / (2 * np.maximum(total - positive, 1))
            weights *= np.where(sure >= 0.5, per[0], per[1])
        return np.asarray(weights / targets.shape[1])
    if settings.balance != "none":
        per_class = len(targets) / (targets.shape[1] * np.maximum(sure.sum(axis=0), 1))
        weights *= (sure * per_class).sum(axis=1, keepdims=True)
    return weights


def images_weigh(weights: Floats, multilabel: bool) -> Floats:
    """[images]: the weight of each image in a mean."""
    return np.asarray(weights.sum(axis=1) if multilabel else weights[:, 0])
