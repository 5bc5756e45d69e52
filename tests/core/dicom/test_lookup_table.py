"""Lookup tables say the same however they are packed, and believe their data where the descriptor lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_voi

from fineray.dicom.lookup_table import LookupTable, lookup_table

LOWEST, HIGHEST = -3000, 60_000


def item(descriptor: list[int], data: Any, *, descriptor_vr: str = "US", data_vr: str = "US") -> Dataset:
    made = Dataset()
    made.add_new("LUTDescriptor", descriptor_vr, descriptor)
    made.add_new("LUTData", data_vr, data)
    return made


@st.composite
def tables(draw: st.DrawFn) -> tuple[NDArray[np.uint16], int, int]:
    """(entries that fill their bits, first value mapped, bits)."""
    bits = draw(st.sampled_from([8, *range(10, 17)]))
    count = draw(st.sampled_from([1, 2, 3, 255, 256, 257, 1000]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    entries = random.integers(0, 1 << bits, count).astype(np.uint16)
    entries[random.integers(count)] = (1 << bits) - 1
    return entries, draw(st.integers(-32_768, 65_535)), bits


@settings(deadline=None, max_examples=60)
@given(tables(), st.sampled_from(["words", "bytes", "big endian", "packed"]), st.integers(0, 2**32))
def test_every_way_of_writing_a_table_gives_the_same_table(
    table: tuple[NDArray[np.uint16], int, int], way: str, seed: int
) -> None:
    entries, first, bits = table
    if way == "packed" and bits > 8:
        way = "bytes"
    little, vr, data = way != "big endian", "OW", entries.astype("<u2").tobytes()
    if way == "big endian":
        data = entries.astype(">u2").tobytes()
    elif way == "packed":
        data = entries.astype(np.uint8).tobytes() + b"\0" * (len(entries) % 2)
    written: Any = [int(each) for each in entries] if way == "words" else data
    descriptor = [len(entries) % 65_536, first, bits]
    made = item(descriptor, written, descriptor_vr="SS" if first < 0 else "US", data_vr="US" if way == "words" else vr)
    read = lookup_table(made, min(first, LOWEST), max(first, HIGHEST), little_endian=little)
    assert read is not None
    values = np.random.default_rng(seed).integers(-70_000, 140_000, 300)
    expected = [int(entries[min(max(value - first, 0), len(entries) - 1)]) for value in values.tolist()]
    assert (read.of(values).tolist(), read.bits, read.first, read.mended) == (expected, bits, first, False)


@settings(deadline=None, max_examples=20)
@given(st.integers(10, 16), st.integers(0, 2**32))
def test_tables_of_16_bit_entries_agree_with_pydicom(bits: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    entries = random.integers(0, 1 << bits, 1000)
    entries[7] = (1 << bits) - 1
    made = item([1000, int(random.integers(0, 500)), bits], entries.tolist())
    ds, values = Dataset(), random.integers(0, 2000, (8, 9)).astype(np.int32)
    ds.VOILUTSequence = [made]
    read = lookup_table(made, 0, 2000)
    assert read is not None
    np.testing.assert_array_equal(read.of(values), apply_voi(values, ds))


@pytest.mark.parametrize("count", [65_535, 65_536])
def test_a_count_of_0_stands_for_65536(count: int) -> None:
    """The largest count that 16 bits hold, and the one that they do not."""
    entries = np.arange(count, dtype="<u2")
    read = lookup_table(item([count % 65_536, 0, 16], entries.tobytes(), data_vr="OW"), 0, 65_535)
    assert read is not None
    assert (read.of(np.array([0, 65_534, 65_535])).tolist(), read.mended) == ([0, 65_534, count - 1], False)


@pytest.mark.parametrize(("written", "vr"), [(-2048 % 65_536, "US"), (-2048, "SS")])
def test_a_first_value_is_signed_as_the_values_are(written: int, vr: str) -> None:
    made = item([4096, written, 12], list(range(4096)), descriptor_vr=vr)
    signed = lookup_table(made, -2048, 2047)
    unsigned = lookup_table(made, 63_000, 65_000)
    assert signed is not None and unsigned is not None
    assert (signed.first, signed.mended) == (-2048, vr == "US")
    assert (unsigned.first, unsigned.mended) == (63_488, vr == "SS")


@pytest.mark.parametrize(
    ("stated", "top", "bits"),
    [
        *((16, 4095, 12), (16, 4073, 12), (16, 255, 8), (16, 30_000, 16), (12, 2047, 12), (12, 200, 8)),
        *((8, 4095, 12), (8, 65_000, 16), (0, 1023, 10), (32, 65_535, 16), (8, 60, 8)),
    ],
)
def test_a_depth_that_the_entries_do_not_fill_or_break_is_theirs(stated: int, top: int, bits: int) -> None:
    read = lookup_table(item([256, 0, stated], np.linspace(0, top, 256).astype(int).tolist()), 0, 255)
    assert read is not None
    assert (read.bits, read.mended) == (bits, bits != stated)


def test_bytes_that_are_repeated_in_both_halves_of_a_word_are_8_bits() -> None:
    read = lookup_table(item([256, 0, 8], [each * 257 for each in range(256)]), 0, 255)
    assert read is not None
    assert (read.bits, read.mended, read.entries.tolist()) == (8, False, list(range(256)))


@pytest.mark.parametrize("found", [4000, 4096, 5000])
def test_a_table_is_as_long_as_its_data(found: int) -> None:
    read = lookup_table(item([4096, 0, 16], list(range(0, found * 13, 13))), 0, 4095)
    assert read is not None
    assert (len(read.entries), read.mended) == (found, found != 4096)
    assert read.of(np.array([-5, 3999, 9999])).tolist() == [0, 3999 * 13, (found - 1) * 13]


def test_a_word_that_fills_up_an_odd_table_is_no_entry() -> None:
    read = lookup_table(item([3, 0, 8], b"\1\2\xff\0", data_vr="OW"), 0, 2)
    assert read == LookupTable(0, read.entries, 8) and read.entries.tolist() == [1, 2, 255]


@pytest.mark.parametrize("broken", ["no data", "empty", "no descriptor", "two values", "text"])
def test_half_a_table_is_none(broken: str) -> None:
    made = item([256, 0, 8], list(range(256)))
    if broken in ("no data", "no descriptor"):
        delattr(made, "LUTData" if broken == "no data" else "LUTDescriptor")
    elif broken == "two values":
        made.LUTDescriptor = [256, 0]
    else:
        made["LUTData"]._value = b"" if broken == "empty" else "none"
    assert lookup_table(made, 0, 255) is None
