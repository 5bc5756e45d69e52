"""Explanations point at what was planted, add up to the score, and admit when they say nothing."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from fineray.evaluation.predictions import Predictions
from fineray.explaining.alike import feature_map, nearest
from fineray.explaining.checking import check_map
from fineray.explaining.doubtful import doubtful_labels
from fineray.explaining.explain import CannotExplain, explain, mean_map
from fineray.explaining.saliency import FINEST, grad_cam, image_part
from fineray.progress import Cancelled, Monitor
from fineray.project.catalogue import labelled_images, places_of
from fineray.project.project import Project
from fineray.project.runs import RunFolder, runs
from fineray.project.splits import latest_split
from fineray.training.model import trained_model
from fineray.training.recipe import Recipe, Tuning
from fineray.training.train import train
from tests.support.planted import PATCH, planted, train_on

Taught = tuple[Project, RunFolder]


def _of_class(folder: RunFolder, name: str) -> tuple[Predictions, list[int]]:
    predictions = folder.predictions()
    rows = np.flatnonzero(predictions.true == predictions.classes.index(name))
    return predictions, rows.tolist()


@pytest.mark.integration
def test_both_methods_find_what_was_planted(taught: Taught) -> None:
    project, folder = taught
    predictions, rows = _of_class(folder, "sick")
    inside = np.zeros((160, 160), dtype=bool)
    inside[PATCH] = True
    for method, images in (("grad-cam", 3), ("occlusion", 1)):
        shares = []
        for row in rows[:images]:
            found = explain(
                project, folder, int(predictions.images[row]), "sick", method, predictions.parts[row], Monitor()
            )
            assert found.held_out, "the head that did not see the image explains it"
            scale = len(found.evidence) / 160
            area = tuple(slice(round(part.start * scale), round(part.stop * scale)) for part in PATCH)
            evidence = np.maximum(found.evidence, 0)
            shares.append(evidence[area].sum() / evidence.sum())
        assert np.mean(shares) > 3 * inside.mean(), (method, shares)


def test_the_map_adds_up_to_the_score(taught: Taught) -> None:
    project, folder = taught
    model = trained_model(folder)
    places = places_of(project, folder.predictions().images[:4].tolist())
    images = model.inputs([project.pixels.read(place) for place in places])
    with torch.no_grad():
        maps = model.maps(images)
        scores = model.scores(maps)[:, 0]
        # Images whose maps are the training mean everywhere have the constant part of the score alone.
        widths = [each.shape[1] for each in maps]
        usual = [
            mean.view(1, -1, 1, 1).expand_as(each).contiguous()
            for mean, each in zip(torch.split(model.tuned.mean, widths), maps, strict=True)
        ]
        constant = model.scores(usual)[:, 0]
    found = grad_cam(model, images, 0).mean(axis=(1, 2))
    assert found == pytest.approx((scores - constant).numpy(), rel=0.1, abs=0.15), "but for smoothing at the edges"


def test_the_model_is_the_one_that_predicted(taught: Taught) -> None:
    project, folder = taught
    predictions = folder.predictions()
    for row in range(0, len(predictions.images), 5):
        model = trained_model(folder, predictions.parts[row])
        image = project.pixels.read(places_of(project, [int(predictions.images[row])])[0])
        assert model.probabilities(model.inputs([image]))[0] == pytest.approx(predictions.probabilities[row], abs=2e-3)
    final = trained_model(folder)
    some = labelled_images(project)[:5]
    images = [project.pixels.read(each.stored_at) for each in some]
    assert final.probabilities(final.inputs(images)) == pytest.approx(
        trained_model(folder).predict(project, some, Monitor()), abs=2e-3
    )


@pytest.mark.integration
def test_a_tuned_model_is_explained_as_a_whole(taught: Taught) -> None:
    project, _ = taught
    recipe = Recipe(mode="finetune", tuning=Tuning(epochs=1, frozen_stages=7), bootstrap=100)
    split = latest_split(project)
    assert split is not None
    folder = train(project, split, recipe)
    model = trained_model(folder, "1")
    assert not model.held_out, "a tuned run keeps its final model only, and the window says so"
    some = labelled_images(project)[:3]
    shown = model.inputs([project.pixels.read(each.stored_at) for each in some])
    assert model.probabilities(shown) == pytest.approx(
        trained_model(folder).predict(project, some, Monitor()), abs=1e-3
    )
    assert grad_cam(model, shown, 1).shape == (3, FINEST, FINEST)


def test_a_random_map_and_a_constant_one_get_a_badge(taught: Taught) -> None:
    project, folder = taught
    predictions, rows = _of_class(folder, "sick")
    model = trained_model(folder)
    image = project.pixels.read(places_of(project, [int(predictions.images[rows[0]])])[0])
    shown = model.inputs([image])
    number = model.classes.index("sick")
    true_map = grad_cam(model, shown, number)[0]
    other = grad_cam(model.randomised(), shown, number)[0]
    assert check_map(model, other, true_map, shown, image, number).deletion > 0
    upside_down = check_map(model, other, -true_map, shown, image, number)
    assert any("Hiding" in each for each in upside_down.problems)
    same = check_map(model, other, other, shown, image, number)
    assert same.random_likeness == pytest.approx(1) and any("learned nothing" in each for each in same.problems)
    empty = check_map(model, other, np.zeros_like(true_map), shown, image, number)
    assert any("No part" in each for each in empty.problems)


@pytest.mark.integration
def test_randomised_weights_destroy_the_map_on_average(taught: Taught) -> None:
    project, folder = taught
    predictions, rows = _of_class(folder, "sick")
    likeness = [
        explain(project, folder, int(predictions.images[row]), "sick", "grad-cam", "", Monitor()).random_likeness
        for row in rows[:8]
    ]
    assert np.median(likeness) < 0.5


@pytest.mark.integration
def test_a_shortcut_on_the_border_shows_in_the_mean_map(tmp_path: Path) -> None:
    corner = (slice(2, 12), slice(2, 40))
    project = train_on(tmp_path / "study", planted(tmp_path / "images", corner))
    try:
        folder = runs(project)[0]
        predictions, rows = _of_class(folder, "sick")
        sick = [int(predictions.images[row]) for row in rows]
        found = mean_map(project, folder, sick, "sick", Monitor())
        assert found.images == len(sick) and found.evidence.shape == (FINEST, FINEST)
        top_left = found.evidence[:10, :20].mean()
        assert top_left > 2 * found.evidence.mean(), "the planted corner stands out"
        assert found.on_border > 0.25
    finally:
        project.close()


@pytest.mark.alone
def test_grad_cam_is_quick(taught: Taught) -> None:
    project, folder = taught
    image = int(folder.predictions().images[0])
    explain(project, folder, image, "sick", "grad-cam", "", Monitor())
    started = time.perf_counter()
    found = explain(project, folder, image, "sick", "grad-cam", "", Monitor())
    assert found.seconds < 0.3 and time.perf_counter() - started < 2


def test_what_cannot_be_explained_is_said(taught: Taught) -> None:
    project, folder = taught
    with pytest.raises(CannotExplain, match="no class"):
        explain(project, folder, 1, "grey", "grad-cam", "", Monitor())
    with pytest.raises(CannotExplain, match="No image"):
        mean_map(project, folder, [], "sick", Monitor())

    class Stopped(Monitor):
        def check(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        explain(project, folder, int(folder.predictions().images[0]), "sick", "occlusion", "", Stopped())


def test_the_part_of_the_map_that_lies_on_an_image() -> None:
    square = np.arange(FINEST * FINEST, dtype=np.float32).reshape(FINEST, FINEST)
    assert image_part(square, 100, 50).shape == (56, 28)
    assert image_part(square, 30, 60).shape == (28, 56)
    assert (image_part(square, 30, 60) == square[14:42]).all()


def test_the_nearest_are_of_other_patients_and_learned_from(taught: Taught) -> None:
    project, folder = taught
    predictions = folder.predictions()
    image, part = int(predictions.images[0]), predictions.parts[0]
    found = nearest(project, folder, image, part)
    parts = dict(zip(predictions.images.tolist(), predictions.parts, strict=True))
    assert len(found) == 8 and image not in {each.image for each in found}
    assert all(parts[each.image] != part for each in found)
    assert [each.similarity for each in found] == sorted((each.similarity for each in found), reverse=True)
    label = predictions.classes[predictions.true[0]]
    assert sum(each.label == label for each in found) >= 5


def test_a_map_of_the_features_has_every_image(taught: Taught) -> None:
    project, folder = taught
    found = feature_map(project, folder)
    assert len(found.images) == len(found.points) == 30 and np.isfinite(found.points).all()


@pytest.mark.integration
def test_planted_label_errors_come_first() -> None:
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1], 100)
    chance = np.clip(random.normal(0.15 + 0.7 * truth, 0.1), 0.01, 0.99)
    written = truth.copy()
    wrong = [3, 50, 120, 177]
    written[wrong] = 1 - written[wrong]
    predictions = Predictions(
        ("a", "b"), np.arange(200), ("P",) * 200, ("1",) * 200, written, np.column_stack([1 - chance, chance])
    )
    found = doubtful_labels(predictions)
    assert {each.image for each in found[:4]} == set(wrong)
    assert all(each.label != each.predicted for each in found[:4])
