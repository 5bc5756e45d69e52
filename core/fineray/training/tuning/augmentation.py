"""Views of an image as another exposure might have shown it: small movements, contrasts and noise that fit X-rays.

Many views are made at once on whichever device the network is, since a GPU would starve on views made one by one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from fineray.backbones.catalogue import backbone
from fineray.backbones.runtime import on_device
from fineray.project.catalogue import labelled_images
from fineray.project.project import Project
from fineray.training.preprocessing import to_input
from fineray.training.recipe import AugmentSettings, Recipe
from fineray.training.results import ViewsShown

# Part of the key of every augmented view's features: change it whenever batch() gives other pixels.
AUGMENTATION = "one affine, gamma, noise; v2"
ZOOMED, CONTRASTED, NOISY, MIRRORED = 0.5, 0.5, 0.3, 0.5  # chances
Key = tuple[object, ...]


class Augmentation:
    """Small rotations, scales, shifts, crops, contrasts and noise; mirrored only where asked, since laterality matters.

    What is drawn depends on the key alone: the same image and key give the same view, in whatever order they come, in
    whichever batch. Another device may give a shade of a pixel one more or less.
    """

    def __init__(self, side: int, settings: AugmentSettings) -> None:
        self._side, self._settings = side, settings

    def __call__(self, image: NDArray[np.uint8], *key: object) -> NDArray[np.uint8]:
        """Shades [side, side] -> shades [side, side]; another key, another view."""
        found: NDArray[np.uint8] = self.batch(image[None], [key], torch.device("cpu"))[0].numpy()
        return found

    def batch(self, images: NDArray[np.uint8], keys: Sequence[Key | None], device: torch.device) -> torch.Tensor:
        """Shades uint8 [images, side, side] -> a view of each, the same in shape and kind, on the device; without a
        key the image itself."""
        given = on_device(np.ascontiguousarray(images), device)
        chosen = [row for row, key in enumerate(keys) if key is not None]
        if not chosen:
            return given
        drawn = _drawn([key for key in keys if key is not None])
        rows = torch.tensor(chosen, device=device)
        found = given.clone()
        found[rows] = self._changed(given[rows], drawn)
        return found

    def _changed(self, images: torch.Tensor, drawn: NDArray[np.float64]) -> torch.Tensor:
        settings, shades = self._settings, images.float()
        shades = _moved(shades, self._movements(drawn))
        if settings.contrast:
            gamma = 1 / (1 + settings.contrast) + drawn[:, 8] * (1 + settings.contrast - 1 / (1 + settings.contrast))
            shades = _contrasted(shades, np.where(drawn[:, 7] < CONTRASTED, gamma, 1.0))
        if settings.noise:
            noise = np.where(drawn[:, 9] < NOISY, settings.noise * drawn[:, 10] * 255, 0.0)
            shades = _with_noise(shades, noise, drawn[:, 12])
        return shades.round_().clamp_(0, 255).to(torch.uint8)

    def _movements(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """[images, 2, 3]: from a place in the view (x, y, 1), -1 to 1 over its sides, to the place in the image."""
        settings, even = self._settings, 2 * drawn - 1  # evenly in -1 to 1
        turn = math.radians(settings.rotation) * even[:, 0]
        zoomed = drawn[:, 5] < ZOOMED
        zoom = np.where(zoomed, 1 + drawn[:, 6] * (1 / (1 - settings.crop) - 1), 1.0)
        mirror = np.where((drawn[:, 11] < MIRRORED) & settings.flip, -1.0, 1.0)
        wide = (1 + settings.scale * even[:, 1]) * mirror / zoom
        high = (1 + settings.scale * even[:, 2]) / zoom
        right, down = 2 * settings.shift * even[:, 3], 2 * settings.shift * even[:, 4]
        cos, sin = np.cos(turn), np.sin(turn)
        x = np.stack([cos * wide, -sin * high, cos * right - sin * down], axis=1)
        y = np.stack([sin * wide, cos * high, sin * right + cos * down], axis=1)
        return np.stack([x, y], axis=1)


def _drawn(keys: Sequence[Key]) -> NDArray[np.float64]:
    """[keys, 16]: numbers evenly in 0 to 1, which depend on the key alone."""
    digests = b"".join(hashlib.blake2b(repr(key).encode(), digest_size=64).digest() for key in keys)
    return np.frombuffer(digests, "<u4").reshape(len(keys), 16) / 2.0**32


def _moved(shades: torch.Tensor, movements: NDArray[np.float64]) -> torch.Tensor:
    side = shades.shape[1]
    steps = (2 * torch.arange(side, device=shades.device) + 1) / side - 1
    x, y = steps[None, None, :], steps[None, :, None]
    to = on_device(movements.astype(np.float32), shades.device)[:, :, :, None, None]
    # Written out, and not as a matrix product, whose last bits would depend on how many views are made at once.
    places = [to[:, axis, 0] * x + to[:, axis, 1] * y + to[:, axis, 2] for axis in (0, 1)]
    grid = torch.stack(places, dim=-1)
    moved = torch.nn.functional.grid_sample(shades[:, None], grid, "bilinear", "zeros", align_corners=False)
    return moved[:, 0]


def _contrasted(shades: torch.Tensor, gamma: NDArray[np.float64]) -> torch.Tensor:
    """Each image's shades to the power of its gamma, between its own least and largest."""
    power = on_device(gamma.astype(np.float32), shades.device)[:, None, None]
    least = shades.amin(dim=(1, 2), keepdim=True)
    reach = (shades.amax(dim=(1, 2), keepdim=True) - least).clamp_min(1e-6)
    return ((shades - least) / reach).pow(power) * reach + least


def _with_noise(shades: torch.Tensor, deviation: NDArray[np.float64], seeds: NDArray[np.float64]) -> torch.Tensor:
    """Noise that is nearly normal: four bytes of a hash of each pixel's place and the seed (murmur3's mixing), summed,
    so that every device draws the same."""
    rows = np.flatnonzero(deviation)
    if not len(rows):
        return shades
    side, mask = shades.shape[1], 0xFFFFFFFF
    seed = on_device((seeds[rows] * 2**32).astype(np.int64), shades.device)[:, None]
    mixed = (torch.arange(side * side, device=shades.device)[None] * 0x9E3779B1 + seed) & mask
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = ((mixed ^ (mixed >> shift)) * factor) & mask
    mixed = mixed ^ (mixed >> 16)
    total = (mixed & 255) + ((mixed >> 8) & 255) + ((mixed >> 16) & 255) + (mixed >> 24)
    normal = (total.float() - 510) / math.sqrt((256**2 - 1) / 3)
    strength = on_device(deviation[rows].astype(np.float32), shades.device)[:, None, None]
    chosen = torch.from_numpy(rows).to(shades.device)
    shades[chosen] += normal.reshape(-1, side, side) * strength
    return shades


def show_views(project: Project, recipe: Recipe, number: int, views: int) -> ViewsShown:
    """Some of the labelled images with views of each, as the recipe augments them; spread over the study."""
    side = recipe.input_size or backbone(recipe.backbone).input_size
    augmentation = Augmentation(side, recipe.augment)
    images = labelled_images(project)
    rows = []
    for image in images[:: max(1, len(images) // number)][:number]:
        pixels = to_input(project.pixels.read(image.stored_at), side)
        looks = [augmentation(pixels, image.content_hash, recipe.seed, view) for view in range(1, views)]
        rows.append(tuple(look.tobytes() for look in (pixels, *looks)))
    return ViewsShown(side, tuple(rows))
