"""What explanations answer; plain numbers, for the window too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ExplainMethod = Literal["grad-cam", "occlusion"]


@dataclass(frozen=True)
class Explained:
    """A map over an image, or over the images of a cell. evidence: float32 [rows, columns] over the whole image,
    signed, in units of the class's score; class_name: what it is evidence for; seconds: for the map alone; problems:
    why it is not to be trusted, empty where all checks passed; held_out: whether the model had not learned from the
    image; images: how many a mean map is of, and mean_image [side, side] their mean."""

    evidence: NDArray[np.float32]
    class_name: str
    method: str
    seconds: float
    problems: tuple[str, ...]
    held_out: bool
    random_likeness: float | None = None
    deletion: float | None = None
    on_border: float | None = None
    on_letters: float | None = None
    images: int = 1
    mean_image: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Neighbour:
    """A training image near to another in the backbone's features. similarity: cosine, -1..1."""

    image: int
    patient: str
    label: str
    similarity: float


@dataclass(frozen=True)
class FeatureMap:
    """Images as points, near where their features are alike. images: ids [n]; points: [n, 2]; method: in words."""

    images: tuple[int, ...]
    points: NDArray[np.float32]
    method: str


@dataclass(frozen=True)
class DoubtfulLabel:
    """An image whose label the run contradicts. chance: the run's out-of-sample probability of the label."""

    image: int
    label: str
    predicted: str
    chance: float
