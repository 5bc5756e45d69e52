"""Views stay films, and depend on their key alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.progress import Monitor
from core.project.importing import import_folders
from core.project.labels import apply_labels, preview_folders
from core.project.project import Project
from core.training.augmentation import Augmentation, show_views
from core.training.recipe import AugmentSettings, Recipe

ALL = AugmentSettings(rotation=10, scale=0.1, shift=0.05, crop=0.2, contrast=0.3, noise=0.02)


def test_views_stay_films_and_repeat_with_their_key() -> None:
    film = np.zeros((64, 64), dtype=np.uint8)
    film[20:44, 20:30] = 200
    one, two = Augmentation(64, ALL), Augmentation(64, ALL)
    two(film, "another first")
    np.testing.assert_array_equal(one(film, "key", 1), two(film, "key", 1))
    assert (one(film, "key", 1) != one(film, "key", 2)).any()
    for number in range(30):
        look = one(film, number)
        assert look.dtype == np.uint8 and look.shape == film.shape
        assert 10 < np.flatnonzero(look.max(axis=0) > 100).mean() < 34, "the bar stays on its side: nothing is mirrored"
    mirrored = Augmentation(64, AugmentSettings(flip=True))
    sides = [np.flatnonzero(mirrored(film, number).max(axis=0) > 100).mean() > 32 for number in range(30)]
    assert 0 < sum(sides) < 30


def test_nothing_is_changed_where_every_setting_is_off() -> None:
    film = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    still = Augmentation(32, AugmentSettings(rotation=0, scale=0, shift=0, contrast=0, noise=0))
    assert np.abs(still(film, 1).astype(int) - film).max() <= 1


def test_the_users_own_films_are_shown(project: Project, films: Callable[..., Path]) -> None:
    import_folders(project, [films(patients=4, each=1)], Monitor())
    apply_labels(project, preview_folders(project))
    shown = show_views(project, Recipe(side=256), films=2, views=4)
    assert shown.side == 256 and len(shown.rows) == 2 and all(len(row) == 4 for row in shown.rows)
    assert len(shown.rows[0][0]) == 256 * 256 and len(set(shown.rows[0])) == 4
