"""PNG, JPEG and TIFF pictures of X-rays, and what is lost with them."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fineray.dicom.gray_in_colour import LOSSY, ROUNDING, middle_of_channels
from fineray.dicom.picture_values import picture_values
from fineray.dicom.radiograph import Attributes, Identity, NotARadiograph, Radiograph, UnreadableFile
from fineray.dicom.reading_notes import ReadingNote

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
# TIFF tags (TIFF 6.0, section 8)
SUBFILE_TYPE, BITS_PER_SAMPLE, PHOTOMETRIC, ORIENTATION, SAMPLE_FORMAT = 254, 258, 262, 274, 339
REDUCED, MASK = 1, 4  # of the subfile type: a page that is a smaller copy, or a mask
MOST_PAGES = 32  # that are looked through for smaller copies
PICTURE_FORMATS = ("PNG", "JPEG", "TIFF")  # what the catalogue names in place of a transfer syntax
# Pillow refuses pictures of twice this size by itself; an X-ray detector has under 40 million pixels.
MAX_PIXELS = 200_000_000


def picture_format(data: bytes) -> str | None:
    """PNG, JPEG or TIFF by the first bytes, else None.

    A DICOM file's preamble may hold the start of a TIFF (PS3.10 7.1), as real CR files do: they are no pictures.
    """
    if data[128:132] == b"DICM":
        return None
    return next((name for magic, name in _MAGIC if data.startswith(magic)), None)


def read_picture(data: bytes, kind: str) -> Radiograph:
    """A grayscale picture as a Radiograph with a note on what it lacks, turned upright.

    Equal channels count as gray, of CMYK too; smaller copies of the picture in the same file are left out.
    Raises NotARadiograph (colour, several pages) or UnreadableFile.
    """
    notes = [ReadingNote.PICTURE]
    try:
        with Image.open(BytesIO(data), formats=[kind]) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise UnreadableFile(
                    f"The header claims {picture.width} x {picture.height} pixels, more than any X-ray has",
                    todo="The file may be damaged; export it again.",
                )
            page = _page(picture)
            if getattr(picture, "n_frames", 1) > 1:
                notes.append(ReadingNote.THUMBNAIL_LEFT_OUT)
            if picture.mode == "CMYK":
                notes.append(ReadingNote.GRAY_IN_COLOUR)
            orientation = int(picture.getexif().get(ORIENTATION) or 1)
            if orientation in _TURNS:
                notes.append(ReadingNote.TURNED_UPRIGHT)
            deep = _deep(data, picture, page)
            # Pillow turns TIFFs as it loads them, and inverts those of up to 8 bits whose 0 is white.
            channels = np.asarray(_plain(picture)) if deep is None else deep
            inverted = _white_is_zero(picture) and (deep is not None or channels.dtype != np.uint8)
            if orientation in _TURNS and (deep is not None or kind != "TIFF"):
                channels = _TURNS[orientation](channels)
            values = _gray(channels, LOSSY if kind == "JPEG" else ROUNDING)
    except (NotARadiograph, UnreadableFile, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise whatever their formats do
        raise UnreadableFile(
            f"The {kind} picture cannot be read", todo="The file may be damaged or cut short; export it again."
        ) from error
    read = picture_values(values, inverted)
    rows, columns = values.shape
    attributes = Attributes(
        modality="",
        body_part="",
        view_position="",
        laterality="",
        sex="",
        age_years=None,
        manufacturer="",
        model="",
        rows=rows,
        columns=columns,
        bits_stored=read.bits,
        photometric="MONOCHROME1" if inverted else "MONOCHROME2",
        transfer_syntax=kind,
        voi_source=read.voi_source,
        pixel_spacing_mm=None,
        burned_in="",
    )
    return Radiograph(read.image, attributes, Identity(), warnings=tuple(notes))


def _page(picture: Image.Image) -> int:
    """Turn to the page that the others are smaller copies of; its number, from 0.

    Raises NotARadiograph where they are not.
    """
    count = getattr(picture, "n_frames", 1)
    if count == 1:
        return 0
    sizes = {}
    if picture.format == "TIFF" and count <= MOST_PAGES:
        for page in range(count):
            picture.seek(page)
            if not getattr(picture, "tag_v2", {}).get(SUBFILE_TYPE, 0) & (REDUCED | MASK):
                sizes[page] = picture.size
    main = max(sizes, key=lambda page: sizes[page][0] * sizes[page][1], default=0)
    if not sizes or not all(_is_thumbnail(size, sizes[main]) for page, size in sizes.items() if page != main):
        raise NotARadiograph("The picture holds several pages", todo="Export the page you need by itself.")
    picture.seek(main)
    return main


def _is_thumbnail(size: tuple[int, int], of: tuple[int, int]) -> bool:
    """At most half as large, and of the same shape within a pixel."""
    scale = of[0] / size[0]
    return scale >= 2 and abs(of[1] / scale - size[1]) <= 1


def _deep(data: bytes, picture: Image.Image, page: int) -> NDArray[np.generic] | None:
    """The channels of a picture that Pillow would cut to 8 bits or cannot read, None for any other."""
    if picture.format == "PNG" and data[24] == 16 and data[25] != 0:  # bit depth and colour type (PNG 11.2.2)
        return np.asarray(imagecodecs.png_decode(data))
    tags = getattr(picture, "tag_v2", {})
    bits, signed = tags.get(BITS_PER_SAMPLE, (1,)), 2 in tags.get(SAMPLE_FORMAT, (1,))
    if max(bits) > 8 and (len(bits) > 1 or bits[0] == 64 or (bits[0] == 32 and picture.mode == "I" and not signed)):
        return np.asarray(imagecodecs.tiff_decode(data, index=page))
    return None


def _plain(picture: Image.Image) -> Image.Image:
    """Without palette, alpha or ink: bits and grays as they are, everything else as RGB."""
    if picture.mode in ("1", "LA", "La"):
        return picture.convert("L")
    gray = picture.mode in ("L", "F", "I") or picture.mode.startswith("I;")
    return picture if gray else picture.convert("RGBA" if picture.mode == "PA" else "RGB")


def _white_is_zero(picture: Image.Image) -> bool:
    """TIFF's PhotometricInterpretation 0 (TIFF 6.0, tag 262)."""
    return bool(getattr(picture, "tag_v2", {}).get(PHOTOMETRIC) == 0)


def _gray(channels: NDArray[np.generic], tolerance: int) -> NDArray[np.generic]:
    """The one channel [rows, columns]; an alpha channel is left out.

    tolerance: shades by which channels may differ, rounded or compressed as they were.
    """
    if channels.ndim == 2:
        return channels
    if channels.ndim == 3 and channels.shape[2] <= 2:
        return np.ascontiguousarray(channels[:, :, 0])
    colours: NDArray[np.unsignedinteger] = channels[:, :, :3]  # type: ignore[assignment]
    apart = colours.max(axis=2) - colours.min(axis=2)
    if channels.ndim != 3 or channels.shape[2] > 4 or apart.max() > tolerance:
        raise NotARadiograph("The picture is in colour", todo="Only grayscale X-rays are imported.")
    return middle_of_channels(colours) if apart.any() else np.ascontiguousarray(colours[:, :, 0])


# What the orientations of EXIF (2.32, 4.6.4) and TIFF (tag 274) say how to turn rows and columns.
_TURNS: dict[int, Callable[[NDArray[np.generic]], NDArray[np.generic]]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.swapaxes(pixels[::-1, ::-1], 0, 1),
    8: lambda pixels: np.rot90(pixels),
}
