"""The backbones on offer: what each was trained on, what it costs, and whether its weights are here.

Reads the manifest only; nothing of torch is imported, so that the window can show the list at once.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from core.errors import FinerayError
from core.project.paths import user_folder

DEFAULT_BACKBONE = "efficientnet_lite0"


class UnknownBackbone(FinerayError):
    """No backbone of that name is in the catalogue."""


@dataclass(frozen=True)
class Stage:
    """A run of layers that is frozen or trained as one. modules: names inside the network; parameters: count."""

    name: str
    modules: tuple[str, ...]
    parameters: int


@dataclass(frozen=True)
class WeightPack:
    """Where pretrained weights come from. sha256: the whole digest, or its first eight digits as torchvision names it.

    package: the Python package that carries the file, or empty for a file in the user's folder of weights.
    """

    file: str
    sha256: str
    package: str


@dataclass(frozen=True)
class Backbone:
    """A pretrained CNN without its last layer.

    input_size: side in pixels of the square input; mean, std: its own normalisation of shades in 0..1;
    features: numbers an image becomes; taps: modules whose mean
    activations join the last features; parameters: without the last layer.
    """

    name: str
    title: str
    library: Literal["timm", "torchvision"]
    architecture: str
    source_task: str
    source_data: str
    source_result: str
    licence: str
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    features: int
    taps: tuple[str, ...]
    parameters: int
    stages: tuple[Stage, ...]
    weights: WeightPack


@cache
def backbones() -> tuple[Backbone, ...]:
    """Every backbone of the manifest, the default first."""
    manifest = json.loads(resources.files("resources").joinpath("backbones.json").read_text("utf-8"))
    return tuple(_backbone(entry) for entry in manifest["backbones"])


def backbone(name: str) -> Backbone:
    """The backbone of that name. Raises UnknownBackbone."""
    for candidate in backbones():
        if candidate.name == name:
            return candidate
    raise UnknownBackbone(
        f"There is no backbone named “{name}”",
        todo=f"Choose one of {', '.join(each.name for each in backbones())}.",
    )


def weights_file(chosen: Backbone) -> Path | None:
    """The file with the backbone's weights on this computer, or None where its weight pack is not installed."""
    pack = chosen.weights
    if pack.package:
        spec = importlib.util.find_spec(pack.package)
        folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
        candidates = [folder / pack.file for folder in folders]
    else:
        candidates = [user_folder() / "weights" / pack.file]
    return next((path for path in candidates if path.is_file()), None)


def _backbone(entry: dict[str, Any]) -> Backbone:
    fields: dict[str, Any] = {
        name: tuple(value) if name in ("mean", "std", "taps") else value for name, value in entry.items()
    }
    fields["stages"] = tuple(Stage(s["name"], tuple(s["modules"]), s["parameters"]) for s in entry["stages"])
    fields["weights"] = WeightPack(**entry["weights"])
    return Backbone(**fields)
