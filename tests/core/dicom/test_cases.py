"""Inputs that went wrong in other people's archives (../shared/cases/README.md) show the film, or say what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from fineray.dicom.radiograph import Radiograph
from fineray.dicom.read import read_radiographs
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.shades import shades_8bit

N = ReadingNote
SharedFile = Callable[[str], Path]


def _shown(shared_file: SharedFile, name: str) -> tuple[Radiograph, NDArray[np.int64]]:
    read = read_radiographs(shared_file(f"cases/give/{name}"), "first")[0]
    return read, shades_8bit(read.image).astype(np.int64)


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("02-voilut-8bit-4096-entries.dcm", ()),
        ("05-voilut-signed-first-value-as-US.dcm", (N.LUT_MENDED,)),
        ("07-xa-modality-lut.dcm", ()),
        ("09-highbit15-rle.dcm", ()),
        ("11-highbit15-jpegll.dcm", ()),
        ("12-jpeg-extended-12bit-bitsstored10.dcm", (N.BITS_BY_PIXELS,)),
        ("15-window-below-all-values.dcm", (N.WINDOW_OUTSIDE,)),
        ("17-slope-zero.dcm", (N.RESCALE_IGNORED,)),
        ("18-window-16bit-for-12bit-data.dcm", (N.WINDOW_OUTSIDE,)),
        ("20-modality-lut-12bit.dcm", ()),
        ("21-voilut-8bit-packed-OW.dcm", ()),
        ("24-voilut-shorter-than-stated.dcm", (N.LUT_MENDED,)),
        ("25-slope-empty.dcm", ()),
        ("27-no-pixel-representation.dcm", (N.UNSIGNED_ASSUMED,)),
        ("29-photometric-mixed-case.dcm", ()),
        ("30-modality-DR.dcm", ()),
        ("31-rgb-equal-channels.dcm", (N.GRAY_IN_COLOUR,)),
        ("32-ybr422-jpeg-gray.dcm", (N.GRAY_IN_COLOUR,)),
        ("36-cmyk-from-rgb.jpg", (N.PICTURE, N.GRAY_IN_COLOUR)),
        ("38-exif-orientation-6.jpg", (N.PICTURE, N.TURNED_UPRIGHT)),
        ("40-float-0-1.tif", (N.PICTURE,)),
        ("42-rgb48-12bit-values.png", (N.PICTURE,)),
        ("44-int16-signed.tif", (N.PICTURE,)),
        ("45-page-and-thumbnail.tif", (N.PICTURE, N.THUMBNAIL_LEFT_OUT)),
    ],
)
def test_the_film_is_shown(shared_file: SharedFile, name: str, notes: tuple[ReadingNote, ...]) -> None:
    read, shown = _shown(shared_file, name)
    _, control = _shown(shared_file, "00-control.dcm")
    assert np.abs(shown - control).mean() < (1.5 if "jpg" in name or "jpeg-gray" in name else 0.1)
    assert read.warnings == notes


def test_a_lut_of_12_bits_that_says_16_has_full_contrast(shared_file: SharedFile) -> None:
    name = "04-voilut-12bit-data-declared-16.dcm"
    values = pydicom.dcmread(shared_file(f"cases/give/{name}")).pixel_array
    read, shown = _shown(shared_file, name)
    assert shown.min() < 10 and shown.max() > 250
    assert (np.diff(shown.ravel()[np.argsort(values.ravel())]) >= 0).all(), "brighter where the film is brighter"
    assert read.warnings == (N.LUT_MENDED,)


def test_the_window_of_the_shared_functional_groups(shared_file: SharedFile) -> None:
    name = "34-tomosynthesis-frame-window.dcm"
    values = pydicom.dcmread(shared_file(f"cases/give/{name}")).pixel_array[0].astype(float)
    _, shown = _shown(shared_file, name)
    np.testing.assert_allclose(shown, np.clip((values - 2999.5) / 999 + 0.5, 0, 1) * 255, atol=0.51)


def test_processing_and_presentation_are_told_apart(shared_file: SharedFile) -> None:
    for name in ("processing", "presentation"):
        read, _ = _shown(shared_file, f"35-mg-processing-and-presentation/{name}.dcm")
        assert read.attributes.presentation_intent == f"FOR {name.upper()}"
