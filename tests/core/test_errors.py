"""Storage errors in the user's words; progress with its pace; small promises of the base modules."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fineray.errors import (
    DiskFull,
    FinerayError,
    StorageUnavailable,
    nearest,
    storage_error,
)
from fineray.progress import Pace, Progress


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "x"), DiskFull),
        (sqlite3.OperationalError("database or disk is full"), DiskFull),
        (sqlite3.OperationalError("attempt to write a readonly database"), StorageUnavailable),
        (sqlite3.OperationalError("disk I/O error"), StorageUnavailable),
        (PermissionError(errno.EACCES, "x", "/some/where"), StorageUnavailable),
        (ValueError("x"), type(None)),
    ],
)
def test_storage_errors_in_words(error: Exception, kind: type) -> None:
    found = storage_error(error)
    assert isinstance(found, kind)
    if found is not None:
        assert found.todo


def test_a_wrong_name_is_answered_with_near_ones() -> None:
    runs = [f"run-{number:03d}" for number in range(1, 30)]
    assert nearest("run-02", runs, "Train first.").startswith("Did you mean run-02")
    assert nearest("Diagnosis", ["diagnosis", "label"], "") == "Did you mean diagnosis?"
    assert nearest("x", ["label", "age"], "") == "There is label, age."
    assert nearest("x", ["label"], "") == "There is only label."
    assert nearest("x", [], "Train first.") == "Train first."
    assert nearest("x", runs, "").endswith("run-008 and 21 more.")


def test_an_error_says_what_where_and_what_to_do() -> None:
    assert str(FinerayError("It broke", where="here", todo="Mend it.")) == "It broke (here). Mend it."


@given(st.floats(1, 500), st.integers(10, 400))
def test_pace_finds_a_steady_rate(rate: float, total: int) -> None:
    pace = Pace()
    found = left = None
    for done in range(total):
        found, left = pace.update(Progress("s", done, total, "x"), now=done / rate)
    assert found == pytest.approx(rate, rel=0.01)
    assert left == pytest.approx(1 / rate, rel=0.02)
    assert pace.update(Progress("next", 0, 5, "x"), now=9e9) == (None, None)
