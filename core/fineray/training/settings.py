"""A setting of a recipe, declared once: its type, bounds, default, title and help.

Beside a field of a dataclass stands setting(); from it come the checks of a recipe, the reader of recipe files, the
window's forms and the options of the command line. Knows neither torch nor Qt.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar, cast, get_origin, get_type_hints

from fineray.errors import nearest

T = TypeVar("T")
Kind = Literal["yes or no", "whole number", "number", "numbers", "choice", "text"]
KEY = "setting"


@dataclass(frozen=True)
class Setting:
    """title, help: in the user's words. least, most: of what is allowed; above, below: the same without the end itself;
    multiple: of which a number has to be one; also: a number that is allowed besides.

    choices: every allowed text and its title; offered: numbers that a list offers, with titles. unit: behind a number;
    decimals, step: of a control; by_powers: over many powers of ten, where steps of one size are of no use. option: of
    the command line, where the field's own name is another one's; earlier: a name that it had, which is still taken.
    """

    title: str
    help: str = ""
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    multiple: int = 1
    also: int | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    offered: Mapping[int, str] = field(default_factory=dict)
    unit: str = ""
    decimals: int = 2
    step: float = 0.01
    by_powers: bool = False
    option: str = ""
    earlier: str = ""

    def allows(self, number: float) -> bool:
        """Whether a number is within bounds; none that is infinite, or no number, is."""
        if number == self.also:
            return True
        return (
            _finite(number)
            and (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
            and (self.multiple == 1 or number % self.multiple == 0)
        )

    @property
    def bounds(self) -> str:
        """In words: 1 to 32; at least 0 and below 1; above 0; 224 to 1024 in steps of 32, or 0."""
        if self.least is not None and self.most is not None:
            told = f"{in_digits(self.least)} to {in_digits(self.most)}"
        else:
            ends = (("at least", self.least), ("above", self.above), ("at most", self.most), ("below", self.below))
            told = " and ".join(f"{word} {in_digits(end)}" for word, end in ends if end is not None)
        told += f" in steps of {self.multiple}" if self.multiple > 1 else ""
        return told + (f", or {self.also}" if self.also is not None else "")


def setting(default: T, title: str, help: str = "", **more: Any) -> T:
    """A dataclass's field with its declaration; more: fields of Setting."""
    return field(default=default, metadata={KEY: Setting(title, help, **more)})


@dataclass(frozen=True)
class Declared:
    """A setting with what its field says of it."""

    name: str
    kind: Kind
    default: Any
    setting: Setting

    def allows(self, value: object) -> bool:
        """Whether a value is of the right type and within bounds."""
        match self.kind:
            case "yes or no":
                return isinstance(value, bool)
            case "text":
                return isinstance(value, str)
            case "choice":
                return isinstance(value, str) and value in self.setting.choices
            case "whole number":
                return isinstance(value, int) and not isinstance(value, bool) and self.setting.allows(value)
            case "number":
                return _is_number(value) and self.setting.allows(cast(float, value))
            case "numbers":
                each = isinstance(value, tuple) and all(_is_number(one) and self.setting.allows(one) for one in value)
                return each and bool(value)

    @property
    def must(self) -> str:
        """What a value has to be, in words."""
        match self.kind:
            case "yes or no":
                return "true or false"
            case "choice":
                *others, last = self.setting.choices
                return f"{', '.join(others)} or {last}"
            case "text":
                return "text"
            case _:
                what = {"whole number": "a whole number", "number": "a number"}.get(self.kind, "one or more numbers")
                return f"{what}, {self.setting.bounds}" if self.setting.bounds else what


@dataclass(frozen=True)
class Problem:
    """what is wrong, where (part.name), and what to do."""

    what: str
    where: str
    todo: str


@lru_cache
def declared(settings: type) -> Mapping[str, Declared]:
    """The settings of a dataclass by name, in its order."""
    types = get_type_hints(settings)
    return {
        each.name: Declared(each.name, _kind(types[each.name]), each.default, each.metadata[KEY])
        for each in fields(settings)
        if KEY in each.metadata
    }


@lru_cache
def parts(settings: type) -> Mapping[str, type]:
    """The dataclasses of settings inside one, by name."""
    types = get_type_hints(settings)
    return {each.name: types[each.name] for each in fields(settings) if is_dataclass(types[each.name])}


def problems(settings: Any, within: str = "") -> Iterator[Problem]:
    """Every value that its declaration does not allow, in the parts too."""
    own: type = type(settings)
    for name, each in declared(own).items():
        value = getattr(settings, name)
        if not each.allows(value):
            what = f"The recipe has {_shown(value)} as “{each.setting.title}”"
            yield Problem(what, within + name, f"It has to be {each.must}.")
    for name, part in parts(own).items():
        inside = getattr(settings, name)
        if isinstance(inside, part):
            yield from problems(inside, f"{within}{name}.")
        else:
            yield Problem(
                f"The recipe has {_shown(inside)} in place of the settings “{name}”",
                within + name,
                "Change that setting.",
            )


def unknown_keys(settings: type, told: Mapping[str, Any], within: str = "") -> Iterator[Problem]:
    """Every key that is no setting's, and every part that is missing or no object of settings."""
    known = (*declared(settings), *parts(settings))
    deeper = [f"{name}.{inner}" for name, part in parts(settings).items() for inner in declared(part)]
    for name in told:
        if name not in known:
            yield Problem(f"There is no setting “{name}”", within + name, nearest(name, (*known, *deeper), ""))
    for name, part in parts(settings).items():
        if isinstance(told.get(name), dict):
            yield from unknown_keys(part, told[name], f"{within}{name}.")
        else:
            yield Problem(f"The recipe lacks the settings “{name}”", within + name, "An empty {} leaves each as it is.")


def from_told(settings: type[T], told: Mapping[str, Any]) -> T:
    """The settings of JSON without unknown_keys(); what is not told stays at its default."""
    whole: type = settings
    inside: dict[str, Any] = {name: from_told(part, told[name]) for name, part in parts(whole).items()}
    own = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    return settings(**{**own, **inside})


def in_digits(value: object) -> str:
    """A number without superfluous digits, a text as it is."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _kind(hint: Any) -> Kind:
    if get_origin(hint) is Literal:
        return "choice"
    return _KINDS[hint]


_KINDS: dict[Any, Kind] = {
    bool: "yes or no",
    int: "whole number",
    float: "number",
    tuple[float, ...]: "numbers",
    str: "text",
}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _shown(value: object) -> str:
    try:
        told = f"“{value}”" if isinstance(value, str) else repr(value)
    except (RecursionError, ValueError):  # lists within lists without end, numbers of thousands of digits
        told = "a list" if isinstance(value, list) else "a value that is too long"
    return told if len(told) <= 60 else f"{told[:57]}…"
