"""A Recipe says everything that decides the outcome of a training; it can be saved and repeated."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from core.backbones.catalogue import DEFAULT_BACKBONE
from core.errors import FinerayError


class RecipeUnusable(FinerayError):
    """A recipe holds a setting that this version cannot follow."""


@dataclass(frozen=True)
class Recipe:
    """backbone: catalogue name; mode: what is trained (`frozen`: the head alone).

    strengths: L2 regularisation strengths to choose from; inner_folds: folds inside the training images that
    choose one; seed: for those folds and for the bootstrap; bootstrap: resamples for intervals.
    """

    backbone: str = DEFAULT_BACKBONE
    mode: Literal["frozen"] = "frozen"
    strengths: tuple[float, ...] = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
    inner_folds: int = 5
    seed: int = 0
    bootstrap: int = 2000

    def __post_init__(self) -> None:
        if self.mode != "frozen":
            raise RecipeUnusable(f"The mode “{self.mode}” is not available", todo="Choose the mode frozen.")
        if not self.strengths or min(self.strengths) <= 0 or self.inner_folds < 2 or self.bootstrap < 100:
            raise RecipeUnusable(
                "The recipe holds an impossible number",
                todo="Strengths must be positive, inner folds at least 2, resamples at least 100.",
            )

    def to_json(self) -> str:
        """The recipe as JSON with the number of its format."""
        return json.dumps({"format": 1, **asdict(self)}, indent=2)

    @staticmethod
    def from_json(text: str) -> Recipe:
        """The recipe in that JSON. Raises RecipeUnusable."""
        try:
            fields = json.loads(text)
            if fields.pop("format") != 1:
                raise ValueError("format")
            return Recipe(**{**fields, "strengths": tuple(fields["strengths"])})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecipeUnusable(
                "The recipe cannot be read", todo="It may come from another version of Fineray; make a new one."
            ) from error
