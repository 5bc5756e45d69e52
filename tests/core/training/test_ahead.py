"""Batches come in order, are prepared while others are worked on, and a device never waits for what is handed on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from fineray.training.ahead import computed_ahead, prepared_ahead


def picture(number: int) -> NDArray[np.uint8]:
    return np.full((1, 2, 2), number, np.uint8)


def test_batches_come_in_order_whichever_is_ready_first() -> None:
    second = threading.Event()

    def prepare(number: int) -> NDArray[np.uint8]:
        if number == 0:
            assert second.wait(20), "the second batch is prepared while the first one is"
        if number == 1:
            second.set()
        return picture(number)

    found = list(prepared_ahead(range(9), prepare, 2))
    assert [number for number, _ in found] == list(range(9))
    assert all(int(images[0, 0, 0]) == number for number, images in found)


def test_no_more_is_prepared_than_is_soon_needed_and_nothing_after_the_end() -> None:
    begun: list[int] = []
    coming = prepared_ahead(range(100), lambda number: (begun.append(number), picture(number))[1], 3)
    next(coming)
    coming.close()
    assert len(begun) <= 5


def test_what_cannot_be_prepared_is_told_in_its_turn() -> None:
    def prepare(number: int) -> NDArray[np.uint8]:
        if number == 2:
            raise OSError("unreadable")
        return picture(number)

    coming = prepared_ahead(range(5), prepare, 4)
    assert [next(coming)[0] for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="unreadable"):
        next(coming)


def test_a_device_has_the_next_batch_before_one_is_handed_on() -> None:
    log: list[str] = []

    def start(number: int, images: NDArray[np.uint8]) -> Callable[[], NDArray[np.float32]]:
        log.append(f"start {number}")
        return lambda: np.full((1, 1), number, np.float32)

    given = [(number, picture(number)) for number in range(3)]
    for number, features in computed_ahead(given, start, at_once=False):
        assert features[0, 0] == number
        log.append(f"kept {number}")
    assert log == ["start 0", "start 1", "kept 0", "start 2", "kept 1", "kept 2"]
    log.clear()
    for number, _ in computed_ahead(given, start, at_once=True):
        log.append(f"kept {number}")
    assert log[:3] == ["start 0", "kept 0", "start 1"], "where the caller works itself, nothing lies about unkept"
