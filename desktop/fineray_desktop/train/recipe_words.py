"""A recipe in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fineray.backbones.catalogue import UnknownBackbone, backbone
from fineray.training.recipe import Recipe, for_mode
from fineray.training.settings import Declared, declared, in_digits, parts

MODES = declared(Recipe)["mode"].setting.choices
ON_THE_PAGE = ("backbone", "mode", "frozen_stages", "epochs")


def settings(recipe: Recipe) -> str:
    """A recipe in one line: backbone, what learns, what was changed."""
    try:
        title = backbone(recipe.backbone).title
    except UnknownBackbone:  # its weights were taken away since
        title = recipe.backbone
    told = f"{title}, {MODES[recipe.mode].partition(' (')[0].lower()}"
    if recipe.mode != "frozen":
        told += f", {recipe.tuning.epochs} epochs"
    if recipe.mode == "finetune":
        told += f", {recipe.tuning.frozen_stages} frozen stages"
    return f"{told}. {changes(recipe)}".strip()


def changes(recipe: Recipe) -> str:
    """What differs from where the mode begins, in a few words; but for what the page itself shows."""
    changed = list(_changed(recipe, for_mode(recipe.mode)))
    for part in parts(Recipe):
        changed += _changed(getattr(recipe, part), getattr(for_mode(recipe.mode), part))
    return f"Changed: {'; '.join(changed)}." if changed else ""


def _changed(now: Any, before: Any) -> Iterator[str]:
    for name, each in declared(type(now)).items():
        value = getattr(now, name)
        if name not in ON_THE_PAGE and value != getattr(before, name):
            yield f"{each.setting.title}: {_in_words(each, value)}"


def _in_words(each: Declared, value: Any) -> str:
    match each.kind:
        case "choice":
            return each.setting.choices[value]
        case "yes or no":
            return "yes" if value else "no"
        case "numbers":
            return ", ".join(map(in_digits, value))
        case _:
            return each.setting.offered.get(value, f"{in_digits(value)}{each.setting.unit}")
