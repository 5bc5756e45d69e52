"""Numbers are read in whatever form a writer put them; what is none is NaN, and nothing is raised."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from fineray.dicom.dataset import as_they_stand
from fineray.dicom.element_values import numbers, whole_number, words


def _holding(keyword: str, vr: str, value: bytes) -> Dataset:
    """An attribute as it is before pydicom has looked at its value."""
    ds, tag = Dataset(), Tag(keyword)
    ds[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    return ds


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("DS", b"2048", (2048.0,)),
        ("DS", b"2048\\1024 ", (2048.0, 1024.0)),
        ("DS", b"2048,5", (2048.5,)),
        ("LO", b"40\\80", (40.0, 80.0)),
        ("UN", b"40\\80", (40.0, 80.0)),
        ("DS", b"", ()),
        ("DS", b"Miller", (np.nan,)),
        ("DS", b"\\7", (np.nan, 7.0)),
        ("DS", b"nan\\inf", (np.nan, np.inf)),
        ("FD", np.float64(3.5).tobytes(), (3.5,)),
        ("US", b"\x07\0\x08\0", (7.0, 8.0)),
    ],
)
def test_numbers(vr: str, value: bytes, expected: tuple[float, ...]) -> None:
    with as_they_stand():
        np.testing.assert_equal(numbers(_holding("WindowCenter", vr, value), "WindowCenter"), expected)


def test_whole_numbers_and_what_is_absent() -> None:
    ds = _holding("HighBit", "US", b"\x0b\0")
    assert (whole_number(ds, "HighBit"), whole_number(ds, "BitsStored"), numbers(ds, "BitsStored")) == (11, None, ())
    with as_they_stand():
        assert whole_number(_holding("BitsStored", "LO", b"twelve"), "BitsStored") is None


@pytest.mark.parametrize(("little", "vr"), [(True, "OW"), (False, "OW"), (True, "US"), (True, "SS")])
def test_words(little: bool, vr: str) -> None:
    values = np.array([0, 1, 40_000, 65_535], np.uint16)
    ds = _holding("LUTData", vr, values.astype("<u2" if little else ">u2").tobytes())
    np.testing.assert_array_equal(words(ds, "LUTData", little), values)
    assert words(_holding("LUTData", "LO", b"none"), "LUTData", True).size == 0
    assert words(Dataset(), "LUTData", True).size == 0
