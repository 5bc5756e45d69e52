"""A backbone small enough to be tuned within a second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

from fineray.backbones.adding import add_weights
from fineray.training.recipe import Recipe

TINY = "timm:test_efficientnet"  # 99 thousand parameters in six stages


def add_tiny(folder: Path) -> str:
    """Give this user random weights for it; its name."""
    torch.manual_seed(3)
    path = folder / "tiny.safetensors"
    save_file(timm.create_model(TINY.removeprefix("timm:")).state_dict(), path)
    return add_weights(path, TINY).name


def wild(recipe: Recipe) -> Recipe:
    """The same with learning rates that no recipe may have: there training diverges for certain."""
    tuning = replace(recipe.tuning, epochs=20, warm_up=0.0)
    for name in ("learning_rate", "head_rate"):
        object.__setattr__(tuning, name, 1e18)
    made = replace(recipe, seed=recipe.seed)
    object.__setattr__(made, "tuning", tuning)
    return made
