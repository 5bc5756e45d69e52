"""Gray images that are stored as colours: equal channels, luminance without chrominance, palettes of grays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from fineray.dicom.lookup_table import lookup_table

ROUNDING = 2  # shades by which a conversion between colour spaces may be off
LOSSY = 8  # shades of 256 by which lossy compression may tint a gray


def gray_of_channels(channels: NDArray[np.unsignedinteger], bits: int, lossy: bool) -> NDArray[np.integer] | None:
    """The gray values [rows, columns] of three channels [rows, columns, 3], None where they show a colour.

    The channels may be red, green and blue, or luminance and two chrominances (PS3.3 C.7.6.3.1.2), whatever a header
    says: equal channels are gray in the one, chrominances at the middle of their range in the other.
    """
    tolerance = max(ROUNDING, (LOSSY << bits) >> 8) if lossy else ROUNDING
    for step in (16, 1):  # most colour shows at a glance
        seen = channels[::step, ::step]
        equal = int((seen.max(axis=2) - seen.min(axis=2)).max()) <= tolerance
        chroma = np.abs(seen[:, :, 1:].astype(np.int32) - (1 << (bits - 1)))
        neutral = int(chroma.max()) <= tolerance
        if not equal and not neutral:
            return None
    if neutral:
        return np.ascontiguousarray(channels[:, :, 0])
    return middle_of_channels(channels)


def middle_of_channels(channels: NDArray[np.unsignedinteger]) -> NDArray[np.integer]:
    """The mean [rows, columns] of three channels, which is their value where they are equal."""
    middle: NDArray[np.integer] = np.rint(channels.mean(axis=2, dtype=np.float32)).astype(channels.dtype)
    return middle


def gray_of_palette(
    header: Dataset, stored: NDArray[np.integer], little_endian: bool
) -> tuple[NDArray[np.uint16], int] | None:
    """(gray values [rows, columns], their bits) of a palette (PS3.3 C.7.9) of grays, None for one of colours."""
    lowest, highest = int(stored.min()), int(stored.max())
    tables = []
    for colour in ("Red", "Green", "Blue"):
        name = f"{colour}PaletteColorLookupTable"
        names = {"descriptor": f"{name}Descriptor", "data": f"{name}Data"}
        tables.append(lookup_table(header, lowest, highest, little_endian=little_endian, **names))
    red, green, blue = tables
    if red is None or green is None or blue is None:
        return None
    used = np.arange(lowest, highest + 1)
    grays = [table.of(used) for table in (red, green, blue)]
    if not (np.array_equal(grays[0], grays[1]) and np.array_equal(grays[0], grays[2])):
        return None
    return grays[0][stored - np.int64(lowest)], red.bits
