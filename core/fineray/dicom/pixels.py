"""Stored pixel values of a data set, by the fastest decoder of permissive licence for its transfer syntax."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder

from fineray.dicom import imagecodecs_plugin
from fineray.dicom.radiograph import NotARadiograph, UnreadableFile

# By processor time on 512 x 512 and 1955 x 1841 radiographs (docs/benchmarks.md): imports decode one file a core, so
# gdcm's threads for JPEG 2000 would only stand in each other's way. A syntax that is not named here is native
# (uncompressed) or left to pydicom's own order.
FASTEST_PLUGIN: dict[str, str] = {
    uid.RLELossless: "pylibjpeg",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "imagecodecs",
    uid.JPEG2000: "imagecodecs",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
    uid.JPEGBaseline8Bit: "imagecodecs",
    uid.JPEGExtended12Bit: "imagecodecs",
    uid.JPEGLossless: "imagecodecs",
    uid.JPEGLosslessSV1: "imagecodecs",
}

# A full-size mammogram has about 30 million pixels; a header that claims far more is broken or hostile.
MAX_PIXELS = 200_000_000

_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "PALETTE COLOR")

imagecodecs_plugin.register()


def frame_count(ds: Dataset) -> int:
    """Number of Frames, 1 where the file does not say."""
    try:
        return max(1, int(ds.get("NumberOfFrames") or 1))
    except (TypeError, ValueError):
        return 1


def stored_values(ds: Dataset, frame: int = 1) -> NDArray[np.integer]:
    """The stored values [rows, columns] of a grayscale frame (from 1), sign and unused bits resolved.

    Raises NotARadiograph for colour, UnreadableFile for pixels that cannot be decoded.
    """
    _refuse_what_is_not_gray(ds)
    syntax = ds.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise UnreadableFile(
            f"Transfer syntax {syntax} is not one for images",
            todo="Export the image again from the archive.",
        ) from error
    plugin = FASTEST_PLUGIN.get(syntax, "")
    if plugin not in decoder.available_plugins:
        plugin = ""
    shift = 0 if syntax.is_encapsulated else max(0, int(ds.get("HighBit", ds.BitsStored - 1)) + 1 - ds.BitsStored)
    try:
        # pydicom clears unused bits above the stored ones; it takes them to start at bit 0.
        values: NDArray[np.integer]
        values, _ = decoder.as_array(ds, index=frame - 1, decoding_plugin=plugin, correct_unused_bits=shift == 0)  # type: ignore[arg-type]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # decoders raise whatever their C code reports; a panic in Rust is no Exception
        raise UnreadableFile(
            f"The pixels cannot be decoded from {syntax.name}",
            todo="The file may be damaged or cut short; export it again from the archive.",
        ) from error
    if values.shape != (ds.Rows, ds.Columns):
        raise UnreadableFile(
            f"The pixels measure {values.shape} but the header says {(ds.Rows, ds.Columns)}",
            todo="Export the image again from the archive.",
        )
    return _shifted_down(values, shift, ds) if shift else values


def _refuse_what_is_not_gray(ds: Dataset) -> None:
    samples = int(ds.get("SamplesPerPixel") or 1)
    photometric = str(ds.get("PhotometricInterpretation", ""))
    if samples != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        kind = photometric if photometric in _COLOURS else f"{samples} samples a pixel"
        raise NotARadiograph(f"The image is in colour ({kind})", todo="Only grayscale X-rays are imported.")
    stored = int(ds.get("BitsStored") or 0)
    if not 1 <= stored <= 16:
        raise UnreadableFile(
            f"Pixels of {stored} bits cannot be read", todo="Export the image again with 8 to 16 bits a pixel."
        )
    rows, columns = int(ds.get("Rows") or 0), int(ds.get("Columns") or 0)
    if rows * columns == 0:
        raise UnreadableFile("The header gives no image size", todo="Export the image again from the archive.")
    if rows * columns > MAX_PIXELS:
        raise UnreadableFile(
            f"The header claims {columns} x {rows} pixels, more than any X-ray has",
            todo="The file may be damaged; export it again from the archive.",
        )


def _shifted_down(values: NDArray[np.integer], shift: int, ds: Dataset) -> NDArray[np.integer]:
    """Values whose High Bit lies above Bits Stored - 1, an encoding of old devices (PS3.5 8.1.1)."""
    wide: NDArray[np.int32] = (values.astype(np.int32) >> shift) & ((1 << ds.BitsStored) - 1)
    if ds.PixelRepresentation == 1:
        sign = 1 << (ds.BitsStored - 1)
        wide = (wide ^ sign) - sign
    return wide
