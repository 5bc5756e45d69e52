"""Views stay images, and depend on their key alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineray.project.files.importing import import_folders
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project
from fineray.training.recipe import AugmentSettings, Recipe
from fineray.training.tuning.augmentation import (
    Augmentation,
    _drawn,
    _with_noise,
    show_views,
)

CPU = torch.device("cpu")
ALL = AugmentSettings(rotation=10, scale=0.1, shift=0.05, crop=0.2, contrast=0.3, noise=0.02)


def test_views_stay_images_and_repeat_with_their_key() -> None:
    image = np.zeros((64, 64), dtype=np.uint8)
    image[20:44, 20:30] = 200
    one, two = Augmentation(64, ALL), Augmentation(64, ALL)
    two(image, "another first")
    np.testing.assert_array_equal(one(image, "key", 1), two(image, "key", 1))
    assert (one(image, "key", 1) != one(image, "key", 2)).any()
    for number in range(30):
        look = one(image, number)
        assert look.dtype == np.uint8 and look.shape == image.shape
        assert 10 < np.flatnonzero(look.max(axis=0) > 100).mean() < 34, "the bar stays on its side: nothing is mirrored"
    mirrored = Augmentation(64, AugmentSettings(flip=True))
    sides = [np.flatnonzero(mirrored(image, number).max(axis=0) > 100).mean() > 32 for number in range(30)]
    assert 0 < sum(sides) < 30


def test_a_view_does_not_depend_on_the_views_beside_it() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 64), np.uint8)
    keys: list[tuple[object, ...] | None] = [("a", 1), None, ("b", 2), ("c", 1), None]
    together = Augmentation(64, ALL).batch(images, keys, CPU).numpy()
    for image, key, look in zip(images, keys, together, strict=True):
        np.testing.assert_array_equal(look, image if key is None else Augmentation(64, ALL)(image, *key))


@pytest.mark.parametrize("kind", ["rotation", "shift", "scale"])
def test_movements_are_what_monai_makes_of_the_same_numbers(kind: str) -> None:
    affine = pytest.importorskip("monai.transforms.spatial.array").Affine
    y, x = np.mgrid[0:64, 0:64]
    image = (120 + 60 * np.sin(x / 9) + 50 * np.cos(y / 7)).astype(np.uint8)
    none = AugmentSettings(rotation=0, scale=0, shift=0, contrast=0, noise=0)
    settings = replace(none, **{kind: {"rotation": 12.0, "shift": 0.1, "scale": 0.2}[kind]})
    even = (2 * _drawn([("k", 1)])[0] - 1).tolist()
    given = {
        "rotation": {"rotate_params": -math.radians(12) * even[0]},
        "shift": {"translate_params": (0.1 * 64 * even[4], 0.1 * 64 * even[3])},
        "scale": {"scale_params": (1 + 0.2 * even[2], 1 + 0.2 * even[1])},
    }[kind]
    moved = affine(**given, padding_mode="zeros", mode="bilinear", image_only=True)(image[None].astype(np.float32))
    ours = Augmentation(64, settings)(image, "k", 1)
    assert np.abs(ours.astype(int) - image).mean() > 1, "something moved"
    assert np.abs(ours - np.asarray(moved)[0]).max() < 1


def test_noise_is_nearly_normal_and_of_the_strength_that_was_drawn() -> None:
    gray = torch.full((2, 200, 200), 100.0)
    found = _with_noise(gray, np.array([8.0, 0.0]), np.array([0.3, 0.7]))
    noise = found[0].numpy().ravel() - 100
    assert abs(noise.mean()) < 0.2 and abs(noise.std() - 8) < 0.2 and (found[1] == 100).all()
    assert abs(np.mean(np.abs(noise) < 8) - 0.68) < 0.02
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.02, "neighbours know nothing of one another"


def test_nothing_is_changed_where_every_setting_is_off() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    still = Augmentation(32, AugmentSettings(rotation=0, scale=0, shift=0, contrast=0, noise=0))
    assert np.abs(still(image, 1).astype(int) - image).max() <= 1


def test_the_users_own_images_are_shown(project: Project, images: Callable[..., Path]) -> None:
    import_folders(project, [images(patients=4, each=1)])
    apply_labels(project, preview_folders(project))
    shown = show_views(project, Recipe(input_size=256), number=2, views=4)
    assert shown.input_size == 256 and len(shown.rows) == 2 and all(len(row) == 4 for row in shown.rows)
    assert len(shown.rows[0][0]) == 256 * 256 and len(set(shown.rows[0])) == 4
