"""Lookup tables of a header (modality LUT, VOI LUT, palettes) as devices really write them (PS3.3 C.11.1, C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from fineray.dicom.element_values import words

SHALLOWEST, DEEPEST = 8, 16  # bits of an entry (PS3.3 C.11.2.1.1)
MOST_ENTRIES = 1 << 16


@dataclass(frozen=True)
class LookupTable:
    """entries[v - first] stands for value v, the ends for what lies beyond them; bits: what the entries fill.

    mended: whether the descriptor did not fit the data.
    """

    first: int
    entries: NDArray[np.uint16]
    bits: int
    mended: bool = False

    def of(self, values: NDArray[np.integer]) -> NDArray[np.uint16]:
        """The entries for these values, in their shape."""
        places = np.clip(values - np.int64(self.first), 0, len(self.entries) - 1)
        found: NDArray[np.uint16] = self.entries[places]
        return found


def lookup_table(
    item: Dataset,
    lowest: int,
    highest: int,
    *,
    little_endian: bool = True,
    descriptor: str = "LUTDescriptor",
    data: str = "LUTData",
) -> LookupTable | None:
    """The table of a sequence item, None where descriptor or data are missing.

    lowest, highest: the values that will be looked up, which tell how the first value mapped is meant: its value
    representation follows Pixel Representation, and writers get that wrong.

    Notes
    -----
    The number of entries is 0 for 65,536. Entries of 8 bits may be packed two a word, or stand one a word, where the
    upper byte may repeat the lower one. What the descriptor says wrong is taken from the data.
    """
    stated, found = words(item, descriptor, little_endian), words(item, data, little_endian)[:MOST_ENTRIES]
    if len(stated) < 3 or len(found) == 0:
        return None
    count, first, bits = int(stated[0]) or 1 << 16, int(stated[1]), int(stated[2])
    # A writer's SS stands for the same word as US does; which one fits is told below.
    entries, fits = _entries(found, count, bits)
    start = _first(first, _as_signed(item, descriptor), len(entries), lowest, highest)
    depth, entries = _depth(entries, bits)
    mended = not fits or start[1] or depth != bits
    return LookupTable(start[0], entries, depth, mended)


def _entries(found: NDArray[np.uint16], count: int, bits: int) -> tuple[NDArray[np.uint16], bool]:
    """(one entry each, whether there are as many as the descriptor says)."""
    if bits <= SHALLOWEST and len(found) != count and len(found) == (count + 1) // 2:
        return np.frombuffer(found.astype("<u2").tobytes(), np.uint8)[:count].astype(np.uint16), True
    if len(found) == count + 1 and count % 2:  # a word that only fills up
        return found[:count], True
    return found, len(found) == count


def _as_signed(item: Dataset, descriptor: str) -> bool:
    """Whether the descriptor was read as signed numbers."""
    return item[descriptor].VR == "SS"


def _first(word: int, signed: bool, count: int, lowest: int, highest: int) -> tuple[int, bool]:
    """(the first value mapped, whether the other sign was taken because only then the table meets the values)."""
    low = word - (1 << 16) if word >= 1 << 15 else word
    stated, other = (low, word) if signed else (word, low)

    def meets(start: int) -> bool:
        return start <= highest and start + count > lowest

    return (other, True) if other != stated and meets(other) and not meets(stated) else (stated, False)


def _depth(entries: NDArray[np.uint16], stated: int) -> tuple[int, NDArray[np.uint16]]:
    """(bits that the entries fill, the entries)."""
    needed = max(SHALLOWEST, int(entries.max()).bit_length())
    if not SHALLOWEST <= stated <= DEEPEST:
        return needed, entries
    if needed > stated == SHALLOWEST and (entries >> 8 == entries & 0xFF).all():
        return stated, entries & np.uint16(0xFF)
    # One bit less is a table that does not go up to white; two bits less are data of another depth.
    return (needed if needed > stated or stated - needed >= 2 else stated), entries
