"""The value in a decoded word is found whatever header and codestream say of its bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fineray.dicom.codestream import Codestream
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.sample_bits import SampleBits, samples
from tests.support.film import film

BITS = st.integers(9, 16)


def _read(
    words: NDArray[np.integer], header: SampleBits, stream: Codestream | None = None
) -> tuple[NDArray[np.integer], int, tuple[ReadingNote, ...]]:
    raw = (words.astype(np.int64) & 0xFFFF).astype(np.uint16)
    read = samples(raw, header, stream)
    return read.values, read.bits, read.notes


@settings(deadline=None, max_examples=30)
@given(BITS, st.booleans(), st.booleans())
def test_what_follows_the_standard_is_taken_as_it_is(bits: int, signed: bool, shifted: bool) -> None:
    values = film(bits).astype(np.int64) - (1 << (bits - 1)) * signed
    high = 15 if shifted else bits - 1
    values_read, depth, notes = _read(values << (high + 1 - bits), SampleBits(bits, high, signed))
    np.testing.assert_array_equal(values_read, values)
    assert (depth, notes) == (bits, ())


@settings(deadline=None, max_examples=30)
@given(st.integers(9, 14), st.booleans(), st.sampled_from(["overlay", "set", "sign"]))
def test_bits_above_the_stored_ones_are_cleared(bits: int, signed: bool, above: str) -> None:
    values = film(bits).astype(np.int64) - (1 << (bits - 1)) * signed
    words = values & ((1 << bits) - 1)
    if above == "sign":
        words = values
    elif above == "set":
        words |= 0xFFFF << bits
    else:
        words[5:9, 10:14] |= 1 << bits
        words[20:30, 3:8] |= 1 << 15
    values_read, depth, notes = _read(words, SampleBits(bits, bits - 1, signed))
    np.testing.assert_array_equal(values_read, values)
    assert (depth, notes) == (bits, ())


@settings(deadline=None, max_examples=30)
@given(st.integers(10, 16), st.integers(1, 2), st.sampled_from(["native", "exact", "wide"]))
def test_a_depth_below_that_of_the_values_is_theirs(bits: int, below: int, encoding: str) -> None:
    stream = {"native": None, "exact": Codestream(bits, 1), "wide": Codestream(16, 1)}[encoding]
    values = film(bits)
    values_read, depth, notes = _read(values, SampleBits(bits - below, bits - below - 1, False), stream)
    np.testing.assert_array_equal(values_read, values)
    assert (depth, notes) == (bits, (ReadingNote.BITS_BY_PIXELS,))


@settings(deadline=None, max_examples=30)
@given(st.integers(9, 14))
def test_a_high_bit_that_nothing_reaches_is_a_slip(bits: int) -> None:
    values_read, depth, notes = _read(film(bits), SampleBits(bits, 15, False))
    np.testing.assert_array_equal(values_read, film(bits))
    assert (depth, notes) == (bits, (ReadingNote.BITS_BY_PIXELS,))
    exact, _, no_notes = _read(film(bits), SampleBits(bits, 15, False), Codestream(bits, 1))
    np.testing.assert_array_equal(exact, film(bits))
    assert no_notes == (), "a codestream of just these bits cannot hold them higher"


@settings(deadline=None, max_examples=30)
@given(BITS, st.booleans(), st.sampled_from(["named", "level shift left out"]))
def test_a_sign_that_header_and_codestream_see_differently(bits: int, signed: bool, how: str) -> None:
    values = film(bits).astype(np.int64) - (1 << (bits - 1)) * signed
    words = values & ((1 << bits) - 1)
    if how != "named":
        words ^= 1 << (bits - 1)
    if not signed:  # the decoder makes signed numbers of a codestream that says it is signed
        words = (words ^ (1 << (bits - 1))) - (1 << (bits - 1))
    values_read, depth, notes = _read(words, SampleBits(bits, bits - 1, signed), Codestream(bits, 1, not signed))
    np.testing.assert_array_equal(values_read, values)
    assert (depth, notes) == (bits, (ReadingNote.SIGN_BY_PIXELS,))


@pytest.mark.parametrize("precision", [12, 16])
def test_values_that_need_no_sign_are_the_same_in_either(precision: int) -> None:
    for signed in (True, False):
        stream = Codestream(precision, 1, not signed)
        values, bits, notes = _read(film(11), SampleBits(12, 11, signed), stream)
        np.testing.assert_array_equal(values, film(11))
        assert (bits, notes) == (12, ())


@pytest.mark.parametrize("stream", [None, Codestream(16, 1), Codestream(12, 1), Codestream(8, 1)])
def test_values_without_a_sign_under_a_header_that_says_they_have_one(stream: Codestream | None) -> None:
    bits = stream.precision if stream is not None else 16
    values, _, notes = _read(film(bits), SampleBits(16, 15, True), stream)
    np.testing.assert_array_equal(values, film(bits))
    assert notes == (ReadingNote.SIGN_BY_PIXELS,)


def test_saturated_values_beside_dark_ones_are_not_signed() -> None:
    values = film(11)
    values[:, :12] = 65_535
    np.testing.assert_array_equal(_read(values, SampleBits(16, 15, False))[0], values)


def test_words_of_32_bits_are_cut_to_what_the_header_says() -> None:
    words = film(12).astype(np.uint32) * 5000
    read = samples(words, SampleBits(16, 15, False), None)
    np.testing.assert_array_equal(read.values, words & 0xFFFF)
    assert (read.bits, int(read.values.max()) >> 16) == (16, 0)


def test_a_sign_bit_stands_at_the_top_of_a_codestream_that_holds_less_than_is_stored() -> None:
    values = film(12).astype(np.int64) - 2048
    read, _, _ = _read(values & 0xFFF, SampleBits(16, 15, True), Codestream(12, 1))
    np.testing.assert_array_equal(read, values)
