"""What near duplicates are recognised by: the low frequencies of an image (perceptual hash)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, KEPT = 32, 8
_FREQUENCY = np.arange(KEPT)[:, None]
# The first rows of the orthonormal DCT-II matrix; importing scipy for them would double a decoding process's start.
_DCT = np.cos(np.pi * (2 * np.arange(SIDE) + 1) * _FREQUENCY / (2 * SIDE)) * np.sqrt(2 / SIDE)


def small_square(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """The image shrunk to `side` x `side`, aspect given up, each new pixel the mean of old ones."""
    small = Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX, reducing_gap=1.0)
    return np.asarray(small, dtype=np.float64)


def fingerprint(pixels: NDArray[np.uint8]) -> bytes:
    """The 8 x 8 lowest frequencies of the image shrunk to 32 x 32, as 64 little-endian float16.

    The frequencies themselves and not their signs (Zauner 2010): from them the hash of every rotated, mirrored or
    inverted copy follows without looking at the image again.
    """
    small = small_square(pixels, SIDE)
    return bytes((_DCT @ small @ _DCT.T).astype("<f2").tobytes())
