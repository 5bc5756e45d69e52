"""A gray film under a colour's name is the film, whichever way the colour is encoded; a tint is a colour."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from fineray.dicom.gray_in_colour import gray_of_channels
from fineray.dicom.radiograph import NotARadiograph
from fineray.dicom.read import read_radiograph
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.shades import shades_8bit
from tests.support.film import film
from tests.support.images import image

FILM = film(8).astype(np.uint8)
RGB = np.stack([FILM] * 3, axis=2)
YBR = np.stack([FILM, np.full_like(FILM, 128), np.full_like(FILM, 128)], axis=2)


def coloured(pixels: NDArray[np.unsignedinteger], photometric: str, **tags: object) -> Dataset:
    ds = image(FILM, bits=8, PhotometricInterpretation=photometric, SamplesPerPixel=3, PlanarConfiguration=0, **tags)
    ds.PixelData = pixels.tobytes()
    return ds


def encoded(stream: bytes, syntax: uid.UID, photometric: str, **tags: object) -> Dataset:
    ds = coloured(FILM, photometric, **tags)
    ds.PixelData = encapsulate([stream])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def shown(folder: Path, ds: Dataset) -> NDArray[np.uint8]:
    ds.save_as(folder / "f")
    read = read_radiograph(folder / "f")
    assert ReadingNote.GRAY_IN_COLOUR in read.warnings
    assert (read.attributes.voi_source, read.attributes.bits_stored) == ("window", 8)
    return shades_8bit(read.image)


def test_native_colours(tmp_path: Path) -> None:
    np.testing.assert_array_equal(shown(tmp_path, coloured(RGB, "RGB")), FILM)
    np.testing.assert_array_equal(shown(tmp_path, coloured(YBR, "YBR_FULL")), FILM)
    np.testing.assert_array_equal(shown(tmp_path, coloured(RGB, "YBR_FULL")), FILM, "the pixels know better")
    planes = coloured(np.ascontiguousarray(RGB.transpose(2, 0, 1)), "RGB")
    planes.PlanarConfiguration = 1
    np.testing.assert_array_equal(shown(tmp_path, planes), FILM)
    pairs = np.empty((*FILM.shape[:1], FILM.shape[1] // 2, 4), np.uint8)
    pairs[..., 0], pairs[..., 1], pairs[..., 2:] = FILM[:, ::2], FILM[:, 1::2], 128
    np.testing.assert_array_equal(shown(tmp_path, coloured(pairs, "YBR_FULL_422")), FILM)


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless])
def test_lossless_colours(tmp_path: Path, syntax: uid.UID) -> None:
    ds = coloured(RGB, "RGB")
    if syntax == uid.JPEG2000Lossless:
        ds = encoded(imagecodecs.jpeg2k_encode(RGB, codecformat="j2k", level=0), syntax, "YBR_RCT")
    else:
        ds.compress(syntax, generate_instance_uid=False)
    np.testing.assert_array_equal(shown(tmp_path, ds), FILM)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "RGB", "MONOCHROME2"])
def test_jpeg_of_a_gray_film(tmp_path: Path, subsampling: int, photometric: str) -> None:
    stream = BytesIO()
    Image.fromarray(RGB).save(stream, "JPEG", quality=98, subsampling=subsampling)
    ds = encoded(stream.getvalue(), uid.JPEGBaseline8Bit, photometric)
    assert np.abs(shown(tmp_path, ds).astype(int) - FILM).mean() < 1.5
    stored_as_it_is = imagecodecs.jpeg8_encode(RGB, level=98, colorspace="RGB", outcolorspace="RGB")
    ds = encoded(stored_as_it_is, uid.JPEGBaseline8Bit, photometric)
    assert np.abs(shown(tmp_path, ds).astype(int) - FILM).mean() < 1.5


def test_one_channel_under_the_name_of_three(tmp_path: Path) -> None:
    stream = BytesIO()
    Image.fromarray(FILM).save(stream, "JPEG", quality=98)
    ds = encoded(stream.getvalue(), uid.JPEGBaseline8Bit, "RGB", PresentationLUTShape="INVERSE")
    assert np.abs(shown(tmp_path, ds).astype(int) - FILM).mean() < 1.5


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_of_grays(tmp_path: Path, bits: int) -> None:
    ds = image(255 - FILM, bits=8, PhotometricInterpretation="PALETTE COLOR")
    entries = (np.arange(255, -1, -1) * (257 if bits == 16 else 1)).astype("<u2" if bits == 16 else np.uint8)
    for colour in ("Red", "Green", "Blue"):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, bits])
        ds[f"{colour}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(ds, f"{colour}PaletteColorLookupTableData", entries.tobytes())
        ds[f"{colour}PaletteColorLookupTableData"].VR = "OW"
    ds.save_as(tmp_path / "f")
    read = read_radiograph(tmp_path / "f")
    np.testing.assert_array_equal(shades_8bit(read.image), FILM)
    assert read.warnings == (ReadingNote.GRAY_IN_COLOUR,)
    ds.BluePaletteColorLookupTableData = entries[::-1].tobytes()
    ds.save_as(tmp_path / "f")
    with pytest.raises(NotARadiograph, match="in colour"):
        read_radiograph(tmp_path / "f")


def test_a_tint_is_a_colour() -> None:
    random = np.random.default_rng(0)
    noisy = np.clip(YBR.astype(int) + random.integers(-1, 2, YBR.shape), 0, 255).astype(np.uint8)
    assert gray_of_channels(noisy, 8, lossy=False) is not None
    assert gray_of_channels(np.clip(YBR + np.uint8([0, 6, 0]), 0, 255).astype(np.uint8), 8, lossy=True) is not None
    assert gray_of_channels(np.clip(YBR + np.uint8([0, 6, 0]), 0, 255).astype(np.uint8), 8, lossy=False) is None
    letter = RGB.copy()
    letter[3, 5] = (255, 0, 0)
    assert gray_of_channels(letter, 8, lossy=True) is None
