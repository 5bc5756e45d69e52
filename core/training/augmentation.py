"""Views of a film as another exposure might have shown it: MONAI transforms that fit X-rays."""

from __future__ import annotations

import numpy as np
from monai.transforms.compose import Compose
from monai.transforms.intensity.array import RandAdjustContrast, RandGaussianNoise
from monai.transforms.spatial.array import RandAffine, RandFlip
from numpy.typing import NDArray

ROTATION = 0.12  # radians, 7 degrees: a patient stands or lies askew
SCALE, SHIFT = 0.1, 0.045  # shares of the film: distance and centring
GAMMA, NOISE = (0.8, 1.25), 0.02  # exposure and processing


class Augmentation:
    """Small rotations, scales, shifts, contrasts and noise; mirrored only where asked, since laterality matters."""

    def __init__(self, side: int, seed: int, flip: bool) -> None:
        steps = [
            RandAffine(
                prob=1.0,
                rotate_range=ROTATION,
                scale_range=SCALE,
                translate_range=SHIFT * side,
                padding_mode="zeros",
                mode="bilinear",
            ),
            RandAdjustContrast(prob=0.5, gamma=GAMMA),
            RandGaussianNoise(prob=0.3, std=NOISE),
            *([RandFlip(prob=0.5, spatial_axis=1)] if flip else []),
        ]
        self._steps = Compose(steps)
        self._steps.set_random_state(seed)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Shades [side, side] -> shades [side, side], another view each time."""
        changed = np.asarray(self._steps(image[None].astype(np.float32) / 255))[0]
        shades: NDArray[np.uint8] = np.clip(np.round(changed * 255), 0, 255).astype(np.uint8)
        return shades
