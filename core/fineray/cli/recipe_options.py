"""Options for the settings of a recipe, made from their declarations, and the recipe that they name."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

from fineray.training.recipe import Mode, Recipe, for_mode
from fineray.training.settings import Declared, declared, in_digits, parts

TITLES = {
    "head": "the new last layer",
    "loss": "labels and loss",
    "augment": "views",
    "tuning": "with finetune or scratch",
}
OF_SEARCH = "search_minutes"
TYPES: dict[str, dict[str, Any]] = {
    "yes or no": {"action": "store_true", "default": None},
    "whole number": {"type": int, "metavar": "N"},
    "number": {"type": float, "metavar": "X"},
    "numbers": {"type": float, "metavar": "X", "nargs": "+"},
    "text": {"metavar": "NAME"},
    "choice": {},
}


def recipe_options(parser: argparse.ArgumentParser) -> None:
    """An option for each setting but that of a search; not given, the setting is as it begins for the mode."""
    for part, settings in _whole_and_parts():
        group = parser.add_argument_group(TITLES[part]) if part else parser
        for each in settings.values():
            if each.name != OF_SEARCH:
                _add(group, each, _begins(part, each))


def search_option(parser: argparse.ArgumentParser, minutes: float) -> None:
    """How long to search."""
    _add(parser, declared(Recipe)[OF_SEARCH], f"{minutes:g} unless given", default=minutes)


def recipe_of(options: Namespace) -> Recipe:
    """The recipe of the mode, with what the options name. Raises RecipeUnusable."""
    start = for_mode(options.mode or "frozen")
    changed = {part: _changed(getattr(start, part) if part else start, options) for part, _ in _whole_and_parts()}
    own = changed.pop("")
    return replace(start, **own, **{part: replace(getattr(start, part), **new) for part, new in changed.items()})


def option_of(each: Declared) -> str:
    """Its name on the command line."""
    return "--" + (each.setting.option or each.name).replace("_", "-")


def _changed(settings: Any, options: Namespace) -> dict[str, Any]:
    kind: type = type(settings)
    given = {name: getattr(options, _dest(each), None) for name, each in declared(kind).items()}
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items() if value is not None
    }


def _whole_and_parts() -> Iterator[tuple[str, Any]]:
    yield "", declared(Recipe)
    for name, part in parts(Recipe).items():
        yield name, declared(part)


def _add(group: Any, each: Declared, begins: str, **more: Any) -> None:
    setting = each.setting
    limits = "; ".join(told for told in (setting.bounds, begins) if told)
    text = f"{setting.title}. {setting.help}".strip() + (f" ({limits})" if limits else "")
    choices = {"choices": tuple(setting.choices)} if setting.choices else {}
    names = [option_of(each), *([f"--{setting.earlier}"] if setting.earlier else [])]
    group.add_argument(
        *names, dest=_dest(each), help=text.replace("%", "%%"), **{**TYPES[each.kind], **choices, **more}
    )


def _dest(each: Declared) -> str:
    return (each.setting.option or each.name).replace("-", "_")


def _begins(part: str, each: Declared) -> str:
    """The value that counts where the option is not given, and those of modes that begin otherwise."""
    if each.kind == "yes or no":
        return ""
    told = f"{_shown(each.default)} unless given"
    for mode in get_args(Mode) if each.name != "mode" else ():
        start = for_mode(mode)
        value = getattr(getattr(start, part) if part else start, each.name)
        told += f", {_shown(value)} with {mode}" if value != each.default else ""
    return told


def _shown(value: Any) -> str:
    return " ".join(map(in_digits, value)) if isinstance(value, tuple) else in_digits(value)
