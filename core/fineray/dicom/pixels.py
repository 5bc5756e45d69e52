"""Stored pixel values of a data set, by the fastest decoder of permissive licence for its transfer syntax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder

from fineray.dicom import imagecodecs_plugin
from fineray.dicom.codestream import Codestream, codestream
from fineray.dicom.element_values import whole_number
from fineray.dicom.frame_header import frame_header
from fineray.dicom.gray_in_colour import gray_of_channels, gray_of_palette
from fineray.dicom.mending import COLOURS, GRAY, PALETTE, mend
from fineray.dicom.radiograph import NotARadiograph, UnreadableFile
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.reduced import reduced_words
from fineray.dicom.sample_bits import SampleBits, samples
from fineray.dicom.transfer_syntax import is_known

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

_LOSSY = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K)
# The words are taken as they were decoded; what of them is a value is told in sample_bits.
_AS_DECODED: dict[str, Any] = {
    "pixel_representation": 0,
    "correct_unused_bits": False,
    "apply_j2k_sign_correction": False,
    "apply_jls_sign_correction": False,
}

_NOT_OF_SHADES = ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence", "PresentationLUTShape")

imagecodecs_plugin.register()


@dataclass(frozen=True)
class Decoded:
    """One frame. values: [rows, columns] stored values; header: the frame's header, true to these values; notes: where
    the file's own header was not."""

    values: NDArray[np.integer]
    header: Dataset
    notes: tuple[ReadingNote, ...] = ()


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
    return decoded(ds, frame).values


def decoded(ds: Dataset, frame: int = 1, side: int | None = None) -> Decoded:
    """A grayscale frame (from 1) with the header that is true to it; `ds` is left as it is.

    side: what will be stored of the longest side, so that pixels far beyond may be left undecoded (see `reduced`).
    A gray image in colours or a palette of grays is given as MONOCHROME2 with a window over its whole range.
    Raises like stored_values().
    """
    syntax = ds.file_meta.TransferSyntaxUID
    if not is_known(syntax):
        raise UnreadableFile(
            "The standard does not know the file's transfer syntax", todo="Export the image again from the archive."
        )
    _refuse_sizes(ds)
    native = not syntax.is_encapsulated
    fragment = b"" if native else _fragment(ds, frame)
    stream = None if native else codestream(fragment, syntax)
    header = frame_header(ds, frame)
    notes = mend(header, ds.PixelData if native else b"", stream, frame_count(ds))
    _refuse_what_is_not_gray(header, len(ds.PixelData) if native else None)
    channels = header.SamplesPerPixel == 3
    raw = None
    if side is not None and stream is not None:
        raw = reduced_words(fragment, syntax, header, stream, side)
    if raw is None:
        raw = _words(ds, header, frame, channels and native)
    if channels:
        return _gray_of(raw, header, stream, notes)
    palette = header.PhotometricInterpretation == PALETTE
    signed = header.PixelRepresentation == 1 and not palette  # places in a palette have no sign
    read = samples(raw, SampleBits(header.BitsStored, header.HighBit, signed), stream)
    header.BitsStored, header.HighBit = read.bits, read.bits - 1
    header.PixelRepresentation = int(np.issubdtype(read.values.dtype, np.signedinteger))
    notes += read.notes
    if palette:
        gray = gray_of_palette(header, read.values, syntax.is_little_endian)
        if gray is None:
            raise _colour(PALETTE)
        return Decoded(gray[0], _shown_whole(header, gray[1]), (*notes, ReadingNote.GRAY_IN_COLOUR))
    if header.PhotometricInterpretation in COLOURS:  # one channel under the name of three
        return Decoded(read.values, _shown_whole(header, read.bits), (*notes, ReadingNote.GRAY_IN_COLOUR))
    return Decoded(read.values, header, tuple(dict.fromkeys(notes)))


def _gray_of(
    raw: NDArray[np.unsignedinteger], header: Dataset, stream: Codestream | None, notes: list[ReadingNote]
) -> Decoded:
    stated = str(header.PhotometricInterpretation)
    bits = stream.precision if stream is not None else int(header.BitsStored)
    gray = gray_of_channels(raw, bits, header.file_meta.TransferSyntaxUID in _LOSSY)
    if gray is None:
        raise _colour(stated)
    return Decoded(gray, _shown_whole(header, bits), (*notes, ReadingNote.GRAY_IN_COLOUR))


