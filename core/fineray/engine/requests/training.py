"""What is asked of the worker process about training, and what is chosen or made ready before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fineray.training.recipe import Recipe
from fineray.training.results import Control, DeviceFound, Ranked, RateCurve, RunDone, ViewsShown, WeightsAdded


@dataclass(frozen=True)
class Train:
    """Follow the recipe on the latest split, or the latest of that hash; what was paused goes on. Result: RunDone.

    anew: forget what an earlier start of the same training left unfinished.
    """

    project: Path
    recipe: Recipe
    split_hash: str = ""
    anew: bool = False


@dataclass(frozen=True)
class RunControls:
    """Train the controls of a recipe on the split of that hash, or the latest; what was paused goes on.

    Result: a tuple of Control.
    """

    project: Path
    recipe: Recipe
    split_hash: str = ""


@dataclass(frozen=True)
class FindRate:
    """Try learning rates on training images. Result: RateCurve."""

    project: Path
    recipe: Recipe


@dataclass(frozen=True)
class RankBackbones:
    """Rank the installed backbones, or those named, on the project's images. Result: a tuple of Ranked."""

    project: Path
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShowViews:
    """Some of the project's images as the network will see them, with augmented views. Result: ViewsShown."""

    project: Path
    recipe: Recipe
    images: int = 3
    views: int = 5


@dataclass(frozen=True)
class AddWeights:
    """Take a weight file in. Result: WeightsAdded. title and task are needed for weights that Fineray does not know."""

    file: Path
    backbone: str = ""
    title: str = ""
    task: str = ""
    data: str = ""
    licence: str = ""


@dataclass(frozen=True)
class DownloadWeights:
    """Fetch the published weights of a backbone; the one request that goes online. Result: WeightsAdded."""

    backbone: str


@dataclass(frozen=True)
class RunDemo:
    """Make the demo study in a new folder, import it, train. Result: RunDone."""

    folder: Path


@dataclass(frozen=True)
class LoadLibraries:
    """Import what training needs, so that it starts at once later. Result: the device in words."""


@dataclass(frozen=True)
class ExplainDevice:
    """What this computer computes on, and why not on something better. Result: DeviceFound."""


# What can be paused and goes on where it was when it is asked for again: cancelled it is given up. Of any other request
# the part that is finished is kept either way.
Pausable = Train | RunControls

TrainingRequest = (
    Pausable
    | FindRate
    | RankBackbones
    | ShowViews
    | AddWeights
    | DownloadWeights
    | RunDemo
    | LoadLibraries
    | ExplainDevice
)
TrainingResult = (
    RunDone | tuple[Control, ...] | RateCurve | tuple[Ranked, ...] | ViewsShown | WeightsAdded | str | DeviceFound
)
