"""Values of a data set as numbers, in whatever value representation a writer put them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag


def numbers(ds: Dataset, keyword: str) -> tuple[float, ...]:
    """The values of an attribute; NaN for one that is no number, () where the attribute is absent or empty.

    Texts are read whether they were split at their backslashes or not, with a comma for the decimal point too.
    """
    return tuple(_number(each) for each in _values(ds, keyword))


def whole_number(ds: Dataset, keyword: str) -> int | None:
    """The first value as an integer, None where it is absent or none."""
    found = numbers(ds, keyword)
    return int(found[0]) if found and np.isfinite(found[0]) else None


def words(ds: Dataset, keyword: str, little_endian: bool) -> NDArray[np.uint16]:
    """The values as 16-bit words: a list of US or SS, or bytes of OW (PS3.5 6.2), in the order of the data set."""
    value = _raw(ds, keyword)
    if isinstance(value, bytes | bytearray):
        whole = bytes(value[: len(value) // 2 * 2])
        return np.frombuffer(whole, "<u2" if little_endian else ">u2").astype(np.uint16)
    if value is None or isinstance(value, str):
        return np.empty(0, np.uint16)
    each = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
    return (np.array(each, np.int64) & 0xFFFF).astype(np.uint16)


def _raw(ds: Dataset, keyword: str) -> Any:
    try:
        return ds.get(keyword)
    except Exception:  # pydicom raises whatever a value leads to that its value representation does not allow
        element = ds.get_item(Tag(keyword))
        return None if element is None else element.value


def _values(ds: Dataset, keyword: str) -> list[Any]:
    value = _raw(ds, keyword)
    if isinstance(value, bytes | bytearray):
        value = value.decode("ascii", "replace")
    if isinstance(value, str):
        value = value.strip(" \0").split("\\") if value.strip(" \0") else None
    if value is None:
        return []
    return list(value) if isinstance(value, MultiValue | list | tuple) else [value]


def _number(value: Any) -> float:
    try:
        return float(value.strip(" \0").replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")
