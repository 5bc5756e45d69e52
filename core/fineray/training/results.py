"""What training and the choices before it answer; plain data, for the window too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunDone:
    """A run was written."""

    project: Path
    run: str


@dataclass(frozen=True)
class Ranked:
    """How well a backbone's frozen features suit the project's images; more is better in each figure.

    auc with its 95 % interval: out of fold, by patient; logme, h_score: see choosing/transferability.py; seconds: for
    the features and the figures; images: how many were looked at.
    """

    backbone: str
    title: str
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    logme: float
    h_score: float
    seconds: float
    images: int


@dataclass(frozen=True)
class Control:
    """A run made for comparison. what: frozen, unfrozen, from scratch, or shuffled labels; sound: False only where
    shuffled labels gave an AUC whose interval does not cover 0.5, so that something gives the answer away."""

    what: str
    run: str
    auc: float | None
    low: float | None
    high: float | None
    sound: bool


@dataclass(frozen=True)
class RateCurve:
    """Loss against learning rate, rising step by step; suggested: the rate where the loss falls fastest."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggested: float


@dataclass(frozen=True)
class WeightsAdded:
    """Weights are on this computer. sha256: of the converted file."""

    backbone: str
    sha256: str


@dataclass(frozen=True)
class ViewsShown:
    """Images and their augmented views, as the network sees them: uint8 shades, input_size x input_size bytes each;
    the first of each row is the image itself."""

    input_size: int
    rows: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True)
class LearningPoint:
    """How a model does that learned from so many. auc with its 95 % interval: on images of patients it did not see."""

    patients: int
    images: int
    auc: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class LearningCurve:
    """By rising number of training patients. how: what was trained, in words."""

    points: tuple[LearningPoint, ...]
    how: str


@dataclass(frozen=True)
class DeviceFound:
    """title: the device; explanation: what that means for the user."""

    title: str
    explanation: str
