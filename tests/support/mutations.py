"""Broken and hostile DICOM files from a seed: the same number gives the same file."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom import uid
from pydicom.data import get_testdata_file

from tests.support.images import image

SYNTAXES = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.JPEGBaseline8Bit,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.RLELossless,
)
COMPRESSIBLE = (uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.RLELossless)
REAL = (
    "RG1_UNCR.dcm",
    "RG3_J2KI.dcm",
    "JPEG-lossy.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "693_J2KR.dcm",
    "MR_small.dcm",
    "DICOMDIR",
)
VRS = b"AEASATCSDADSDTFLFDISLOLTOBODOFOLOWPNSHSLSQSSSTTMUCUIULUNURUSUTUV"
GIANT = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF)
SIZES = (
    b"\x28\x00\x10\x00US",
    b"\x28\x00\x11\x00US",
    b"\x28\x00\x00\x01US",
    b"\x28\x00\x01\x01US",
    b"\x28\x00\x02\x00US",
)


def seeds(folder: Path) -> list[bytes]:
    """Whole files to begin with: images in several syntaxes, and real ones that pydicom and its data bring."""
    values = np.random.default_rng(0).integers(0, 4096, (96, 80)).astype(np.uint16)
    found = []
    for syntax in (uid.ExplicitVRLittleEndian, *COMPRESSIBLE) * 3:
        image(values, syntax=syntax).save_as(folder / "seed", enforce_file_format=True)
        found.append((folder / "seed").read_bytes())
    for syntax in (uid.ImplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian):
        ds = image(values)
        ds.file_meta.TransferSyntaxUID = syntax
        ds.save_as(folder / "seed", enforce_file_format=True, implicit_vr=syntax.is_implicit_VR, little_endian=True)
        found.append((folder / "seed").read_bytes())
    for name in REAL:
        path = get_testdata_file(name)
        if path is not None:
            found.append(Path(str(path)).read_bytes())
    (folder / "seed").unlink()
    return found


def mutated(whole: bytes, number: int) -> tuple[str, bytes]:
    """(what was done, the file); one to three changes."""
    dice = random.Random(number)
    data, done = _of_its_own(bytearray(whole), number), []
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        kind = dice.choice(KINDS)
        done.append(kind.__name__.strip("_"))
        data = bytearray(kind(data, dice))
    return "+".join(done), bytes(data)


def _of_its_own(data: bytearray, number: int) -> bytearray:
    """Under an instance UID that no other file has: a copy would be counted once and not be looked into."""
    place = data.find(b"\x08\x00\x18\x00UI")
    if place > 0 and data[place + 6] >= 20:
        data[place + 15 : place + 22] = b"%07d" % (number + 1)
    return data


def _bit_flips(data: bytearray, dice: random.Random) -> bytes:
    end = len(data) if dice.random() < 0.5 else min(len(data), 1500)
    for _ in range(dice.randint(1, 24)):
        if end:
            data[dice.randrange(end)] ^= 1 << dice.randrange(8)
    return data


def _truncation(data: bytearray, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def _lengths(data: bytearray, dice: random.Random) -> bytes:
    for _ in range(dice.randint(1, 4)):
        place = _element(data, dice)
        if place is not None and place + 12 <= len(data):
            wide = data[place + 4 : place + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT")
            struct.pack_into(
                "<I" if wide else "<H",
                data,
                place + (8 if wide else 6),
                dice.choice(GIANT) & (0xFFFFFFFF if wide else 0xFFFF),
            )
    return data


def _nesting(data: bytearray, dice: random.Random) -> bytes:
    place = _element(data, dice) or len(data) // 2
    nested = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return data[:place] + nested * dice.choice((2, 50, 1000, 5000)) + data[place:]


def _bomb(data: bytearray, dice: random.Random) -> bytes:
    """A header that stays, then a deflated stream that unfolds to far more, or a run that never ends."""
    head = data[: min(len(data), dice.choice((132, 400, 700)))]
    if dice.random() < 0.5:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        zeros = bytes(1 << 20)
        return head + b"".join(packer.compress(zeros) for _ in range(dice.choice((8, 64)))) + packer.flush()
    return head + b"\x81\x00" * 20_000


def _wrong_vr(data: bytearray, dice: random.Random) -> bytes:
    for _ in range(dice.randint(1, 6)):
        place = _element(data, dice)
        if place is not None and place + 6 <= len(data):
            which = dice.randrange(len(VRS) // 2) * 2
            data[place + 4 : place + 6] = (
                VRS[which : which + 2] if dice.random() < 0.9 else bytes(dice.choices(range(256), k=2))
            )
    return data


def _wrong_syntax(data: bytearray, dice: random.Random) -> bytes:
    place = data.find(b"\x02\x00\x10\x00UI")
    if place < 0 or place + 8 > len(data):
        return data
    length = struct.unpack_from("<H", data, place + 6)[0]
    other = dice.choice(SYNTAXES).encode()
    other += b"\0" * (len(other) % 2)
    return data[: place + 6] + struct.pack("<H", len(other)) + other + data[place + 8 + length :]


def _giant_sizes(data: bytearray, dice: random.Random) -> bytes:
    for _ in range(dice.randint(1, 3)):
        place = data.find(dice.choice(SIZES))
        if 0 <= place <= len(data) - 10:
            struct.pack_into("<H", data, place + 8, dice.choice((0, 1, 7, 16, 30_000, 0xFFFF)))
    if dice.random() < 0.4:  # and as many frames
        place = data.find(b"\x28\x00\x10\x00US")
        frames = dice.choice((b"99999999", b"-1", b"0 ", b"2147483647"))
        if place > 0:
            frames += b" " * (len(frames) % 2)
            data = data[:place] + b"\x28\x00\x08\x00IS" + struct.pack("<H", len(frames)) + frames + data[place:]
    return data


def _giant_stream(data: bytearray, dice: random.Random) -> bytes:
    """The compressed stream itself claims a giant picture: JPEG's SOF, JPEG 2000's SIZ, JPEG-LS' SOF55."""
    for marker in (b"\xff\xc0", b"\xff\xc3", b"\xff\x51", b"\xff\xf7"):
        place = data.find(marker)
        if 0 < place < len(data) - 24:
            at = place + (5 if marker != b"\xff\x51" else 6)
            for number in range(dice.randint(2, 8)):
                data[at + number] = dice.choice((0, 0xFF, 0x7F))
    return data


def _splice(data: bytearray, dice: random.Random) -> bytes:
    if len(data) < 64:
        return data
    start, size, to = dice.randrange(len(data)), dice.randint(1, 4096), dice.randrange(len(data))
    piece = data[start : start + size]
    return data[:to] + (bytes(len(piece)) if dice.random() < 0.3 else piece) + data[to + dice.choice((0, len(piece))) :]


def _element(data: bytearray, dice: random.Random) -> int | None:
    """Where some element with an explicit VR begins."""
    found = data.find(
        dice.choice((b"US", b"UI", b"OW", b"OB", b"DS", b"CS", b"LO", b"SH", b"PN", b"SQ")),
        dice.randrange(max(len(data), 1)),
    )
    return found - 4 if found >= 4 else None


KINDS: tuple[Callable[[bytearray, random.Random], bytes], ...] = (
    _bit_flips, _truncation, _lengths, _nesting, _bomb, _wrong_vr, _wrong_syntax, _giant_sizes, _giant_stream, _splice,
)  # fmt: skip
