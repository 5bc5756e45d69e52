"""A decoder plugin for pydicom on imagecodecs (BSD): JPEG Extended 12 bit, JPEG Lossless, JPEG 2000.

The permissive decoders that pydicom knows do not read JPEG Extended with 12 bits (gdcm reports success with
wrong pixels); for the others this is the fastest on one core. Interface: pydicom's guide to decoder plugins.
"""

from __future__ import annotations

import imagecodecs
import numpy as np
from pydicom import uid
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

NAME = "imagecodecs"
LOSSLESS_JPEG = (uid.JPEGLossless, uid.JPEGLosslessSV1)
JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000)
SYNTAXES = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, *LOSSLESS_JPEG, *JPEG_2000)
DECODER_DEPENDENCIES = dict.fromkeys(SYNTAXES, ("imagecodecs",))


def is_available(syntax: str) -> bool:
    """Whether this plugin decodes the transfer syntax."""
    return syntax in SYNTAXES


def decode_frame(source: bytes, runner: DecodeRunner) -> bytes:
    """One frame as little-endian bytes; the runner is told how many bits each sample takes."""
    frame: np.ndarray
    if runner.transfer_syntax in JPEG_2000:
        frame = imagecodecs.jpeg2k_decode(source, numthreads=1)  # an import decodes one file a core already
    elif runner.transfer_syntax in LOSSLESS_JPEG:
        frame = imagecodecs.ljpeg_decode(source)
    elif runner.samples_per_pixel == 3:
        # The channels as they are encoded: whether they are RGB is told from the pixels, not from markers.
        frame = imagecodecs.jpeg8_decode(source, colorspace="YCBCR", outcolorspace="YCBCR")
    else:
        frame = imagecodecs.jpeg_decode(source)
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    runner.set_option("bits_allocated", frame.dtype.itemsize * 8)
    return np.ascontiguousarray(frame, dtype=frame.dtype.newbyteorder("<")).tobytes()


def register() -> None:
    """Make the plugin known to pydicom in this process; calling it again does nothing."""
    for syntax in SYNTAXES:
        decoder = get_decoder(syntax)
        if NAME not in decoder.available_plugins:
            decoder.add_plugin(NAME, (__name__, decode_frame.__name__))
