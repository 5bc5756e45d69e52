"""The command line has an option for each declared setting, with its choices, bounds and default in the help."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import pytest

from fineray.cli.main import parser
from fineray.cli.recipe_options import OF_SEARCH, option_of, recipe_of
from fineray.training.recipe import FROM_SCRATCH, AugmentSettings, HeadSettings, Recipe, RecipeUnusable, for_mode
from fineray.training.settings import Declared, declared, parts

ALL = [each for settings in (Recipe, *parts(Recipe).values()) for each in declared(settings).values()]
TYPES = {"whole number": int, "number": float, "numbers": float, "text": None, "choice": None}
# What stood there before the options were made from the declarations; scripts may hold them.
EARLIER = (
    "--backbone --mode --side --pooling --head --loss --balance --smoothing --uncertain --views --test-views"
    " --flip --shuffled --frozen-stages --gradual --epochs --batch --learning-rate --validation --patience"
    " --source-pull --seed --folds --recipe --anew --continue --find-rate"
)


def _options(command: str) -> dict[str, argparse.Action]:
    (groups,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return {name: action for action in groups.choices[command]._actions for name in action.option_strings}


def _parsed(*arguments: str) -> argparse.Namespace:
    return parser().parse_args(["train", "study", *arguments])


@pytest.mark.parametrize("each", ALL, ids=option_of)
def test_an_option_says_what_its_declaration_says(each: Declared) -> None:
    action = _options("search" if each.name == OF_SEARCH else "train")[option_of(each)]
    text = (action.help or "").replace("%%", "%")
    assert text.startswith(f"{each.setting.title}. {each.setting.help}".strip())
    assert each.setting.bounds in text
    assert tuple(action.choices or ()) == tuple(each.setting.choices)
    if each.kind == "yes or no":
        assert action.nargs == 0
    else:
        assert action.type is TYPES[each.kind] and "unless given" in text


def test_no_earlier_option_is_gone() -> None:
    assert set(EARLIER.split()) <= set(_options("train"))
    assert {*EARLIER.split()[:-3], "--minutes"} <= set(_options("search"))
    assert _options("search")["--minutes"].default == 10


@pytest.mark.parametrize(
    ("arguments", "recipe"),
    [
        ("", Recipe()),
        ("--mode finetune", for_mode("finetune")),
        ("--mode scratch --epochs 3", Recipe(mode="scratch", tuning=replace(FROM_SCRATCH, epochs=3))),
        ("--input-size 256 --seed 7 --shuffled", Recipe(input_size=256, seed=7, shuffled=True)),
        ("--head mlp --hidden 8 --strengths 3 1", Recipe(head=HeadSettings("mlp", (3.0, 1.0), hidden=8))),
        ("--flip --rotation 0 --views 2", Recipe(augment=AugmentSettings(flip=True, rotation=0, views=2))),
    ],
)
def test_what_is_not_given_is_as_the_mode_begins(arguments: str, recipe: Recipe) -> None:
    assert recipe_of(_parsed(*arguments.split())) == recipe


@pytest.mark.parametrize(
    ("arguments", "where"),
    [("--epochs 0", "tuning.epochs"), ("--input-size 225", "input_size"), ("--noise nan", "augment.noise")],
)
def test_what_is_out_of_bounds_is_refused_in_the_words_of_the_declaration(arguments: str, where: str) -> None:
    with pytest.raises(RecipeUnusable, match="It has to be a"):
        try:
            recipe_of(_parsed(*arguments.split()))
        except RecipeUnusable as error:
            assert error.where == where
            raise


@pytest.mark.parametrize("arguments", ["--head round", "--epochs many", "--learning-rate fast"])
def test_what_is_of_another_type_is_a_wrong_command_line(arguments: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as left:
        _parsed(*arguments.split())
    assert left.value.code == 2 and arguments.split()[0] in capsys.readouterr().err
