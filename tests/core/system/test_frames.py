"""Tables as data frames, where pandas is there and where it is not."""

from __future__ import annotations

import sys

import pytest

from fineray.system.frames import PandasMissing, to_frame


def test_columns_stay_in_order_and_nothing_is_a_missing_value() -> None:
    frame = to_frame({"b": ["x", "y"], "a": [0.5, None]})
    assert list(frame.columns) == ["b", "a"]
    assert frame["a"].isna().tolist() == [False, True]


def test_without_pandas_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(PandasMissing, match=r"pip install 'fineray\[notebook\]'"):
        to_frame({"a": [1]})
