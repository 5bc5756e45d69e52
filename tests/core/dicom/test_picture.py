"""Pictures of films: their shades, whatever the file's kind, depth, colours and turning."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fineray.dicom.radiograph import NotARadiograph, Radiograph, UnreadableFile
from fineray.dicom.read import read_radiograph
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.shades import shades, shades_8bit
from tests.support.film import film

FILM = film(8).astype(np.uint8)
DEEP = film(16)
TWELVE = film(12)
ORIENTATION = 274
# How a file's rows and columns are to be turned for each orientation: what a viewer does to what it holds.
STORED = {
    1: FILM,
    2: FILM[:, ::-1],
    3: FILM[::-1, ::-1],
    4: FILM[::-1],
    5: FILM.T,
    6: np.rot90(FILM),
    7: FILM[::-1, ::-1].T,
    8: np.rot90(FILM, -1),
}


def saved(folder: Path, picture: Image.Image, name: str, **more: Any) -> Radiograph:
    picture.save(folder / name, **more)
    return read_radiograph(folder / name)


def png(channels: NDArray[np.generic], colour: int, **chunks: bytes) -> bytes:
    """A PNG as the specification (ISO 15948) has it: Pillow writes no 16-bit colours."""
    rows, columns = channels.shape[:2]
    depth = channels.dtype.itemsize * 8
    lines = b"".join(b"\0" + row.tobytes() for row in channels.astype(channels.dtype.newbyteorder(">")))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0))]
    parts += [(name.encode(), value) for name, value in chunks.items()]
    parts += [(b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    whole = b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in parts)
    return b"\x89PNG\r\n\x1a\n" + whole


def tiff(pixels: NDArray[np.generic], **tags: int) -> bytes:
    """An uncompressed little-endian TIFF (TIFF 6.0) of any depth, kind of number and number of channels."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    entries = {
        256: (4, [pixels.shape[1]]),
        257: (4, [pixels.shape[0]]),
        258: (3, [pixels.dtype.itemsize * 8] * channels),
    }
    entries |= {259: (3, [1]), 262: (3, [tags.get("photometric", 2 if channels >= 3 else 1)]), 273: (4, [8])}
    entries |= {274: (3, [tags.get("orientation", 1)]), 277: (3, [channels]), 278: (4, [pixels.shape[0]])}
    entries |= {279: (4, [len(data)]), 284: (3, [1]), 339: (3, [kind] * channels)}
    if channels in (2, 4):
        entries[338] = (3, [2])
    start, extra = 8 + len(data), b""
    table, size = struct.pack("<H", len(entries)), 2 + 12 * len(entries) + 4
    for tag, (field, values) in sorted(entries.items()):
        packed = struct.pack(f"<{len(values)}{'H' if field == 3 else 'I'}", *values)
        if len(packed) > 4:
            extra, packed = extra + packed, struct.pack("<I", start + size + len(extra))
        table += struct.pack("<HHI", tag, field, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", start) + data + table + b"\0\0\0\0" + extra


def read(folder: Path, data: bytes, name: str = "picture") -> Radiograph:
    (folder / name).write_bytes(data)
    return read_radiograph(folder / name)


def agrees(radiograph: Radiograph, other: NDArray[np.generic]) -> bool:
    """Whether the shades are those of a 16-bit gray picture of `other`: between its robust percentiles."""
    low, high = np.percentile(other, (0.5, 99.5))
    expected = np.clip((other.astype(np.float64) - low) / (high - low), 0, 1)
    return bool(np.abs(shades(radiograph.image) - expected).max() < 1e-3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_pictures_are_turned_upright(tmp_path: Path, orientation: int, name: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    more: dict[str, Any] = {"tiffinfo": {ORIENTATION: orientation}} if name == "a.tif" else {"exif": exif}
    found = saved(tmp_path, Image.fromarray(np.ascontiguousarray(STORED[orientation])), name, **more)
    assert np.abs(shades_8bit(found.image).astype(int) - FILM).mean() < (3 if name == "a.jpg" else 1e-6)
    assert (ReadingNote.TURNED_UPRIGHT in found.warnings) == (orientation != 1)
    assert (found.attributes.rows, found.attributes.columns) == FILM.shape


@pytest.mark.parametrize("orientation", [3, 6])
def test_deep_pictures_are_turned_too(tmp_path: Path, orientation: int) -> None:
    turned = np.rot90(TWELVE) if orientation == 6 else TWELVE[::-1, ::-1]
    colours = tiff(np.stack([turned] * 3, axis=2), orientation=orientation)
    assert agrees(read(tmp_path, colours), TWELVE)
    assert agrees(read(tmp_path, tiff(turned, orientation=orientation)), TWELVE)


def test_an_orientation_that_is_none_turns_nothing(tmp_path: Path) -> None:
    for number in (0, 9, 77):
        found = saved(tmp_path, Image.fromarray(FILM), "a.tif", tiffinfo={ORIENTATION: number})
        np.testing.assert_array_equal(shades_8bit(found.image), FILM)
        assert found.warnings == (ReadingNote.PICTURE,)
    found = saved(tmp_path, Image.fromarray(FILM), "a.jpg", exif=b"Exif\0\0II*\0broken", quality=98)
    assert np.abs(shades_8bit(found.image).astype(int) - FILM).mean() < 2


def test_cmyk_is_gray_the_right_way_up(tmp_path: Path) -> None:
    """With colours alone, with black alone, and in a TIFF, which is not inverted as Adobe's JPEGs are."""
    ink = 255 - FILM
    none = np.zeros_like(FILM)
    for channels in ((ink, ink, ink, none), (none, none, none, ink)):
        picture = Image.merge("CMYK", [Image.fromarray(each) for each in channels])
        for name in ("a.jpg", "a.tif"):
            found = saved(tmp_path, picture, name, **({"quality": 98} if name == "a.jpg" else {}))
            assert np.abs(shades_8bit(found.image).astype(int) - FILM).mean() < 2
            assert ReadingNote.GRAY_IN_COLOUR in found.warnings
    colour = Image.merge("CMYK", [Image.fromarray(each) for each in (ink, none, none, none)])
    with pytest.raises(NotARadiograph, match="in colour"):
        saved(tmp_path, colour, "a.jpg")


@pytest.mark.parametrize("colour", [0, 2, 4, 6])
@pytest.mark.parametrize("bits", [12, 16])
def test_16_bit_pngs_keep_all_their_bits(tmp_path: Path, colour: int, bits: int) -> None:
    values = film(bits)
    alpha = np.full_like(values, 65_535)
    layers = {0: [values], 2: [values] * 3, 4: [values, alpha], 6: [values] * 3 + [alpha]}[colour]
    found = read(tmp_path, png(np.stack(layers, axis=2), colour))
    np.testing.assert_array_equal(found.image.values, values)
    assert (found.attributes.bits_stored, agrees(found, values)) == (16, True)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_tiffs_keep_all_their_bits(tmp_path: Path, channels: int) -> None:
    alpha = [np.full_like(TWELVE, 65_535)] if channels in (2, 4) else []
    layers = [TWELVE] * (channels - len(alpha)) + alpha
    found = read(tmp_path, tiff(np.stack(layers, axis=2) if channels > 1 else TWELVE))
    np.testing.assert_array_equal(found.image.values, TWELVE)
    white = read(tmp_path, tiff(np.stack(layers, axis=2) if channels == 2 else TWELVE, photometric=0))
    assert white.attributes.photometric == "MONOCHROME1"
    np.testing.assert_allclose(shades(white.image), 1 - shades(found.image), atol=1e-6)
    colour = np.stack([TWELVE, TWELVE[::-1], TWELVE], axis=2)
    with pytest.raises(NotARadiograph, match="in colour"):
        read(tmp_path, tiff(colour))


@pytest.mark.parametrize("kind", ["i2", "i4", "u4", "f4", "f8"])
@pytest.mark.parametrize("scale", [1, -1, 0.25, 700])
def test_tiffs_of_every_kind_of_number(tmp_path: Path, kind: str, scale: float) -> None:
    """Signed, wide, fractional, negative: the film, with rounding to 65,536 steps at most."""
    values = TWELVE.astype(np.float64) * scale - (1000 if kind in ("i2", "i4", "f4", "f8") else 0)
    if kind == "u4":
        values = np.abs(values) + 3e9
    if kind == "i2":
        values = values.clip(-32_768, 32_767)
    pixels = values.astype(kind)
    assert agrees(read(tmp_path, tiff(pixels)), pixels)
    white = read(tmp_path, tiff(pixels, photometric=0))
    np.testing.assert_allclose(shades(white.image), 1 - shades(read(tmp_path, tiff(pixels)).image), atol=1e-6)


def test_fractions_are_shades_unless_they_lie_at_one_end(tmp_path: Path) -> None:
    found = read(tmp_path, tiff((FILM / 255).astype(np.float32)))
    np.testing.assert_array_equal(shades_8bit(found.image), FILM)
    assert found.attributes.voi_source == "window"
    faint = (TWELVE / 65_535).astype(np.float32)
    assert agrees(read(tmp_path, tiff(faint)), faint)
    black = read(tmp_path, tiff(np.zeros((9, 9), np.float32)))
    assert shades_8bit(black.image).max() == 0


def test_what_is_no_number_is_padding(tmp_path: Path) -> None:
    values = (FILM / 255).astype(np.float32)
    values[:4], values[5, 5], values[6, 6] = np.nan, np.inf, -np.inf
    found = read(tmp_path, tiff(values))
    assert found.image.padding is not None
    np.testing.assert_array_equal(found.image.padding, ~np.isfinite(values))
    np.testing.assert_array_equal(shades_8bit(found.image), np.where(np.isfinite(values), FILM, 0))
    with pytest.raises(UnreadableFile, match="holds no numbers"):
        read(tmp_path, tiff(np.full((9, 9), np.nan, np.float32)))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_a_thumbnail_is_no_second_page(tmp_path: Path, first: bool, mode: str) -> None:
    whole = Image.fromarray(FILM if mode == "L" else TWELVE)
    small = Image.fromarray(FILM).resize((9, 10))
    pages = [small, whole] if first else [whole, small]
    found = saved(tmp_path, pages[0], "a.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(found.image.values, FILM if mode == "L" else TWELVE)
    assert ReadingNote.THUMBNAIL_LEFT_OUT in found.warnings


def test_pages_that_are_no_thumbnails_are_several(tmp_path: Path) -> None:
    for other in (Image.fromarray(FILM[:12]), Image.fromarray(FILM).resize((30, 33)), Image.fromarray(FILM)):
        with pytest.raises(NotARadiograph, match="several pages"):
            saved(tmp_path, Image.fromarray(FILM), "a.tif", save_all=True, append_images=[other])
    frames = [Image.fromarray(FILM), Image.fromarray(FILM[::-1])]
    with pytest.raises(NotARadiograph, match="several pages"):
        saved(tmp_path, frames[0], "a.png", save_all=True, append_images=frames[1:])


def test_white_is_zero_at_every_depth(tmp_path: Path) -> None:
    for mode, pixels in (("L", FILM), ("1", FILM > 127), ("I;16", DEEP), ("I", DEEP.astype(np.int32))):
        picture = Image.fromarray(pixels)
        plain = shades_8bit(saved(tmp_path, picture, "p.tif").image)
        white = shades_8bit(read_radiograph(_relabelled(tmp_path / "p.tif")).image)
        np.testing.assert_allclose(white, 255 - plain.astype(int), atol=1, err_msg=mode)


def _relabelled(path: Path) -> Path:
    """The same stored numbers under PhotometricInterpretation 0."""
    data = bytearray(path.read_bytes())
    (place,) = struct.unpack("<I", data[4:8])
    (count,) = struct.unpack("<H", data[place : place + 2])
    for entry in range(place + 2, place + 2 + 12 * count, 12):
        if struct.unpack("<H", data[entry : entry + 2]) == (262,):
            data[entry + 8] = 0
    path.write_bytes(data)
    return path


def test_transparency_palettes_and_few_bits_change_no_shade(tmp_path: Path) -> None:
    found = saved(tmp_path, Image.fromarray(FILM), "a.png", transparency=int(FILM[3, 3]))
    np.testing.assert_array_equal(shades_8bit(found.image), FILM)
    np.testing.assert_array_equal(read(tmp_path, png(DEEP[:, :, None], 0, tRNS=b"\x12\x34")).image.values, DEEP)
    layers = np.stack([FILM, np.arange(FILM.size).reshape(FILM.shape) % 256], axis=2).astype(np.uint8)
    np.testing.assert_array_equal(shades_8bit(saved(tmp_path, Image.fromarray(layers), "a.png").image), FILM)
    palette = Image.fromarray(255 - FILM).convert("P")
    palette.putpalette([each for value in range(255, -1, -1) for each in (value,) * 3])
    np.testing.assert_array_equal(shades_8bit(saved(tmp_path, palette, "a.png").image), FILM)
    bits = shades_8bit(saved(tmp_path, Image.fromarray(FILM > 127), "a.png").image)
    np.testing.assert_array_equal(bits, np.where(FILM > 127, 255, 0))
