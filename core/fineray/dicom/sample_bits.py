"""Which bits of a decoded sample are its value, and whether the topmost is a sign (DICOM PS3.5 8.1.1).

Where header and pixels disagree, the reading with fewer jumps between neighbouring pixels is the image: a value that
is cut off or wrapped jumps by half the range or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from fineray.dicom.codestream import Codestream
from fineray.dicom.reading_notes import ReadingNote

MOST_BITS = 16  # of a value
LINES = 128  # about as many rows and columns are looked through for jumps


@dataclass(frozen=True)
class SampleBits:
    """Bits Stored, High Bit and Pixel Representation of a header."""

    stored: int
    high: int
    signed: bool


@dataclass(frozen=True)
class Samples:
    """values: [rows, columns]; bits: what they fill; notes: where the header said otherwise."""

    values: NDArray[np.integer]
    bits: int
    notes: tuple[ReadingNote, ...] = ()


def samples(raw: NDArray[np.unsignedinteger], header: SampleBits, stream: Codestream | None) -> Samples:
    """The values in decoded words.

    raw: [rows, columns], the words as decoded; stream: what the codestream says, None for native pixels.
    """
    width = raw.dtype.itemsize * 8
    precision = min(stream.precision, width) if stream is not None else width
    words = raw if precision == width else _masked(raw, precision)
    top = int(words.max())
    if stream is not None and stream.signed is not None and stream.signed != header.signed:
        return _of_either_sign(words, top, precision, header)
    shift = header.high + 1 - header.stored
    if shift > 0 and header.high < precision:
        if top >> header.stored:
            shifted = _masked(words >> words.dtype.type(shift), header.stored)
            return Samples(_valued(shifted, header.stored, header.signed), header.stored)
        # Nothing lies above the stored bits: the values were written from bit 0 after all.
        return _of_stated_sign(words, header.stored, header, (ReadingNote.BITS_BY_PIXELS,))
    if header.stored >= precision or not top >> header.stored:
        return _of_stated_sign(words, min(precision, header.stored), header)
    stated = _valued(_masked(words, header.stored), header.stored, header.signed)
    # Bits above the stored ones: a sign that goes on, an overlay of old (both to be cleared), or part of the value.
    # A codestream that counts bits as no container does counts those of its values.
    whole = _valued(words, precision, header.signed)
    known = stream is not None and precision % 8 != 0
    if top < 1 << MOST_BITS and (known or _jumps(whole) < _jumps(stated)):
        return Samples(whole, max(top.bit_length(), header.stored), (ReadingNote.BITS_BY_PIXELS,))
    return Samples(stated, header.stored)


def _of_stated_sign(
    words: NDArray[np.unsignedinteger], bits: int, header: SampleBits, notes: tuple[ReadingNote, ...] = ()
) -> Samples:
    """Values under a header that may say they are signed where they are not.

    An encoding without a sign leaves that to the header. The other way round cannot be told: unsigned values at both
    ends of their range, as where the beam hits the detector, look like signed ones about 0.
    """
    values = _valued(words, bits, header.signed)
    if header.signed and int(values.min()) < 0 and 2 * _jumps(words) < _jumps(values):
        return Samples(words, header.stored, (*notes, ReadingNote.SIGN_BY_PIXELS))
    return Samples(values, header.stored, notes)


def _of_either_sign(words: NDArray[np.unsignedinteger], top: int, precision: int, header: SampleBits) -> Samples:
    """JPEG 2000 whose codestream has another sign than the header.

    Either an encoder only named the bits wrongly, or it left out the level shift by half the range that unsigned
    samples undergo (ITU-T T.800 G.1), which turns the topmost bit over.
    """
    bits = min(header.stored, precision) if not top >> min(header.stored, precision) else precision
    named = _valued(words, bits, header.signed)
    if not top >> (bits - 1):
        return Samples(named, bits)
    shifted = _valued(words ^ words.dtype.type(1 << (bits - 1)), bits, header.signed)
    # Where both are the same but for half the range, the one about 0 is no stranger to its header's window.
    taken = min((named, shifted), key=lambda values: (_jumps(values), int(np.abs(values.astype(np.int64)).max())))
    return Samples(taken, bits, (ReadingNote.SIGN_BY_PIXELS,))


def _masked(words: NDArray[np.unsignedinteger], bits: int) -> NDArray[np.unsignedinteger]:
    masked: NDArray[np.unsignedinteger] = words & words.dtype.type((1 << bits) - 1)
    return masked


def _valued(words: NDArray[np.unsignedinteger], bits: int, signed: bool) -> NDArray[np.integer]:
    """Words of this many bits as numbers."""
    if not signed:
        return words
    size = words.dtype.itemsize * 8
    whole = words.view(f"i{words.dtype.itemsize}")
    return whole if bits >= size else (whole << (size - bits)) >> (size - bits)


def _jumps(values: NDArray[np.integer]) -> int:
    """The sum of differences between neighbours, along some rows and columns."""
    step = max(1, isqrt(values.size) // LINES)
    down, along = values[:, ::step].astype(np.int64), values[::step].astype(np.int64)
    return int(np.abs(np.diff(down, axis=0)).sum() + np.abs(np.diff(along, axis=1)).sum())
