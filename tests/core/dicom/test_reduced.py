"""Films decoded at a fraction give the stored image of the whole way; films whose shades may differ come whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from fineray.dicom.radiograph import UnreadableFile
from fineray.dicom.read import read_radiographs
from fineray.dicom.shades import shades_8bit
from fineray.project.files.preparation import shrink
from tests.support.film import film
from tests.support.images import image

SIDE = 64
NOISE = np.random.default_rng(0).normal(0, 0.008, (400, 396))


def noisy(bits: int) -> NDArray[np.uint16]:
    top = (1 << bits) - 1
    return np.clip(film(bits, 400) + NOISE * top, 0, top).astype(np.uint16)


def encoded(bits: int, syntax: uid.UID, encode: Callable[[Any], bytes], **tags: Any) -> Dataset:
    values = noisy(bits)
    ds = image(values, bits=bits, **{"WindowCenter": 2.0 ** (bits - 1), "WindowWidth": 2.0**bits, **tags})
    ds.PixelData = encapsulate([encode(values if bits > 8 else values.astype(np.uint8))])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def j2k(bits: int = 12, **options: Any) -> Callable[[Any], bytes]:
    more = {"level": 0, "codecformat": "j2k", "bitspersample": bits, **options}
    return lambda values: bytes(imagecodecs.jpeg2k_encode(values, **more))


def both(folder: Path, ds: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(shades of the whole, shades as decoded for a stored side of SIDE)"""
    ds.save_as(folder / "f")
    [whole], [quick] = read_radiographs(folder / "f"), read_radiographs(folder / "f", side=SIDE)
    assert whole.attributes == quick.attributes
    assert whole.warnings == quick.warnings
    return shades_8bit(whole.image), shades_8bit(quick.image)


@pytest.mark.parametrize(
    ("bits", "syntax", "encode"),
    [
        (12, uid.JPEG2000Lossless, j2k()),
        (14, uid.JPEG2000Lossless, j2k(14, codecformat="jp2")),
        (16, uid.JPEG2000Lossless, j2k(16)),
        (8, uid.JPEG2000Lossless, j2k(8)),
        (12, uid.JPEG2000, j2k(level=50, reversible=False)),
        (12, uid.HTJ2KLossless, lambda values: imagecodecs.htj2k_encode(values)),
        (8, uid.JPEGBaseline8Bit, lambda values: imagecodecs.jpeg8_encode(values, level=95)),
    ],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_stored_image_is_that_of_the_whole_way(
    tmp_path: Path, bits: int, syntax: uid.UID, encode: Callable[[Any], bytes], photometric: str
) -> None:
    ds = encoded(bits, syntax, encode, PhotometricInterpretation=photometric, RescaleSlope=2, RescaleIntercept=-7)
    ds.WindowCenter, ds.WindowWidth = 2.0**bits, 2.0 ** (bits + 1)
    whole, quick = both(tmp_path, ds)
    assert quick.shape == (200, 198)  # 400 halved once; twice would leave less than two SIDEs
    off = np.abs(shrink(whole, SIDE).astype(int) - shrink(quick, SIDE))
    # of a small film, whose letter is sharp; a quarter of a shade of a full-size one
    assert off.mean() <= (0.6 if bits > 8 else 1)


@pytest.mark.parametrize(
    "tags",
    [
        {"PixelPaddingValue": 0},
        {"WindowWidth": 900},
        {"WindowWidth": 4096, "RescaleSlope": 8},
        {"WindowCenter": None, "WindowWidth": None},
        {"VOILUTSequence": [Dataset()]},
        {"ModalityLUTSequence": [Dataset()]},
        {"BitsStored": 16, "HighBit": 15},
        {"BitsStored": 10, "HighBit": 9},
        {"PixelRepresentation": 1},
    ],
    ids=str,
)
def test_films_whose_shades_are_no_straight_line_of_averages_come_whole(tmp_path: Path, tags: dict[str, Any]) -> None:
    ds = encoded(12, uid.JPEG2000Lossless, j2k())
    for name, value in tags.items():
        setattr(ds, name, value)
    whole, quick = both(tmp_path, ds)
    np.testing.assert_array_equal(whole, quick)


def test_encodings_without_halves_and_small_films_come_whole(tmp_path: Path) -> None:
    few = encoded(12, uid.JPEG2000Lossless, j2k(resolutions=1))
    lossless = encoded(12, uid.JPEGLSLossless, lambda values: imagecodecs.jpegls_encode(values))
    small = image(film(12, 100), syntax=uid.JPEG2000Lossless, WindowCenter=2048, WindowWidth=4096)
    for ds in (few, lossless, small):
        np.testing.assert_array_equal(*both(tmp_path, ds))


def test_what_is_cut_short_fails_as_the_whole_does(tmp_path: Path) -> None:
    ds = encoded(12, uid.JPEG2000Lossless, j2k())
    ds.PixelData = encapsulate([j2k()(noisy(12))[:120]])
    ds.save_as(tmp_path / "f")
    for side in (None, SIDE):
        with pytest.raises(UnreadableFile, match="cannot be decoded from JPEG 2000"):
            read_radiographs(tmp_path / "f", side=side)
