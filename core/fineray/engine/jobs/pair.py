"""A request and the function that does it; the pairs of all groups make one table, which has to be whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fineray.engine.requests import Result
from fineray.progress import Monitor

R = TypeVar("R")


class PairsNotWhole(LookupError):
    """A request has no job, or more than one, or a job no request: the program is wrong, and says so as it starts."""


@dataclass(frozen=True)
class Pair(Generic[R]):
    """job: raises Cancelled, a FinerayError, or whatever a fault raises."""

    request: type[R]
    job: Callable[[R, Monitor], Result]


def paired(requests: Iterable[type], pairs: Iterable[Pair[Any]]) -> Mapping[type, Callable[[Any, Monitor], Result]]:
    """The job of each request. Raises PairsNotWhole unless every one of them has one, and nothing else has."""
    pairs = tuple(pairs)
    wanted, there = set(requests), Counter(each.request for each in pairs)
    for what, found in (
        ("no job", wanted - there.keys()),
        ("more than one job", {each for each, times in there.items() if times > 1}),
        ("a job, but is no request", there.keys() - wanted),
    ):
        if found:
            raise PairsNotWhole(f"{', '.join(sorted(each.__name__ for each in found))}: has {what}")
    return {each.request: each.job for each in pairs}
