"""Explaining a run on an image, or on the images of a cell of its confusion matrix."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fineray.errors import FinerayError, nearest
from fineray.explaining.checking import (
    border_share,
    check_map,
    letter_share,
    patterns,
)
from fineray.explaining.kept import MEAN, keep_map
from fineray.explaining.results import Explained, ExplainMethod
from fineray.explaining.saliency import (
    FINEST,
    grad_cam,
    image_part,
    occlusion,
)
from fineray.progress import Monitor, Progress
from fineray.project.catalogue import places_of
from fineray.project.project import Project
from fineray.project.runs import RunFolder
from fineray.training.model import TrainedModel, trained_model

MOST_IMAGES = 200  # of a mean map
_BATCH = 2  # images of a mean map between two looks at whether it is wanted still


class CannotExplain(FinerayError):
    """The run has no such class, or no image was named."""


def explain(
    project: Project, folder: RunFolder, image: int, class_name: str, method: ExplainMethod, fold: str, monitor: Monitor
) -> Explained:
    """The evidence for a class on one image, checked; the run's folder keeps that it was made. fold: in which the image
    was held out, empty if in none.

    Raises CannotExplain, WeightsNotInstalled, Cancelled.
    """
    model = trained_model(folder, fold)
    monitor.check()
    number = _number(model, class_name)
    pixels = project.pixels.read(places_of(project, [image])[0])
    shown = model.inputs([pixels])
    started = time.perf_counter()
    square = grad_cam(model, shown, number)[0] if method == "grad-cam" else occlusion(model, shown, number, monitor)[0]
    seconds = time.perf_counter() - started
    monitor.check()
    untaught = _untaught(model)
    monitor.check()
    other = (
        grad_cam(untaught, shown, number)[0] if method == "grad-cam" else occlusion(untaught, shown, number, monitor)[0]
    )
    monitor.check()
    checks = check_map(model, other, square, shown, pixels, number)
    found = Explained(
        image_part(square, *pixels.shape),
        class_name,
        method,
        seconds,
        checks.problems,
        model.held_out,
        checks.random_likeness,
        checks.deletion,
        checks.on_border,
        checks.on_letters,
    )
    keep_map(project, folder, [image], found, method)
    return found


def evidence_for(folder: RunFolder, pixels: NDArray[np.uint8], class_name: str) -> NDArray[np.float32]:
    """The Grad-CAM of an image as the pixel store keeps it, without the checks; raises CannotExplain."""
    model = trained_model(folder)
    square = grad_cam(model, model.inputs([pixels]), _number(model, class_name))[0]
    return image_part(square, *pixels.shape)


def mean_map(
    project: Project, folder: RunFolder, images: Sequence[int], class_name: str, monitor: Monitor
) -> Explained:
    """The mean Grad-CAM over images, each of which weighs alike, [56, 56] over the input square. Of more than 200,
    every so manieth. What lies on borders and letters of many images is a shortcut. Raises CannotExplain, Cancelled."""
    if not images:
        raise CannotExplain("No image was chosen", todo="Choose a cell of the confusion matrix that holds images.")
    model = trained_model(folder)
    number = _number(model, class_name)
    every = max(1, -(-len(images) // MOST_IMAGES))
    some = list(images)[::every]
    total, on_border, on_letters = np.zeros((FINEST, FINEST)), [], []
    mean_image = np.zeros((model.input_size, model.input_size))
    started = time.perf_counter()
    for start in range(0, len(some), _BATCH):
        stored = [project.pixels.read(place) for place in places_of(project, some[start : start + _BATCH])]
        shown = model.inputs(stored)
        mean_image += shown.sum(dim=(0, 1)).cpu().numpy()
        for square, pixels in zip(grad_cam(model, shown, number), stored, strict=True):
            evidence = np.maximum(square, 0)
            total += evidence / max(float(evidence.sum()), 1e-9)
            own = image_part(evidence, *pixels.shape)
            on_border.append(border_share(own))
            on_letters.append(letter_share(own, pixels))
        monitor.report(Progress("Explaining images", start + len(stored), len(some), "images"))
        monitor.check()
    border, letters = float(np.mean(on_border)), float(np.mean(on_letters))
    mean = (total / len(some) * FINEST * FINEST).astype(np.float32)
    found = Explained(
        mean,
        class_name,
        "grad-cam",
        time.perf_counter() - started,
        patterns(border, letters),
        False,
        on_border=border,
        on_letters=letters,
        images=len(some),
        mean_image=np.round(mean_image / len(some) * 255).astype(np.uint8),
    )
    keep_map(project, folder, some, found, MEAN)
    return found


def _number(model: TrainedModel, class_name: str) -> int:
    if class_name not in model.classes:
        raise CannotExplain(f"The run knows no class “{class_name}”", todo=nearest(class_name, model.classes, ""))
    return model.classes.index(class_name)


@lru_cache(maxsize=1)
def _untaught(model: TrainedModel) -> TrainedModel:
    return model.randomised()
