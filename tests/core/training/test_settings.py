"""Settings are declared once: what is outside of a declaration is refused, what is inside survives a round trip."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from fineray.training.recipe import AugmentSettings, Recipe, RecipeUnusable, Tuning
from fineray.training.settings import Declared, Setting, declared, parts, problems, setting

WHOLE = {"": Recipe, **parts(Recipe)}
ALL = [(part, each) for part, settings in WHOLE.items() for each in declared(settings).values()]
NUMBERS = [(part, each) for part, each in ALL if each.kind in ("whole number", "number", "numbers")]
FAR = 1e6  # beyond an end that a setting does not have
few = settings_of_hypothesis(max_examples=10, deadline=None)  # of each of some forty settings


def _named(which: tuple[str, Declared]) -> str:
    return ".".join(filter(None, (which[0], which[1].name)))


def _with(part: str, each: Declared, value: Any) -> Recipe:
    """The usual recipe with one other setting."""
    recipe = Recipe()
    if not part:
        return replace(recipe, **{each.name: value})
    return replace(recipe, **{part: replace(getattr(recipe, part), **{each.name: value})})


def _value(part: str, each: Declared, recipe: Recipe) -> Any:
    return getattr(getattr(recipe, part) if part else recipe, each.name)


def _ends(each: Declared) -> tuple[float, float]:
    """(lowest, highest) allowed number; of an end that is not allowed itself, the float beside it."""
    own = each.setting
    low = own.least if own.least is not None else math.nextafter(own.above or 0, math.inf)
    if own.most is not None:
        return low, own.most
    return low, FAR if own.below is None else math.nextafter(own.below, -math.inf)


def _inside(each: Declared) -> st.SearchStrategy[Any]:
    match each.kind:
        case "yes or no":
            return st.booleans()
        case "text":
            return st.text()
        case "choice":
            return st.sampled_from(sorted(each.setting.choices))
    low, high = _ends(each)
    if each.kind == "whole number":
        step = each.setting.multiple
        numbers = st.integers(int(low) // step, int(high) // step).map(lambda number: number * step)
        return numbers if each.setting.also is None else numbers | st.just(each.setting.also)
    one = st.floats(low, high)
    return one if each.kind == "number" else st.lists(one, min_size=1, max_size=5).map(tuple)


def _outside(each: Declared) -> st.SearchStrategy[Any]:
    """Numbers below and above what is allowed, and none."""
    own, (low, high) = each.setting, _ends(each)
    whole = each.kind == "whole number"
    bad = [math.nan, math.inf, -math.inf] if not whole else []
    below = st.integers(-(10**9), int(low) - 1) if whole else st.floats(-1e9, math.nextafter(low, -math.inf))
    found = below.filter(lambda number: number != own.also) | (st.sampled_from(bad) if bad else st.nothing())
    if own.most is not None or own.below is not None:
        found |= st.integers(int(high) + 1, 10**12) if whole else st.floats(math.nextafter(high, math.inf), 1e12)
    if own.multiple > 1:
        found |= st.integers(int(low), int(high)).filter(lambda number: number % own.multiple)
    return found if each.kind != "numbers" else found.map(lambda number: (1.0, number))


WRONG: dict[str, list[Any]] = {
    "yes or no": [0, 1, "true", None, []],
    "text": [1, None, True, ["resnet18"]],
    "choice": ["", "other", None, 0, ["linear"]],
    "whole number": [True, 5.0, "5", None, [5]],
    "number": [True, "0.5", None, [0.5], 10**400],
    "numbers": [0.5, "1", None, (), ("1",), (True,), [1.0]],
}


@pytest.mark.parametrize("which", ALL, ids=_named)
@few
@given(st.data())
def test_what_is_inside_survives_a_round_trip(which: tuple[str, Declared], data: st.DataObject) -> None:
    part, each = which
    value = data.draw(_inside(each))
    recipe = _with(part, each, value)
    assert _value(part, each, recipe) == value
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize("which", NUMBERS, ids=_named)
@few
@given(st.data())
def test_what_is_outside_is_refused_by_title_and_place(which: tuple[str, Declared], data: st.DataObject) -> None:
    part, each = which
    value = data.draw(_outside(each))
    with pytest.raises(RecipeUnusable) as refused:
        _with(part, each, value)
    assert f"as “{each.setting.title}”" in refused.value.what
    assert refused.value.where == _named(which) and each.setting.bounds in refused.value.todo
    with pytest.raises(RecipeUnusable):
        Recipe.from_json(_told(part, each, value))


@pytest.mark.parametrize("which", ALL, ids=_named)
def test_a_wrong_type_is_refused_in_memory_and_in_a_file(which: tuple[str, Declared]) -> None:
    part, each = which
    for value in WRONG[each.kind]:
        with pytest.raises(RecipeUnusable, match=r"It has to be .*\."):
            _with(part, each, value)
        if each.kind == "numbers" and isinstance(value, list):
            continue  # a list of JSON is what a tuple is here
        with pytest.raises(RecipeUnusable):
            Recipe.from_json(_told(part, each, value))


def _told(part: str, each: Declared, value: Any) -> str:
    told = json.loads(Recipe().to_json())
    (told[part] if part else told)[each.name] = value
    return json.dumps(told)


@pytest.mark.parametrize("settings", WHOLE.values(), ids=lambda settings: settings.__name__)
def test_every_field_is_declared_with_words_and_its_literal_names_its_choices(settings: type) -> None:
    types = get_type_hints(settings)
    assert {*declared(settings), *parts(settings)} == set(types)
    for name, each in declared(settings).items():
        assert each.setting.title and each.setting.help.endswith((".", ")")) and each.allows(each.default)
        assert tuple(each.setting.choices) == get_args(types[name]) or each.kind != "choice"
        assert all(each.allows(offered) for offered in each.setting.offered)


@pytest.mark.parametrize(
    ("told", "where", "todo"),
    [
        ({"poling": "mean"}, "poling", "Did you mean pooling?"),
        ({"tuning": {"epoch": 3}}, "tuning.epoch", "Did you mean epochs?"),
        ({"learning_rate": 1.0}, "learning_rate", "Did you mean tuning.learning_rate"),
        ({"head": {"kind": {"linear": 1}}}, "head.kind", "It has to be linear, mlp or cosine."),
        ({"augment": 3}, "augment", "An empty {} leaves each as it is."),
    ],
)
def test_a_foreign_key_is_answered_with_the_nearest(told: dict[str, Any], where: str, todo: str) -> None:
    whole = {"format": 3, **{part: {} for part in parts(Recipe)}, **told}
    with pytest.raises(RecipeUnusable) as refused:
        Recipe.from_json(json.dumps(whole))
    assert refused.value.where == where and refused.value.todo.startswith(todo)


def test_a_value_that_cannot_be_written_out_is_refused_too() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value, said in ((deep, "a list"), (10**5000, "a value that is too long")):
        with pytest.raises(RecipeUnusable, match=f"The recipe has {said} as “Seed”"):
            Recipe(seed=-value if isinstance(value, int) else value)  # type: ignore[arg-type]


def test_what_a_file_does_not_say_stays_as_it_is() -> None:
    told = {"format": 3, "seed": 4, "head": {}, "loss": {}, "augment": {"flip": True}, "tuning": {}}
    assert Recipe.from_json(json.dumps(told)) == Recipe(seed=4, augment=AugmentSettings(flip=True))


@pytest.mark.parametrize(
    ("declaration", "bounds"),
    [
        (Setting("a"), ""),
        (Setting("a", least=1, most=32), "1 to 32"),
        (Setting("a", least=0, below=1), "at least 0 and below 1"),
        (Setting("a", above=0), "above 0"),
        (Setting("a", least=224, most=1024, multiple=32, also=0), "224 to 1024 in steps of 32, or 0"),
        (Setting("a", least=0.5, most=1_000_000), "0.5 to 1000000"),
    ],
)
def test_bounds_in_words(declaration: Setting, bounds: str) -> None:
    assert declaration.bounds == bounds


def test_a_declaration_is_all_that_a_new_setting_needs() -> None:
    @dataclass(frozen=True)
    class Small:
        sharpness: float = setting(0.5, "Sharpness", "Of edges.", least=0, most=1)

    Small.__annotations__["sharpness"] = float  # written here, the name of the type would be looked up in vain
    assert list(problems(Small())) == []
    (found,) = problems(Small(2.0), "camera.")
    assert (found.where, found.todo) == ("camera.sharpness", "It has to be a number, 0 to 1.")
    assert Tuning().epochs == declared(Tuning)["epochs"].default
