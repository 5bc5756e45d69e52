"""Requests and jobs make pairs without a rest, or the program does not start."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fineray.engine.jobs.pair import Pair, PairsNotWhole, paired
from fineray.progress import Monitor


@dataclass(frozen=True)
class Asked:
    word: str


@dataclass(frozen=True)
class Forgotten: ...


def _answer(request: Asked, _: Monitor) -> str:
    return request.word


def _shrug(_request: Forgotten, _: Monitor) -> str:
    return ""


ANSWERED = Pair(Asked, _answer)


def test_each_request_finds_its_job() -> None:
    table = paired([Asked, Forgotten], [ANSWERED, Pair(Forgotten, _shrug)])
    assert table[Asked](Asked("yes"), Monitor()) == "yes"
    assert table[Forgotten] is _shrug


@pytest.mark.parametrize(
    ("requests", "pairs", "said"),
    [
        ([Asked, Forgotten], [ANSWERED], "Forgotten: has no job"),
        ([Asked], [ANSWERED, ANSWERED], "Asked: has more than one job"),
        ([Asked], [ANSWERED, Pair(Forgotten, _shrug)], "Forgotten: has a job, but is no request"),
    ],
)
def test_what_is_left_over_is_named(requests: list[type], pairs: list[Pair[Asked]], said: str) -> None:
    with pytest.raises(PairsNotWhole, match=said):
        paired(requests, pairs)
