"""What a compressed frame says of its own samples, which headers state otherwise now and then."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom import uid

LOOK = 4096  # a JP2 file's boxes before its codestream
_JPEG_2000 = (
    *(uid.JPEG2000Lossless, uid.JPEG2000),
    *(uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
)
_NO_FRAME = (0xC4, 0xC8, 0xCC)  # tables and extensions among the start-of-frame markers


@dataclass(frozen=True)
class Codestream:
    """precision: bits a sample; components: samples a pixel; signed: None where the encoding does not say."""

    precision: int
    components: int
    signed: bool | None = None


def codestream(frame: bytes, syntax: uid.UID) -> Codestream | None:
    """The samples of one compressed frame, None where they cannot be told."""
    if syntax in _JPEG_2000:
        return _jpeg_2000(frame)
    if syntax == uid.RLELossless:
        return _rle(frame)
    for marker, place in jpeg_markers(frame):
        if (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME) or marker == 0xF7:
            return Codestream(frame[place + 4], frame[place + 9]) if place + 10 <= len(frame) else None
    return None


def jpeg_markers(stream: bytes) -> Iterator[tuple[int, int]]:
    """(marker, its place) of the segments of a JPEG or JPEG-LS stream up to the first scan (ITU-T T.81 B.1, T.87)."""
    place = 2
    while place + 4 <= len(stream) and stream[place] == 0xFF and stream[place + 1] != 0xDA:
        if stream[place + 1] == 0xFF:  # a fill byte
            place += 1
            continue
        yield stream[place + 1], place
        place += 2 + int.from_bytes(stream[place + 2 : place + 4], "big")


def _jpeg_2000(frame: bytes) -> Codestream | None:
    """By the SIZ marker (ITU-T T.800 A.5.1), of a bare codestream or within a JP2 file."""
    start = frame[:LOOK].find(b"\xff\x4f\xff\x51")
    if start < 0 or len(frame) < start + 43:
        return None
    depth = frame[start + 42]
    (components,) = struct.unpack(">H", frame[start + 40 : start + 42])
    return Codestream((depth & 0x7F) + 1, components, bool(depth & 0x80))


def _rle(frame: bytes) -> Codestream | None:
    """By the number of segments, one a byte of a pixel (PS3.5 G.2, G.5)."""
    if len(frame) < 64:
        return None
    (segments,) = struct.unpack("<I", frame[:4])
    if segments in (1, 2, 3, 6):
        # Two segments are 16 bits of gray, three are 8 bits of colour; six are 16 bits of colour.
        return Codestream(16 if segments in (2, 6) else 8, 3 if segments in (3, 6) else 1)
    return None
