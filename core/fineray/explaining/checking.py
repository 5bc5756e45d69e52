"""Whether an explanation may be shown in colour: checks that run by themselves.

Saliency on chest images lies below human benchmark (Saporta 2022); a map that fails says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from fineray.dicom.letters import Region, text_lines
from fineray.explaining.saliency import (
    FINEST,
    Map,
    blur,
    image_part,
)
from fineray.training.model import TrainedModel

ALIKE = 0.5  # rank correlation with the map of a random network, above which a map shows the image and not the model
REMOVED = 0.2  # of the image, for the deletion
BORDER = 0.08  # of each side
MUCH_BORDER, MUCH_LETTERS = 0.5, 0.25  # of the positive evidence


@dataclass(frozen=True)
class MapChecks:
    """random_likeness: rank correlation with the map of a network that learned nothing (Adebayo 2018), to be low;
    deletion: how much more the class's score falls when the fifth of the image with most evidence is blurred away than
    when the fifth with least is, to be above 0; on_border, on_letters: shares of the evidence, 0..1; problems: what
    failed, in words, empty for a map that may be shown."""

    random_likeness: float
    deletion: float
    on_border: float
    on_letters: float
    problems: tuple[str, ...]


def check_map(
    model: TrainedModel,
    random_map: Map,
    square: Map,
    image: torch.Tensor,
    pixels: NDArray[np.uint8],
    number: int,
) -> MapChecks:
    """Check the map [56, 56] of an image [rows, columns]; image: its shades [1, 1, side, side]; random_map: of the
    randomised network."""
    shown, other = (image_part(each, *pixels.shape) for each in (square, random_map))
    likeness = _rank_correlation(shown, other)
    deletion = _deletion(model, square, image, pixels.shape, number)
    evidence = np.maximum(shown, 0)
    border, letters = border_share(evidence), letter_share(evidence, pixels)
    problems = []
    if not evidence.any():
        problems.append("No part of the image speaks for this class.")
    if likeness > ALIKE:
        problems.append(f"A network that learned nothing gives much the same map (rank correlation {likeness:.2f}).")
    if deletion <= 0:
        problems.append("Hiding what the map marks changes the score no more than hiding what it does not.")
    problems += patterns(border, letters)
    return MapChecks(likeness, deletion, border, letters, tuple(problems))


def border_share(evidence: Map) -> float:
    """The share of the evidence, at least 0 everywhere, on the outer 8 % of an image at each side."""
    total = float(evidence.sum())
    return float(evidence[~_inside(evidence.shape)].sum()) / total if total > 0 else 0.0


def letter_share(evidence: Map, pixels: NDArray[np.uint8]) -> float:
    """The share of the evidence on letters burned into the image."""
    total = float(evidence.sum())
    return float(evidence[_marked(evidence.shape, text_lines(pixels))].sum()) / total if total > 0 else 0.0


def patterns(border: float, letters: float) -> tuple[str, ...]:
    """What shares of the evidence on border and letters say, in words."""
    found = []
    if border > MUCH_BORDER:
        found.append(f"{border:.0%} of the evidence lies on the image's border.")
    if letters > MUCH_LETTERS:
        found.append(f"{letters:.0%} of the evidence lies on letters or markers.")
    return tuple(found)


def _rank_correlation(one: Map, other: Map) -> float:
    """0 where one is the same everywhere, which is like nothing."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def _deletion(model: TrainedModel, square: Map, image: torch.Tensor, shape: tuple[int, ...], number: int) -> float:
    """Remove and debias, in short: the most important cells go, or as many of the least important."""
    on_image = np.zeros((FINEST, FINEST), dtype=bool)
    image_part(on_image, shape[0], shape[1])[:] = True
    cells = np.flatnonzero(on_image)
    order = cells[np.argsort(-square.ravel()[cells])]
    count = max(1, round(REMOVED * len(order)))
    masks = np.zeros((2, FINEST * FINEST), dtype=np.float32)
    masks[0, order[:count]], masks[1, order[-count:]] = 1, 1
    mask = torch.from_numpy(masks.reshape(2, 1, FINEST, FINEST)).to(image.device)
    mask = torch.nn.functional.interpolate(mask, image.shape[-2:], mode="nearest")
    both = image.repeat(2, 1, 1, 1)
    with torch.no_grad():
        scores = model.scores(model.maps(both * (1 - mask) + blur(both) * mask))[:, number]
    return float(scores[1] - scores[0])


def _inside(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    inside = np.zeros(shape, dtype=bool)
    top, left = max(1, round(BORDER * shape[0])), max(1, round(BORDER * shape[1]))
    inside[top:-top, left:-left] = True
    return inside


def _marked(shape: tuple[int, ...], regions: list[Region]) -> NDArray[np.bool_]:
    marked = np.zeros(shape, dtype=bool)
    for region in regions:
        rows = slice(int(region.y0 * shape[0]), int(np.ceil(region.y1 * shape[0])))
        columns = slice(int(region.x0 * shape[1]), int(np.ceil(region.x1 * shape[1])))
        marked[rows, columns] = True
    return marked
