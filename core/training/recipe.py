"""A Recipe says everything that decides the outcome of a training; it can be saved and repeated."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

from core.backbones.catalogue import DEFAULT_BACKBONE
from core.errors import FinerayError

Mode = Literal["frozen", "finetune", "scratch"]


class RecipeUnusable(FinerayError):
    """A recipe holds a setting that this version cannot follow."""


@dataclass(frozen=True)
class Tuning:
    """How stages of the backbone learn (modes finetune and scratch).

    frozen_stages: stages from the start that stay as they are, at most all but one; epochs; batch: images;
    learning_rate of the last stage, each stage before it `slower` times that of the next; head_rate: of the last layer;
    weight_decay; warm_up: share of the steps; views: augmented views of each image beside itself; flip: mirrored ones
    too (laterality is lost); smoothing of the labels; averaging: memory of the weights' moving average, 0 for none;
    source_pull: L2 towards the pretrained weights (L2-SP, Li 2018); weighted: classes weigh
    alike however many images they have.
    """

    frozen_stages: int = 5
    epochs: int = 6
    batch: int = 16
    learning_rate: float = 3e-4
    slower: float = 0.8
    head_rate: float = 3e-4
    weight_decay: float = 0.02
    warm_up: float = 0.1
    views: int = 3
    flip: bool = False
    dropout: float = 0.2
    smoothing: float = 0.05
    averaging: float = 0.97
    source_pull: float = 0.0
    weighted: bool = False

    def problem(self) -> str:
        """What is impossible in it, in words, or nothing."""
        checks = (
            (self.frozen_stages >= 0, "a number of frozen stages below 0"),
            (self.epochs >= 1 and self.batch >= 2, "no epoch, or a batch of one image"),
            (self.learning_rate > 0 and self.head_rate > 0, "a learning rate that is not above 0"),
            (0 < self.slower <= 1, "a factor between stages outside 0 to 1"),
            (0 <= self.warm_up < 1 and 0 <= self.averaging < 1, "a share outside 0 to 1"),
            (0 <= self.views <= 32, "more than 32 views"),
            (0 <= self.dropout < 1 and 0 <= self.smoothing < 1, "dropout or smoothing outside 0 to 1"),
            (self.weight_decay >= 0 and self.source_pull >= 0, "a negative regularisation"),
        )
        return next((what for fine, what in checks if not fine), "")


FROM_SCRATCH = Tuning(
    frozen_stages=0, epochs=12, learning_rate=1e-3, slower=1.0, head_rate=1e-3, averaging=0.0, smoothing=0.0
)


@dataclass(frozen=True)
class Recipe:
    """backbone: catalogue name; mode: what is trained (`frozen`: the head alone; `finetune`: later stages too, from a
    head fitted to the frozen features; `scratch`: everything, from random weights, as a control).

    strengths: L2 regularisation strengths of the frozen head to choose from; inner_folds: folds inside the training
    images that choose one; seed: for those folds, for the order of images and for the bootstrap; bootstrap: resamples
    for intervals; tuning: how stages learn.
    """

    backbone: str = DEFAULT_BACKBONE
    mode: Mode = "frozen"
    strengths: tuple[float, ...] = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
    inner_folds: int = 5
    seed: int = 0
    bootstrap: int = 2000
    tuning: Tuning = field(default_factory=Tuning)

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise RecipeUnusable(
                f"The mode “{self.mode}” is not available", todo=f"Choose one of {', '.join(get_args(Mode))}."
            )
        if not self.strengths or min(self.strengths) <= 0 or self.inner_folds < 2 or self.bootstrap < 100:
            raise RecipeUnusable(
                "The recipe holds an impossible number",
                todo="Strengths must be positive, inner folds at least 2, resamples at least 100.",
            )
        if self.tuning.problem():
            raise RecipeUnusable(f"The recipe holds {self.tuning.problem()}", todo="Change that number.")

    def to_json(self) -> str:
        """The recipe as JSON with the number of its format."""
        return json.dumps({"format": 2, **asdict(self)}, indent=2)

    @staticmethod
    def from_json(text: str) -> Recipe:
        """The recipe in that JSON, of this format or of the first, which knew the mode frozen alone.

        Raises RecipeUnusable.
        """
        try:
            fields = json.loads(text)
            if fields.pop("format") not in (1, 2):
                raise ValueError("format")
            tuning = Tuning(**fields.pop("tuning", {}))
            return Recipe(**{**fields, "strengths": tuple(fields["strengths"])}, tuning=tuning)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecipeUnusable(
                "The recipe cannot be read", todo="It may come from another version of Fineray; make a new one."
            ) from error
