"""What frames say of their own samples agrees with how they were encoded."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import get_frame

from fineray.dicom.codestream import Codestream, codestream
from tests.support.film import film
from tests.support.images import image

EIGHT, DEEP = film(8).astype(np.uint8), film(12)
RGB = np.stack([EIGHT] * 3, axis=2)


@pytest.mark.parametrize(
    ("frame", "syntax", "expected"),
    [
        (imagecodecs.jpeg_encode(EIGHT), uid.JPEGBaseline8Bit, Codestream(8, 1)),
        (imagecodecs.jpeg_encode(RGB), uid.JPEGBaseline8Bit, Codestream(8, 3)),
        (imagecodecs.jpeg_encode(DEEP, bitspersample=12), uid.JPEGExtended12Bit, Codestream(12, 1)),
        (imagecodecs.ljpeg_encode(DEEP, bitspersample=12), uid.JPEGLosslessSV1, Codestream(12, 1)),
        (imagecodecs.jpegls_encode(EIGHT), uid.JPEGLSLossless, Codestream(8, 1)),
        (imagecodecs.jpegls_encode(RGB), uid.JPEGLSLossless, Codestream(8, 3)),
        (
            imagecodecs.jpeg2k_encode(DEEP, codecformat="j2k", level=0, bitspersample=12),
            uid.JPEG2000Lossless,
            Codestream(12, 1, False),
        ),
        (
            imagecodecs.jpeg2k_encode(DEEP.astype(np.int16), codecformat="jp2", level=0),
            uid.JPEG2000,
            Codestream(16, 1, True),
        ),
        (imagecodecs.htj2k_encode(RGB), uid.HTJ2KLossless, Codestream(8, 3, False)),
        (b"", uid.JPEG2000, None),
        (b"\xff\xd8\xff\xc0\0", uid.JPEGBaseline8Bit, None),
        (b"\xff\xd8" + b"\xff" * 50, uid.JPEGBaseline8Bit, None),
        (b"\x09" + bytes(80), uid.RLELossless, None),
    ],
)
def test_samples_of_a_frame(frame: bytes, syntax: uid.UID, expected: Codestream | None) -> None:
    assert codestream(frame, syntax) == expected


@pytest.mark.parametrize("bits", [8, 12])
def test_segments_of_rle_are_bytes_of_a_pixel(bits: int) -> None:
    ds = image(film(bits), bits=bits, syntax=uid.RLELossless)
    assert codestream(get_frame(ds.PixelData, 0, number_of_frames=1), uid.RLELossless) == Codestream(
        8 if bits == 8 else 16, 1
    )
