"""A Recipe says everything that decides the outcome of a training; it can be saved, compared, repeated and shared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from fineray.backbones.catalogue import DEFAULT_BACKBONE
from fineray.errors import FinerayError

Mode = Literal["frozen", "finetune", "scratch"]
HeadKind = Literal["linear", "mlp", "cosine"]
Pooling = Literal["mean", "max", "mean and deviation"]
Loss = Literal["cross-entropy", "focal"]
Balance = Literal["none", "weights", "sampling"]
Uncertain = Literal["left out", "softened"]
Norms = Literal["source", "films"]

FORMAT = 3
RECIPE_FILE = "recipe.json"
SMALLEST, LARGEST, STEP = 224, 1024, 32  # pixels a side; networks halve their maps five times

Check = tuple[bool, str]  # (fine, what is impossible if not)


class RecipeUnusable(FinerayError):
    """A recipe holds a setting that this version cannot follow."""


@dataclass(frozen=True)
class HeadSettings:
    """The new last layer, fitted by L-BFGS.

    kind: `linear`, `mlp` with one layer of `hidden` units, or `cosine` similarity to one direction a class; strengths:
    L2 regularisation strengths to choose from, by inner_folds folds inside the training images.
    """

    kind: HeadKind = "linear"
    strengths: tuple[float, ...] = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
    inner_folds: int = 5
    hidden: int = 64

    def checks(self) -> Iterator[Check]:
        """What has to hold."""
        yield self.kind in get_args(HeadKind), f"a head “{self.kind}”"
        yield bool(self.strengths) and min(self.strengths) > 0, "a strength that is not above 0"
        yield self.inner_folds >= 2, "fewer than 2 inner folds"
        yield 1 <= self.hidden <= 4096, "hidden units outside 1 to 4,096"


@dataclass(frozen=True)
class LossSettings:
    """What counts as an error, and how much.

    focal: errors that are nearly right count less, by the power `gamma` (Lin 2017); balance: classes weigh alike by
    `weights`, or are drawn alike by `sampling` (in a head's fit, where every image is seen at once, the two are the
    same); smoothing of the labels in 0..1; doubtful findings are `left out`, or count as `softened`
    ones of `certainty` 0.5..1 (Irvin 2019, U-SmoothOnes); an uncertain label that names no class is always left out.
    """

    kind: Loss = "cross-entropy"
    gamma: float = 2.0
    balance: Balance = "none"
    smoothing: float = 0.0
    uncertain: Uncertain = "left out"
    certainty: float = 0.75

    def checks(self) -> Iterator[Check]:
        """What has to hold."""
        yield self.kind in get_args(Loss), f"a loss “{self.kind}”"
        yield self.balance in get_args(Balance), f"a balance “{self.balance}”"
        yield self.uncertain in get_args(Uncertain), f"a way “{self.uncertain}” of treating uncertain labels"
        yield 0 <= self.gamma <= 10, "a focal power outside 0 to 10"
        yield 0 <= self.smoothing < 1, "a smoothing outside 0 to 1"
        yield 0.5 <= self.certainty <= 1, "a certainty outside 0.5 to 1"


@dataclass(frozen=True)
class AugmentSettings:
    """Views of a film as another exposure might have shown it; each number is the largest change.

    rotation in degrees; scale, shift and crop as shares of the film; contrast: gamma from 1 / (1 + contrast) to
    1 + contrast; noise: standard deviation of shades in 0..1; flip: mirrored too, which loses laterality. views:
    augmented views of each image that are kept beside itself (a frozen head learns from all of them); test_views:
    views whose predictions are averaged with the film's own.
    """

    rotation: float = 7.0
    scale: float = 0.1
    shift: float = 0.045
    crop: float = 0.0
    contrast: float = 0.25
    noise: float = 0.02
    flip: bool = False
    views: int = 0
    test_views: int = 0

    def checks(self) -> Iterator[Check]:
        """What has to hold."""
        yield 0 <= self.rotation <= 180, "a rotation outside 0 to 180 degrees"
        yield all(0 <= share < 0.9 for share in (self.scale, self.shift, self.crop)), "a share outside 0 to 0.9"
        yield 0 <= self.contrast <= 4 and 0 <= self.noise <= 1, "a contrast above 4, or noise above 1"
        yield 0 <= self.views <= 32 and 0 <= self.test_views <= 32, "more than 32 views"


@dataclass(frozen=True)
class Tuning:
    """How stages of the backbone learn (modes finetune and scratch).

    frozen_stages: stages from the start that stay as they are, at most all but one; gradual: the last stage learns from
    the start, each one before it joins later; epochs; batch: images; learning_rate of the last stage, each stage before
    it `slower` times that of the next; head_rate: of the last layer; weight_decay; warm_up: share of the steps;
    dropout before the last layer; averaging: memory of the weights' moving average, 0 for none; blend: share of the
    tuned weights in the model that is kept, the rest is where they began (WiSE-FT, Wortsman 2022); source_pull: L2
    towards the pretrained weights (L2-SP, Li 2018); norms: batch norms of learning stages keep the statistics of the
    `source` or take those of the `films` (frozen stages always keep theirs); validation: share of the training patients
    set aside for early stopping and for the temperature, where the split has no validation part; patience: epochs
    without a better validation AUC before training stops, 0 for never.
    """

    frozen_stages: int = 5
    gradual: bool = False
    epochs: int = 6
    batch: int = 16
    learning_rate: float = 5e-4
    slower: float = 0.8
    head_rate: float = 3e-4
    weight_decay: float = 0.02
    warm_up: float = 0.1
    dropout: float = 0.0
    averaging: float = 0.97
    blend: float = 0.5
    source_pull: float = 0.0
    norms: Norms = "source"
    validation: float = 0.0
    patience: int = 0

    def checks(self) -> Iterator[Check]:
        """What has to hold."""
        yield self.frozen_stages >= 0, "a number of frozen stages below 0"
        yield self.epochs >= 1 and self.batch >= 2, "no epoch, or a batch of one image"
        yield self.learning_rate > 0 and self.head_rate > 0, "a learning rate that is not above 0"
        yield 0 < self.slower <= 1, "a factor between stages outside 0 to 1"
        yield 0 <= self.warm_up < 1 and 0 <= self.averaging < 1, "a share outside 0 to 1"
        yield 0 <= self.dropout < 1, "a dropout outside 0 to 1"
        yield 0 < self.blend <= 1, "a blend outside 0 to 1"
        yield self.weight_decay >= 0 and self.source_pull >= 0, "a negative regularisation"
        yield self.norms in get_args(Norms), f"norms “{self.norms}”"
        yield 0 <= self.validation <= 0.5, "more than half of the patients set aside for validation"
        yield self.patience >= 0, "a patience below 0"


FROM_SCRATCH = Tuning(
    frozen_stages=0,
    epochs=12,
    learning_rate=1e-3,
    slower=1.0,
    head_rate=1e-3,
    averaging=0.0,
    blend=1.0,
    norms="films",
)


KEPT_VIEWS = 3  # of each film in fine-tuning, where the activations at the boundary are kept


@dataclass(frozen=True)
class Recipe:
    """Every setting that decides the outcome of a training.

    Parameters
    ----------
    backbone : str
        A name of the catalogue (`fineray weights list`).
    mode : {"frozen", "finetune", "scratch"}
        What is trained: the head alone; later stages too, from a head fitted to the frozen features; or everything,
        from random weights, as a control.
    side : int
        Of the square input, in pixels: 224 to 1,024 in steps of 32, or 0 for the backbone's own.
    pooling : {"mean", "max", "mean and deviation"}
        How each stage's map becomes features.
    head : HeadSettings
        The new last layer.
    loss : LossSettings
        What counts as an error, and how much.
    augment : AugmentSettings
        Views of an image as another exposure might have shown it.
    tuning : Tuning
        How stages of the backbone learn, in the modes "finetune" and "scratch".
    shuffled : bool
        A control: learn from labels in another order.
    search_minutes : float
        Time to look for better settings inside each fit, 0 for none (fineray.training.choosing.search).
    seed : int
        Of everything that is drawn.
    bootstrap : int
        Resamples for intervals, at least 100.

    Raises
    ------
    RecipeUnusable
        A setting is out of its bounds.

    Examples
    --------
    >>> import fineray
    >>> recipe = fineray.Recipe(mode="finetune", seed=7)
    >>> fineray.Recipe.from_json(recipe.to_json()) == recipe
    True
    """

    backbone: str = DEFAULT_BACKBONE
    mode: Mode = "frozen"
    side: int = 0
    pooling: Pooling = "mean"
    head: HeadSettings = field(default_factory=HeadSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    tuning: Tuning = field(default_factory=Tuning)
    shuffled: bool = False
    search_minutes: float = 0.0
    seed: int = 0
    bootstrap: int = 2000

    def __post_init__(self) -> None:
        for fine, what in self._checks():
            if not fine:
                raise RecipeUnusable(f"The recipe holds {what}", todo="Change that setting.")

    def _checks(self) -> Iterator[Check]:
        yield self.mode in get_args(Mode), f"the mode “{self.mode}”, which is none of {', '.join(get_args(Mode))}"
        yield self.pooling in get_args(Pooling), f"a pooling “{self.pooling}”"
        sides = self.side == 0 or (SMALLEST <= self.side <= LARGEST and self.side % STEP == 0)
        yield sides, f"an input of {self.side} pixels (it may be {SMALLEST} to {LARGEST}, in steps of {STEP})"
        yield self.bootstrap >= 100, "fewer than 100 resamples"
        yield self.search_minutes >= 0, "a search of negative length"
        for part in (self.head, self.loss, self.augment, self.tuning):
            yield from part.checks()

    def to_json(self) -> str:
        """The recipe as JSON with the number of its format."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2)

    @staticmethod
    def from_json(text: str) -> Recipe:
        """The recipe in that JSON. Raises RecipeUnusable, also for those of formats 1 and 2: their features were of
        the last stages only, which this version does not compute.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            found = fields.pop("format")
            if found in (1, 2):
                raise RecipeUnusable(
                    "The run was made by an earlier version, with features that this one does not compute",
                    todo="Its figures stay as they are; train again for a model that predicts.",
                )
            if found != FORMAT:
                raise ValueError("format")
            head = fields.pop("head")
            return Recipe(
                **{
                    **fields,
                    "head": HeadSettings(**{**head, "strengths": tuple(head["strengths"])}),
                    "loss": LossSettings(**fields["loss"]),
                    "augment": AugmentSettings(**fields["augment"]),
                    "tuning": Tuning(**fields["tuning"]),
                }
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RecipeUnusable(
                "The recipe cannot be read", todo="It may come from another version of Fineray; make a new one."
            ) from error

    @staticmethod
    def of_run(folder: Path) -> Recipe:
        """The recipe of the run in that folder. Raises RecipeUnusable."""
        return Recipe.from_json((folder / RECIPE_FILE).read_bytes().decode(errors="replace"))


def for_mode(mode: Mode) -> Recipe:
    """Where a recipe of that mode begins."""
    if mode == "scratch":
        return Recipe(mode=mode, tuning=FROM_SCRATCH)
    return Recipe(mode=mode, augment=AugmentSettings(views=KEPT_VIEWS if mode == "finetune" else 0))
