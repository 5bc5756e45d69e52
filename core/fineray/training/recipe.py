"""A Recipe says everything that decides the outcome of a training; it can be saved, compared, repeated and shared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from fineray.backbones.catalogue import DEFAULT_BACKBONE
from fineray.errors import FinerayError
from fineray.training.settings import Problem, from_told, problems, setting, unknown_keys

Mode = Literal["frozen", "finetune", "scratch"]
HeadKind = Literal["linear", "mlp", "cosine"]
Pooling = Literal["mean", "max", "mean and deviation"]
Loss = Literal["cross-entropy", "focal"]
Balance = Literal["none", "weights", "sampling"]
Uncertain = Literal["left out", "softened"]
Norms = Literal["source", "images"]

FORMAT = 4  # 3: `side`, and norms of `images`
RECIPE_FILE = "recipe.json"
SMALLEST, LARGEST, STEP = 224, 1024, 32  # pixels a side; networks halve their maps five times
SIDES = (224, 320, 384, 512, 768, 1024)  # that are offered
OTHER_VERSION = "It may come from another version of Fineray; make a new one."


class RecipeUnusable(FinerayError):
    """A recipe holds a setting that this version cannot follow."""


@dataclass(frozen=True)
class HeadSettings:
    """The new last layer, fitted by L-BFGS.

    kind: `linear`, `mlp` with one layer of `hidden` units, or `cosine` similarity to one direction a class; strengths:
    L2 regularisation strengths to choose from, by inner_folds folds inside the training images.
    """

    kind: HeadKind = setting(
        "linear",
        "Last layer",
        "Linear: a logistic regression. One hidden layer: for findings that no straight line separates. Cosine: each"
        " class is a direction; for very few images.",
        choices={"linear": "Linear", "mlp": "One hidden layer", "cosine": "Cosine"},
        option="head",
    )
    strengths: tuple[float, ...] = setting(
        (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03),
        "Regularisation strengths",
        "Those (L2) that the inner folds choose from.",
        above=0,
    )
    inner_folds: int = setting(
        5, "Inner folds", "Folds inside the training patients that choose the regularisation.", least=2, most=100
    )
    hidden: int = setting(64, "Hidden units", "With one hidden layer.", least=1, most=4096)


@dataclass(frozen=True)
class LossSettings:
    """What counts as an error, and how much.

    focal: errors that are nearly right count less, by the power `gamma` (Lin 2017); balance: classes weigh alike by
    `weights`, or are drawn alike by `sampling` (in a head's fit, where every image is seen at once, the two are the
    same); smoothing of the labels in 0..1; doubtful findings are `left out`, or count as `softened`
    ones of `certainty` 0.5..1 (Irvin 2019, U-SmoothOnes); an uncertain label that names no class is always left out.
    """

    kind: Loss = setting(
        "cross-entropy",
        "Loss",
        "Cross-entropy: every error by its size. Focal: images that are nearly right count less.",
        choices={"cross-entropy": "Cross-entropy", "focal": "Focal"},
        option="loss",
    )
    gamma: float = setting(
        2.0, "Focal power", "How much less images that are nearly right count.", least=0, most=10, decimals=1, step=0.5
    )
    balance: Balance = setting(
        "none",
        "Classes of unlike size",
        "As they are; or small classes weigh as much as large ones; or are drawn as often. Probabilities then no longer"
        " follow how often a class occurs.",
        choices={"none": "Count as they are", "weights": "Weigh alike", "sampling": "Are drawn alike"},
    )
    smoothing: float = setting(
        0.0, "Label smoothing", "A share of doubt in every label; helps where labels are noisy.", least=0, below=1
    )
    uncertain: Uncertain = setting(
        "left out",
        "Doubtful findings",
        "Findings with a question mark, in label sets of several findings.",
        choices={"left out": "Left out", "softened": "Softened"},
    )
    certainty: float = setting(
        0.75, "Certainty of softened findings", "What a doubtful finding counts as.", least=0.5, most=1, step=0.05
    )


@dataclass(frozen=True)
class AugmentSettings:
    """Views of an image as another exposure might have shown it; each number is the largest change.

    rotation in degrees; scale, shift and crop as shares of the image; contrast: gamma from 1 / (1 + contrast) to
    1 + contrast; noise: standard deviation of shades in 0..1; flip: mirrored too, which loses laterality. views:
    augmented views of each image that are kept beside itself (a frozen head learns from all of them); test_views:
    views whose predictions are averaged with the image's own.
    """

    rotation: float = setting(
        7.0, "Rotation up to", "A patient stands or lies askew.", least=0, most=180, decimals=0, step=1, unit="°"
    )
    scale: float = setting(0.1, "Scale up to", "Share by which an image is larger or smaller.", least=0, below=0.9)
    shift: float = setting(
        0.045, "Shift up to", "Share of the side by which an image is moved.", least=0, below=0.9, decimals=3
    )
    crop: float = setting(
        0.0, "Crop up to", "Share of the image that is cut away around, on half of the views.", least=0, below=0.9
    )
    contrast: float = setting(
        0.25, "Contrast up to", "Exposure: gamma from 1 / (1 + this) to 1 + this.", least=0, most=4
    )
    noise: float = setting(0.02, "Noise", "Standard deviation of shades between 0 and 1.", least=0, most=1)
    flip: bool = setting(
        False, "Mirrored too", "Left becomes right: laterality is lost, and a heart on the wrong side looks usual."
    )
    views: int = setting(
        0,
        "Views kept",
        "Augmented views of each image that are worked out once; 0: new ones at every look in fine-tuning, none for a"
        " frozen backbone.",
        least=0,
        most=32,
    )
    test_views: int = setting(
        0,
        "Views at prediction",
        "Augmented views whose predictions are averaged with the image's own.",
        least=0,
        most=32,
    )


@dataclass(frozen=True)
class Tuning:
    """How stages of the backbone learn (modes finetune and scratch).

    frozen_stages: stages from the start that stay as they are, at most all but one; gradual: the last stage learns from
    the start, each one before it joins later; epochs; batch: images; learning_rate of the last stage, each stage before
    it `slower` times that of the next; head_rate: of the last layer; weight_decay; warm_up: share of the steps;
    dropout before the last layer; averaging: memory of the weights' moving average, 0 for none; blend: share of the
    tuned weights in the model that is kept, the rest is where they began (WiSE-FT, Wortsman 2022); source_pull: L2
    towards the pretrained weights (L2-SP, Li 2018); norms: batch norms of learning stages keep the statistics of the
    `source` or take those of the `images` (frozen stages always keep theirs); validation: share of the training
    patients set aside for early stopping and for the temperature, where the split has no validation part; patience:
    epochs without a better validation AUC before training stops, 0 for never.
    """

    frozen_stages: int = setting(
        5, "Frozen stages", "Stages from the start that stay as they are; with fewer it takes longer.", least=0
    )
    gradual: bool = setting(
        False, "Unfreeze stage by stage, the last one first", "Earlier stages join in the course of training."
    )
    epochs: int = setting(
        6, "Epochs", "How often each image is looked at, in one of its views each time.", least=1, most=10_000
    )
    batch: int = setting(
        16, "Images a step", "A batch that does not fit the memory is cut up by itself.", least=2, most=10_000
    )
    learning_rate: float = setting(5e-4, "Learning rate", "Of the last stage.", above=0, most=10, by_powers=True)
    slower: float = setting(
        0.8,
        "Rate from stage to stage",
        "Each stage learns at this share of the rate of the next one.",
        above=0,
        most=1,
        step=0.05,
    )
    head_rate: float = setting(
        3e-4, "Rate of the last layer", "Of the new last layer.", above=0, most=10, by_powers=True
    )
    weight_decay: float = setting(0.02, "Weight decay", "Keeps weights small.", least=0, most=10, decimals=3)
    warm_up: float = setting(0.1, "Warm-up", "Share of the steps in which the rate rises.", least=0, below=1)
    dropout: float = setting(
        0.0,
        "Dropout",
        "Share of the features that are left out at random before the last layer.",
        least=0,
        below=1,
    )
    averaging: float = setting(
        0.97,
        "Weight averaging",
        "Memory of the moving average of the weights; 0 for none.",
        least=0,
        below=1,
        decimals=3,
    )
    blend: float = setting(
        0.5,
        "Share of the tuned weights",
        "The rest is where they began; half and half is seldom worse than either.",
        above=0,
        most=1,
        step=0.05,
    )
    source_pull: float = setting(
        0.0,
        "Pull towards the source",
        "Keeps the weights near the pretrained ones (L2-SP).",
        least=0,
        most=100,
        decimals=3,
    )
    norms: Norms = setting(
        "source",
        "Batch norms",
        "Of stages that learn: the statistics of the source, as small studies need, or those of the images.",
        choices={"source": "Keep the source's statistics", "images": "Follow the images"},
    )
    validation: float = setting(
        0.0,
        "Patients for validation",
        "Share of the training patients set aside for early stopping and calibration, where the split has no validation"
        " part.",
        least=0,
        most=0.5,
        step=0.05,
    )
    patience: int = setting(
        0,
        "Stop early after",
        "Epochs without a better validation AUC; 0: never.",
        least=0,
        most=10_000,
        unit=" epochs",
    )


FROM_SCRATCH = Tuning(
    frozen_stages=0,
    epochs=12,
    learning_rate=1e-3,
    slower=1.0,
    head_rate=1e-3,
    averaging=0.0,
    blend=1.0,
    norms="images",
)


KEPT_VIEWS = 3  # of each image in fine-tuning, where the activations at the boundary are kept


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
    input_size : int
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

    backbone: str = setting(DEFAULT_BACKBONE, "Backbone", "A name of the catalogue (fineray weights).")
    mode: Mode = setting(
        "frozen",
        "What learns",
        "The new last layer alone, later stages too, or everything.",
        choices={
            "frozen": "The new last layer (seconds)",
            "finetune": "Later stages too (minutes)",
            "scratch": "Everything, from random weights",
        },
    )
    input_size: int = setting(
        0,
        "Input",
        "Larger inputs show finer findings and take longer, by the square of the side. Images are kept at 512 pixels a"
        " side unless the project chooses more (page Import); beyond it they are only enlarged. 0: the backbone's own.",
        least=SMALLEST,
        most=LARGEST,
        multiple=STEP,
        also=0,
        earlier="side",
        offered={0: "The backbone's own", **{side: f"{side} × {side} pixels" for side in SIDES}},
    )
    pooling: Pooling = setting(
        "mean",
        "Pooling",
        "How the map of each stage becomes numbers: its mean; its maximum; or mean and standard deviation.",
        choices={"mean": "Mean", "max": "Maximum", "mean and deviation": "Mean and deviation"},
    )
    head: HeadSettings = field(default_factory=HeadSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    tuning: Tuning = field(default_factory=Tuning)
    shuffled: bool = setting(
        False, "Learn from shuffled labels (a control)", "Nothing can be learned from them: AUC near 0.5."
    )
    search_minutes: float = setting(
        0.0,
        "Search for",
        "Minutes to look for better settings, inside the training patients of each fold; 0 for none.",
        least=0,
        most=1_000_000,
        decimals=0,
        step=1,
        unit=" minutes",
        option="minutes",
    )
    seed: int = setting(0, "Seed", "Of everything that is drawn.", least=0)
    bootstrap: int = setting(2000, "Resamples", "For the intervals.", least=100, most=1_000_000)

    def __post_init__(self) -> None:
        _raise_first(problems(self))

    def to_json(self) -> str:
        """The recipe as JSON with the number of its format."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2)

    @staticmethod
    def from_json(text: str) -> Recipe:
        """The recipe in that JSON. Raises RecipeUnusable, also for those of formats 1 and 2: their features were of
        the last stages only, which this version does not compute.
        """
        try:
            told: dict[str, Any] = json.loads(text)
            found = told.pop("format")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RecipeUnusable("The recipe cannot be read", todo=OTHER_VERSION) from error
        if found in (1, 2):
            raise RecipeUnusable(
                "The run was made by an earlier version, with features that this one does not compute",
                todo="Its figures stay as they are; train again for a model that predicts.",
            )
        if found not in (3, FORMAT):
            raise RecipeUnusable(f"The recipe is of a format that is not {FORMAT}", todo=OTHER_VERSION)
        if found == 3:
            told = _of_third_format(told)
        _raise_first(unknown_keys(Recipe, told))
        return from_told(Recipe, told)

    @staticmethod
    def of_run(folder: Path) -> Recipe:
        """The recipe of the run in that folder. Raises RecipeUnusable."""
        return Recipe.from_json((folder / RECIPE_FILE).read_bytes().decode(errors="replace"))


def _of_third_format(told: dict[str, Any]) -> dict[str, Any]:
    """The same under the words of today."""
    made = {("input_size" if name == "side" else name): value for name, value in told.items()}
    tuning = made.get("tuning")
    if isinstance(tuning, dict) and tuning.get("norms") == "images":
        made["tuning"] = {**tuning, "norms": "images"}
    return made


def for_mode(mode: Mode) -> Recipe:
    """Where a recipe of that mode begins."""
    if mode == "scratch":
        return Recipe(mode=mode, tuning=FROM_SCRATCH)
    return Recipe(mode=mode, augment=AugmentSettings(views=KEPT_VIEWS if mode == "finetune" else 0))


def _raise_first(found: Iterator[Problem]) -> None:
    problem = next(found, None)
    if problem is not None:
        raise RecipeUnusable(problem.what, where=problem.where, todo=problem.todo)