def _shown_whole(header: Dataset, bits: int) -> Dataset:
    """The header of shades that are to be shown as they are, 0 black."""
    for keyword in _NOT_OF_SHADES:
        if keyword in header:
            delattr(header, keyword)
    header.PhotometricInterpretation, header.SamplesPerPixel, header.PixelRepresentation = "MONOCHROME2", 1, 0
    header.BitsAllocated, header.BitsStored, header.HighBit = (8 if bits <= 8 else 16), bits, bits - 1
    header.WindowCenter, header.WindowWidth = (2**bits - 1) / 2, 2**bits - 1
    header.VOILUTFunction = "LINEAR_EXACT"
    return header


def _fragment(ds: Dataset, frame: int) -> bytes:
    """The compressed bytes of a frame, none where they cannot be found."""
    try:
        return bytes(get_frame(ds.PixelData, frame - 1, number_of_frames=frame_count(ds)))
    except Exception:  # the decoder will say in its words what is wrong
        return b""


def _words(ds: Dataset, header: Dataset, frame: int, subsampled: bool) -> NDArray[np.unsignedinteger]:
    """The words of a frame [rows, columns] or [rows, columns, 3] as the decoder gives them, in native byte order."""
    syntax = ds.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise UnreadableFile(
            f"Transfer syntax {syntax.name} is not one for images",
            todo="Export the image again from the archive.",
        ) from error
    plugin = FASTEST_PLUGIN.get(syntax, "")
    if plugin not in decoder.available_plugins:
        plugin = ""
    options = {
        **_AS_DECODED,
        "samples_per_pixel": int(header.SamplesPerPixel),
        "bits_allocated": int(header.BitsAllocated),
        "bits_stored": int(header.BitsStored),
        "photometric_interpretation": _for_decoder(header, subsampled),
    }
    if header.SamplesPerPixel == 3:
        options["planar_configuration"] = whole_number(header, "PlanarConfiguration") or 0
    try:
        words: NDArray[np.unsignedinteger]
        words, _ = decoder.as_array(ds, index=frame - 1, raw=True, decoding_plugin=plugin, **options)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # decoders raise whatever their C code reports; a panic in Rust is no Exception
        raise UnreadableFile(
            f"The pixels cannot be decoded from {syntax.name}",
            todo="The file may be damaged or cut short; export it again from the archive.",
        ) from error
    if words.shape[:2] != (ds.Rows, ds.Columns):
        raise UnreadableFile(
            f"The pixels measure {words.shape} but the header says {(ds.Rows, ds.Columns)}",
            todo="Export the image again from the archive.",
        )
    return words.astype(words.dtype.newbyteorder("="), copy=False)


def _for_decoder(header: Dataset, native: bool) -> str:
    """A term under which the decoder leaves the channels as they are."""
    if header.SamplesPerPixel == 1:
        return "MONOCHROME2"
    return str(header.PhotometricInterpretation) if native else "YBR_FULL"


def _refuse_sizes(ds: Dataset) -> None:
    rows, columns = int(ds.get("Rows") or 0), int(ds.get("Columns") or 0)
    if rows * columns == 0:
        raise UnreadableFile("The header gives no image size", todo="Export the image again from the archive.")
    if rows * columns > MAX_PIXELS:
        raise UnreadableFile(
            f"The header claims {columns} x {rows} pixels, more than any X-ray has",
            todo="The file may be damaged; export it again from the archive.",
        )


def _refuse_what_is_not_gray(header: Dataset, length: int | None) -> None:
    """length: bytes of native pixels, None for compressed ones"""
    stated, channels = str(header.PhotometricInterpretation), int(header.SamplesPerPixel)
    if channels not in (1, 3) or stated not in (*GRAY, PALETTE, *COLOURS):
        raise _colour(stated if stated in COLOURS else f"{channels} samples a pixel")
    subsampled = stated in ("YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420")
    needed = int(header.Rows) * int(header.Columns) * (1 if subsampled else channels) * (int(header.BitsAllocated) // 8)
    if channels == 3 and length is not None and length < needed:
        raise _colour(stated if stated in COLOURS else "3 samples a pixel")
    stored = int(header.BitsStored)
    if channels == 3 and stored > 16:
        raise _colour(stated)
    if not 1 <= stored <= 16:
        raise UnreadableFile(
            f"Pixels of {stored} bits cannot be read", todo="Export the image again with 8 to 16 bits a pixel."
        )


def _colour(kind: str) -> NotARadiograph:
    return NotARadiograph(f"The image is in colour ({kind})", todo="Only grayscale X-rays are imported.")
