"""PNG, JPEG and TIFF pictures of X-rays, and what is lost with them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fineray.dicom.presentation import percentile_window
from fineray.dicom.radiograph import (
    Attributes,
    GrayImage,
    Identity,
    NotARadiograph,
    Radiograph,
    UnreadableFile,
    Window,
)

LOST = "A picture, not DICOM: it names no patient, view, pixel spacing or window"
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
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
    """A grayscale picture as a Radiograph with a warning on what it lacks.

    Three equal channels count as gray. 16-bit pictures without a window get a robust percentile one.
    Raises NotARadiograph (colour, several pages) or UnreadableFile.
    """
    try:
        with Image.open(BytesIO(data), formats=[kind]) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise UnreadableFile(
                    f"The header claims {picture.width} x {picture.height} pixels, more than any X-ray has",
                    todo="The file may be damaged; export it again.",
                )
            if getattr(picture, "n_frames", 1) > 1:
                raise NotARadiograph("The picture holds several pages", todo="Export the page you need by itself.")
            inverted = picture.mode in ("1", "L", "I;16", "I;16B") and _white_is_zero(picture)
            values = _gray(picture)
    except (NotARadiograph, UnreadableFile, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise whatever their formats do
        raise UnreadableFile(
            f"The {kind} picture cannot be read", todo="The file may be damaged or cut short; export it again."
        ) from error
    bits = 8 if values.dtype == np.uint8 else 16
    table = np.arange(int(values.max()) + 1, dtype=np.float32)
    window = Window(127.5, 255.0, "LINEAR_EXACT") if bits == 8 else percentile_window(values.astype(np.float32))
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
        bits_stored=bits,
        photometric="MONOCHROME1" if inverted else "MONOCHROME2",
        transfer_syntax=kind,
        voi_source="window" if bits == 8 else "percentile",
        pixel_spacing_mm=None,
        burned_in="",
    )
    gray = GrayImage(values.astype(np.uint16), table, window, inverted)
    return Radiograph(gray, attributes, Identity(), warnings=(LOST,))


def _white_is_zero(picture: Image.Image) -> bool:
    """TIFF's PhotometricInterpretation 0 (tag 262); Pillow inverts 8-bit pictures itself but not 16-bit ones."""
    tags = getattr(picture, "tag_v2", {})
    return bool(picture.mode.startswith("I;16") and tags.get(262) == 0)


def _gray(picture: Image.Image) -> NDArray[np.integer]:
    if picture.mode in ("1", "LA", "P", "PA"):
        picture = picture.convert("RGB" if picture.mode.startswith("P") else "L")
    values: NDArray[np.integer] = np.asarray(picture)
    if values.ndim == 3:
        colours = values[:, :, :3]
        if values.shape[2] not in (3, 4) or (colours != colours[:, :, :1]).any():
            raise NotARadiograph("The picture is in colour", todo="Only grayscale X-rays are imported.")
        values = np.ascontiguousarray(colours[:, :, 0])
    if values.dtype == np.uint8:
        return values
    whole = np.rint(values).astype(np.int64)
    if whole.min() < 0 or whole.max() > 65_535:
        raise UnreadableFile("The picture's values lie outside 16 bits", todo="Export it with 8 or 16 bits a pixel.")
    deep: NDArray[np.uint16] = whole.astype(np.uint16)
    return deep
