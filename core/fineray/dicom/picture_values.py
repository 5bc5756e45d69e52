"""The values of a picture, of whatever depth and kind of number, as a GrayImage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fineray.dicom.presentation import percentile_window, shows_at_an_end
from fineray.dicom.radiograph import GrayImage, UnreadableFile, VoiSource, Window

STEPS = 1 << 16  # shades that values are told apart by
_EIGHT_BITS = Window(127.5, 255.0, "LINEAR_EXACT")
_SHADES = Window(0.5, 1.0, "LINEAR_EXACT")  # of fractions from black to white


@dataclass(frozen=True)
class PictureValues:
    """The image, the bits that its values take, and where its window is from."""

    image: GrayImage
    bits: int
    voi_source: VoiSource


def picture_values(values: NDArray[np.generic], inverted: bool) -> PictureValues:
    """Values [rows, columns] as an image.

    8 bits are shades. Fractions between 0 and 1 are shades too, unless they all lie at one end. Anything deeper gets a
    robust percentile window; more than 65,536 steps are rounded to as many. What is no number (NaN, infinite) is
    padding. Raises UnreadableFile where nothing is a number.
    """
    if values.dtype == np.uint8:
        table = np.arange(int(values.max()) + 1, dtype=np.float32)
        return PictureValues(GrayImage(values.astype(np.uint16), table, _EIGHT_BITS, inverted), 8, "window")
    if np.issubdtype(values.dtype, np.integer):
        low, high = min(0, int(values.min())), int(values.max())
        low = low if high < STEPS else int(values.min())
        if high - low < STEPS:
            table = np.arange(high - low + 1, dtype=np.float32) + _origin(low, high)
            return _with_window((values.astype(np.int64) - low).astype(np.uint16), table, inverted, None, False)
    return _rounded(values.astype(np.float64), inverted, fractions=np.issubdtype(values.dtype, np.floating))


def _rounded(values: NDArray[np.float64], inverted: bool, fractions: bool) -> PictureValues:
    sound = np.isfinite(values)
    if not sound.any():
        raise UnreadableFile("The picture holds no numbers", todo="Export it with 8 or 16 bits a pixel.")
    low, high = float(values[sound].min()), float(values[sound].max())
    steps = np.where(sound, values - low, 0) / ((high - low) or 1) * (STEPS - 1)
    table = np.linspace(0, high - low, STEPS).astype(np.float32) + _origin(low, high)
    padding = None if sound.all() else ~sound
    return _with_window(np.rint(steps).astype(np.uint16), table, inverted, padding, fractions and 0 <= low <= high <= 1)


def _origin(low: float, high: float) -> np.float32:
    """Where values start; at 0 where single precision could not tell so large ones apart."""
    return np.float32(low if max(abs(low), abs(high)) < 1 << 23 else 0)


def _with_window(
    index: NDArray[np.uint16],
    table: NDArray[np.float32],
    inverted: bool,
    padding: NDArray[np.bool_] | None,
    fractions: bool,
) -> PictureValues:
    seen = table[index if padding is None else index[~padding]]
    if fractions and (seen.min() == seen.max() or not shows_at_an_end(seen, _SHADES)):
        return PictureValues(GrayImage(index, table, _SHADES, inverted, padding), 16, "window")
    return PictureValues(GrayImage(index, table, percentile_window(seen), inverted, padding), 16, "percentile")
