"""Which transfer syntax the pixels really have; archives and converters state wrong ones."""

from __future__ import annotations

import struct

from pydicom import uid
from pydicom.dataset import Dataset

from fineray.dicom.codestream import jpeg_markers
from fineray.dicom.element_values import whole_number

ITEM = b"\xfe\xff\x00\xe0"
LOOK = 4096  # bytes of a codestream within which its kind is decided

_FAMILIES: tuple[tuple[uid.UID, ...], ...] = (
    (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit),
    (uid.JPEGLosslessSV1, uid.JPEGLossless),
    (uid.JPEGLSLossless, uid.JPEGLSNearLossless),
    (uid.JPEG2000Lossless, uid.JPEG2000),
    (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
    (uid.RLELossless,),
)


def actual_syntax(ds: Dataset) -> uid.UID:
    """The stated transfer syntax where the pixels agree with it, else the one that they show."""
    stated: uid.UID = ds.file_meta.TransferSyntaxUID
    data: bytes = ds.PixelData
    samples, bits = whole_number(ds, "SamplesPerPixel") or 1, whole_number(ds, "BitsAllocated") or 8
    native_bytes = int(ds.Rows) * int(ds.Columns) * samples * (bits // 8)
    native_fits = len(data) >= native_bytes
    encapsulated = not is_known(stated) or stated.is_encapsulated  # mistyped or a maker's own: whatever the pixels are
    if data[:4] != ITEM or (native_fits and not encapsulated):
        return uid.ExplicitVRLittleEndian if encapsulated and native_fits else stated
    # The first item is the Basic Offset Table (PS3.5 A.4); some writers leave it out.
    first, start = _item(data, 0)
    shown = codec_of(first) or codec_of(_item(data, start)[0])
    if shown is None or any(shown in family and stated in family for family in _FAMILIES):
        return stated
    return shown


def is_known(syntax: uid.UID) -> bool:
    """Whether the standard knows the transfer syntax (PS3.6 annex A)."""
    return syntax in uid.AllTransferSyntaxes


def codec_of(fragment: bytes) -> uid.UID | None:
    """The transfer syntax that a codestream belongs to (the lossless one of a family), or None if unknown."""
    if fragment[:4] == b"\xff\x4f\xff\x51" or fragment[4:8] == b"jP  ":
        # ISO 15444-15: a CAP marker before the first tile announces high throughput coding.
        return uid.HTJ2KLossless if b"\xff\x50" in fragment[:200].partition(b"\xff\x90")[0] else uid.JPEG2000Lossless
    if fragment[:2] == b"\xff\xd8":
        return _jpeg(fragment)
    if len(fragment) >= 64:
        segments, first = struct.unpack("<2I", fragment[:8])
        if 1 <= segments <= 15 and first == 64:
            return uid.RLELossless
    return None


def _jpeg(stream: bytes) -> uid.UID | None:
    """By the start-of-frame marker (ITU-T T.81 table B.1; T.87 for JPEG-LS)."""
    for marker, place in jpeg_markers(stream):
        if marker in (0xC0, 0xC1, 0xC2):
            return uid.JPEGExtended12Bit if stream[place + 4] > 8 else uid.JPEGBaseline8Bit
        if marker == 0xC3:
            return uid.JPEGLosslessSV1
        if marker == 0xF7:
            return uid.JPEGLSLossless
    return None


def _item(data: bytes, start: int) -> tuple[bytes, int]:
    """(the first bytes of the item at `start`, where the next item starts)."""
    if data[start : start + 4] != ITEM:
        return b"", start
    end = start + 8 + int.from_bytes(data[start + 4 : start + 8], "little")
    return data[start + 8 : min(end, start + 8 + LOOK)], end
