"""TIFF files: the page that is the image, and its channels in full depth (TIFF 6.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from fineray.dicom.radiograph import NotARadiograph

# Tags (TIFF 6.0, section 8; Adobe's supplement 1 for the subfile type's bits)
SUBFILE_TYPE, WIDTH, LENGTH, BITS, PHOTOMETRIC, ORIENTATION, SAMPLES = 254, 256, 257, 258, 262, 274, 277
MOST_SAMPLES = 4  # three colours and an alpha channel
REDUCED, MASK = 1, 4
MOST_PAGES = 32  # that are looked through for smaller copies
Tags = Mapping[int, Any]


@dataclass(frozen=True)
class TiffPage:
    """The page of a file that the others, if any, are smaller copies of. number: from 0; alone: without others."""

    number: int
    tags: Tags
    alone: bool

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows)"""
        return int(self.tags.get(WIDTH, 0)), int(self.tags.get(LENGTH, 0))

    @property
    def white_is_zero(self) -> bool:
        """PhotometricInterpretation 0"""
        return bool(self.tags.get(PHOTOMETRIC) == 0)

    @property
    def orientation(self) -> int:
        """How rows and columns are to be turned, 1 for as they are."""
        return int(self.tags.get(ORIENTATION) or 1)


def tiff_page(data: bytes) -> TiffPage:
    """Find the image in a TIFF.

    Raises NotARadiograph where several pages could be it.
    """
    pages = _pages(data)
    whole = {n: tags for n, tags in enumerate(pages) if not int(tags.get(SUBFILE_TYPE) or 0) & (REDUCED | MASK)}
    found = [TiffPage(n, tags, len(pages) == 1) for n, tags in (whole or dict(enumerate(pages))).items()]
    main = max(found, key=lambda page: page.size[0] * page.size[1])
    if len(pages) > MOST_PAGES or not all(_is_thumbnail(each.size, main.size) for each in found if each is not main):
        raise NotARadiograph("The picture holds several pages", todo="Export the page you need by itself.")
    return main


def tiff_channels(data: bytes, page: TiffPage) -> NDArray[np.generic] | Image.Image:
    """The page's pixels: as stored where they have more than 8 bits, else a Pillow image that is turned and of which 0
    is black."""
    bits = page.tags.get(BITS, (1,))
    if max(bits) > 8 and tuple(bits) != (12,):
        if int(page.tags.get(SAMPLES) or 1) > MOST_SAMPLES:
            raise NotARadiograph("The picture is in colour", todo="Only grayscale X-rays are imported.")
        found = np.asarray(imagecodecs.tiff_decode(data, index=page.number))
        planes = found.ndim == 3 and found.shape[1:] == page.size[::-1]  # PlanarConfiguration 2
        return np.moveaxis(found, 0, -1) if planes else found
    picture = Image.open(BytesIO(data), formats=["TIFF"])
    picture.seek(page.number)
    return picture


def _pages(data: bytes) -> list[Tags]:
    """The tags of each page, of one more than are looked through at most."""
    stream, seen = BytesIO(data), set()
    pages: list[Tags] = []
    place = ImageFileDirectory_v2(data[:8]).next
    while place and place not in seen and len(pages) <= MOST_PAGES:
        seen.add(place)
        directory = ImageFileDirectory_v2(data[:8])
        stream.seek(place)
        directory.load(stream)
        pages.append(directory)
        place = directory.next
    return pages


def _is_thumbnail(size: tuple[int, int], of: tuple[int, int]) -> bool:
    """At most half as large, and of the same shape within a pixel."""
    scale = of[0] / max(1, size[0])
    return scale >= 2 and abs(of[1] / scale - size[1]) <= 1
