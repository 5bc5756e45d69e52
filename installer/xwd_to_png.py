"""A screen of Xvfb (X window dump, version 7) as PNG.   python installer/xwd_to_png.py SCREEN.xwd OUT.png"""

import struct
import sys
import zlib
from pathlib import Path


def main(source: Path, target: Path) -> None:
    """Write the picture; 32 bits a pixel, blue first, as Xvfb's 24-bit screens are."""
    raw = source.read_bytes()
    header = struct.unpack(">25I", raw[:100])
    size, width, height, line, colours = header[0], header[4], header[5], header[12], header[19]
    start = size + colours * 12
    rows = []
    for number in range(height):
        row = raw[start + number * line : start + number * line + width * 4]
        pixels = bytearray(width * 3)
        pixels[0::3], pixels[1::3], pixels[2::3] = row[2::4], row[1::4], row[0::4]
        rows.append(b"\0" + bytes(pixels))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    about = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(b"".join(rows))
    target.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", about) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
