"""Views of a film as another exposure might have shown it: MONAI transforms that fit X-rays."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from monai.transforms.compose import Compose
from monai.transforms.intensity.array import RandAdjustContrast, RandGaussianNoise
from monai.transforms.spatial.array import RandAffine, RandFlip, RandZoom
from numpy.typing import NDArray

from core.backbones.catalogue import backbone
from core.project.catalogue import labelled_images
from core.project.project import Project
from core.training.preprocessing import to_input
from core.training.recipe import AugmentSettings, Recipe
from core.training.results import ViewsShown


class Augmentation:
    """Small rotations, scales, shifts, crops, contrasts and noise; mirrored only where asked, since laterality matters.

    What is drawn depends on the key alone: the same film and key give the same view, in whatever order they come.
    """

    def __init__(self, side: int, settings: AugmentSettings) -> None:
        affine = RandAffine(
            prob=1.0,
            rotate_range=math.radians(settings.rotation),
            scale_range=settings.scale,
            translate_range=settings.shift * side,
            padding_mode="zeros",
            mode="bilinear",
        )
        steps: list[Callable[..., Any]] = [affine]
        if settings.crop:
            steps.append(RandZoom(prob=0.5, min_zoom=1.0, max_zoom=1 / (1 - settings.crop), mode="bilinear"))
        if settings.contrast:
            gamma = (1 / (1 + settings.contrast), 1 + settings.contrast)
            steps.append(RandAdjustContrast(prob=0.5, gamma=gamma))
        if settings.noise:
            steps.append(RandGaussianNoise(prob=0.3, std=settings.noise))
        if settings.flip:
            steps.append(RandFlip(prob=0.5, spatial_axis=1))
        self._steps = Compose(steps)

    def __call__(self, image: NDArray[np.uint8], *key: object) -> NDArray[np.uint8]:
        """Shades [side, side] -> shades [side, side]; another key, another view."""
        digest = hashlib.blake2b(repr(key).encode(), digest_size=4).digest()
        self._steps.set_random_state(int.from_bytes(digest))
        changed = np.asarray(self._steps(image[None].astype(np.float32) / 255))[0]
        shades: NDArray[np.uint8] = np.clip(np.round(changed * 255), 0, 255).astype(np.uint8)
        return shades


def show_views(project: Project, recipe: Recipe, films: int, views: int) -> ViewsShown:
    """Some of the labelled films with views of each, as the recipe augments them; spread over the study."""
    side = recipe.side or backbone(recipe.backbone).input_size
    augmentation = Augmentation(side, recipe.augment)
    images = labelled_images(project)
    rows = []
    for image in images[:: max(1, len(images) // films)][:films]:
        film = to_input(project.pixels.read(image.stored_at), side)
        looks = [augmentation(film, image.content_hash, recipe.seed, view) for view in range(1, views)]
        rows.append(tuple(look.tobytes() for look in (film, *looks)))
    return ViewsShown(side, tuple(rows))
