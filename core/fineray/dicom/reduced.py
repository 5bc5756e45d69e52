"""Films decoded at a fraction of their size, where an encoding holds it and less than that is stored of them.

JPEG 2000 keeps halves of the image beside what makes it whole (resolution levels, ITU-T T.800 A.6.1), JPEG baseline
can be summed up from its cosines. Either is an average of the pixels, which shrinking would form anyway: on full-size
films the stored image differs by a quarter of a shade on average (docs/benchmarks.md). It is not the same where shades
are no straight line of the values, which `may_be_reduced` asks for.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset

from fineray.dicom.codestream import Codestream
from fineray.dicom.element_values import numbers
from fineray.dicom.mending import GRAY

MARGIN = 2  # times the stored side are decoded at least, so that shrinking still averages
NARROWEST = 1 / 4  # of all values that a window has to show: averages of clipped values are no clipped averages
_JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)
_BY_LUT = ("ModalityLUTSequence", "VOILUTSequence", "PixelPaddingValue")


def may_be_reduced(header: Dataset, stream: Codestream | None) -> bool:
    """Whether a frame may be decoded at a fraction: plain unsigned gray, a window over a good part of its values, and
    nothing that marks or maps single values."""
    if stream is None or stream.components != 1 or stream.signed or stream.precision < int(header.BitsStored):
        return False
    if header.PhotometricInterpretation not in GRAY or header.PixelRepresentation != 0:
        return False
    if header.HighBit != header.BitsStored - 1 or any(keyword in header for keyword in _BY_LUT):
        return False
    widths, slopes = numbers(header, "WindowWidth")[:1], numbers(header, "RescaleSlope")[:1] or (1.0,)
    shown = (widths or (0.0,))[0] / (abs(slopes[0]) or float("inf"))
    return bool(np.isfinite(shown) and shown >= NARROWEST * 2 ** int(header.BitsStored))


def reduced_words(
    frame: bytes, syntax: uid.UID, header: Dataset, stream: Codestream, side: int
) -> NDArray[np.unsignedinteger] | None:
    """The words of a frame with its longest side halved as often as leaves MARGIN times `side`.

    None where there is nothing to halve, the encoding holds no halves, or the values exceed Bits Stored.
    """
    rows, columns = int(header.Rows), int(header.Columns)
    halvings = 0
    while max(rows, columns) >> (halvings + 1) >= MARGIN * side:
        halvings += 1
    if halvings == 0 or not may_be_reduced(header, stream):
        return None
    try:
        if syntax in _JPEG_2000:
            words = _centred(_jpeg_2000(frame, halvings, stream.precision), halvings)
        elif syntax == uid.JPEGBaseline8Bit and stream.precision == 8:
            words = _jpeg(frame, (columns >> halvings, rows >> halvings))
        else:
            return None
    except Exception:  # whatever is wrong with it, the way of the whole frame says so in its words
        return None
    top = (1 << int(header.BitsStored)) - 1
    if words.ndim != 2 or words.shape[0] >= rows or int(words.max()) > top + top // 16:
        return None
    cut: NDArray[np.unsignedinteger] = np.minimum(words, words.dtype.type(top))  # wavelets overshoot a little
    return cut


def _jpeg_2000(frame: bytes, halvings: int, precision: int) -> NDArray[np.unsignedinteger]:
    with Image.open(BytesIO(frame), formats=["JPEG2000"]) as picture:
        picture.reduce = halvings  # type: ignore[method-assign, assignment]
        picture.load()
        words: NDArray[np.unsignedinteger] = np.asarray(picture)
    spread = words.dtype.itemsize * 8 - precision  # Pillow fills words from the top
    return words >> words.dtype.type(spread)


def _centred(words: NDArray[np.unsignedinteger], halvings: int) -> NDArray[np.unsignedinteger]:
    """Wavelets leave every second sample in its place, an average stands in the middle of two: by that half pixel of
    each halving the image is moved, between a sample and the next."""
    whole, part = 1 << (halvings + 1), (1 << halvings) - 1
    moved = words.astype(np.uint32)
    for axis in (0, 1):
        beside = np.take(moved, np.minimum(np.arange(moved.shape[axis]) + 1, moved.shape[axis] - 1), axis=axis)
        moved = moved * (whole - part) + beside * part
    rounded: NDArray[np.unsignedinteger] = ((moved + whole * whole // 2) // (whole * whole)).astype(words.dtype)
    return rounded


def _jpeg(frame: bytes, size: tuple[int, int]) -> NDArray[np.unsignedinteger]:
    with Image.open(BytesIO(frame), formats=["JPEG"]) as picture:
        picture.draft("L", size)
        return np.asarray(picture)
