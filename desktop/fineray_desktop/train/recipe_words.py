"""A recipe in words."""

from __future__ import annotations

from fineray.backbones.catalogue import UnknownBackbone, backbone
from fineray.training.recipe import Recipe, for_mode
from fineray_desktop.train.recipe_fields import (
    AUGMENT,
    HEAD,
    INPUT,
    LOSS,
    TUNING,
)

MODES = (
    ("The new last layer (seconds)", "frozen"),
    ("Later stages too (minutes)", "finetune"),
    ("Everything, from random weights", "scratch"),
)


def settings(recipe: Recipe) -> str:
    """A recipe in one line: backbone, what learns, what was changed."""
    try:
        title = backbone(recipe.backbone).title
    except UnknownBackbone:  # its weights were taken away since
        title = recipe.backbone
    mode = next(text for text, each in MODES if each == recipe.mode).partition(" (")[0].lower()
    told = f"{title}, {mode}"
    if recipe.mode != "frozen":
        told += f", {recipe.tuning.epochs} epochs"
    if recipe.mode == "finetune":
        told += f", {recipe.tuning.frozen_stages} frozen stages"
    return f"{told}. {changes(recipe)}".strip()


def changes(recipe: Recipe) -> str:
    """What differs from where the mode begins, in a few words."""
    start = for_mode(recipe.mode)
    changed = []
    for part, fields in (("", INPUT), ("head", HEAD), ("loss", LOSS), ("augment", AUGMENT), ("tuning", TUNING)):
        now, before = (getattr(each, part) if part else each for each in (recipe, start))
        for field in fields:
            value = getattr(now, field.name)
            if value != getattr(before, field.name):
                shown = next((text for text, choice in field.choices if choice == value), value)
                changed.append(f"{field.title}: {'yes' if shown is True else 'no' if shown is False else shown}")
    return f"Changed: {'; '.join(changed)}." if changed else ""
