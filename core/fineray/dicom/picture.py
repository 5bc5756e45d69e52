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
from fineray.dicom.tiff import tiff_channels, tiff_page

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
EXIF_ORIENTATION = 274
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
        channels, inverted = _tiff(data, notes) if kind == "TIFF" else (_png_or_jpeg(data, kind, notes), False)
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


def _tiff(data: bytes, notes: list[ReadingNote]) -> tuple[NDArray[np.generic], bool]:
    """(the channels turned upright, whether 0 is white)"""
    page = tiff_page(data)
    _refuse_size(page.size)
    if not page.alone:
        notes.append(ReadingNote.THUMBNAIL_LEFT_OUT)
    if page.orientation in _TURNS:
        notes.append(ReadingNote.TURNED_UPRIGHT)
    found = tiff_channels(data, page)
    if isinstance(found, Image.Image):
        notes += [ReadingNote.GRAY_IN_COLOUR] * (found.mode == "CMYK")
        channels = np.asarray(_plain(found))  # Pillow turned it, and inverted bytes whose 0 is white
        return channels, page.white_is_zero and channels.dtype != np.uint8
    return _turned(found, page.orientation), page.white_is_zero


def _png_or_jpeg(data: bytes, kind: str, notes: list[ReadingNote]) -> NDArray[np.generic]:
    """The channels turned upright."""
    with Image.open(BytesIO(data), formats=[kind]) as picture:
        _refuse_size(picture.size)
        if getattr(picture, "n_frames", 1) > 1:  # an animated PNG, or a JPEG with another one behind
            raise NotARadiograph("The picture holds several pages", todo="Export the page you need by itself.")
        notes += [ReadingNote.GRAY_IN_COLOUR] * (picture.mode == "CMYK")
        orientation = _orientation(picture)
        notes += [ReadingNote.TURNED_UPRIGHT] * (orientation in _TURNS)
        # Bit depth and colour type (PNG 11.2.2): Pillow would cut colours of 16 bits to 8.
        deep = kind == "PNG" and data[24] == 16 and data[25] != 0
        channels = np.asarray(imagecodecs.png_decode(data) if deep else _plain(picture))
    return _turned(channels, orientation)


def _turned(channels: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    return _TURNS[orientation](channels) if orientation in _TURNS else channels


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(EXIF_ORIENTATION) or 1)
    except Exception:  # EXIF that is damaged says nothing
        return 1


def _refuse_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise UnreadableFile(
            f"The header claims {size[0]} x {size[1]} pixels, more than any X-ray has",
            todo="The file may be damaged; export it again.",
        )


def _plain(picture: Image.Image) -> Image.Image:
    """Without palette, alpha or ink: bits and grays as they are, everything else as RGB."""
    if picture.mode in ("1", "LA", "La"):
        return picture.convert("L")
    gray = picture.mode in ("L", "F", "I") or picture.mode.startswith("I;")
    return picture if gray else picture.convert("RGBA" if picture.mode == "PA" else "RGB")


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
