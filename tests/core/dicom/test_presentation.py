"""Shades follow DICOM PS3.4 annex N: modality LUT, VOI, polarity; checked against pydicom's own implementation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_windowing

from fineray.dicom.location import FileLocation
from fineray.dicom.pixels import stored_values
from fineray.dicom.presentation import gray_image
from fineray.dicom.radiograph import GrayImage, Window
from fineray.dicom.read import read_radiograph
from fineray.dicom.shades import apply_window, shades, shades_8bit
from tests.support.images import image

RAMP = np.linspace(0, 4095, 40 * 48).reshape(40, 48).astype(np.uint16)


def _image(ds: Dataset) -> GrayImage:
    return gray_image(ds, stored_values(ds)).image


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2.5, -100)])
def test_windows_agree_with_pydicom(function: str, slope: float, intercept: float) -> None:
    ds = image(
        RAMP,
        WindowCenter=1800,
        WindowWidth=900,
        VOILUTFunction=function,
        RescaleSlope=slope,
        RescaleIntercept=intercept,
    )
    expected = apply_windowing(apply_modality_lut(RAMP, ds), ds)
    low, high = (value * slope + intercept for value in (0, 4095))
    np.testing.assert_allclose(shades(_image(ds)), (expected - low) / (high - low), atol=2e-4)


@given(
    st.floats(-5000, 5000),
    st.floats(1, 8000),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_a_window_is_monotonic_and_stays_between_black_and_white(center: float, width: float, function: str) -> None:
    values = np.linspace(-6000, 6000, 400).astype(np.float32)
    shaded = apply_window(values, Window(center, width, function))  # type: ignore[arg-type]
    assert shaded.min() >= 0
    assert shaded.max() <= 1
    assert (np.diff(shaded) >= -1e-6).all()


def test_the_linear_window_of_the_standard() -> None:
    # PS3.3 C.11.2.1.2.1: black up to c - 0.5 - (w-1)/2, white above c - 0.5 + (w-1)/2
    shaded = apply_window(np.array([-0.6, 0, 127.5, 255, 256], np.float32), Window(128, 256, "LINEAR"))
    np.testing.assert_allclose(shaded, [0, 0, 0.5, 1, 1], atol=1e-6)


def test_a_voi_lut_goes_before_a_window() -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4096, 0, 12], (4095 - np.arange(4096)).astype(np.uint16).tolist()
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    ds = image(RAMP, WindowCenter=100, WindowWidth=10)
    ds.VOILUTSequence = [table]
    presented = gray_image(ds, stored_values(ds))
    gray, source = presented.image, presented.voi_source
    assert source == "VOI LUT"
    np.testing.assert_allclose(shades(gray), 1 - RAMP / 4095, atol=1e-3)


@pytest.mark.parametrize(("bits", "top"), [(8, 255), (12, 4095)])
def test_twins_of_both_polarities_give_the_same_shades(bits: int, top: int) -> None:
    values = (RAMP // 16 if bits == 8 else RAMP).astype(np.uint16)
    plain = image(values, bits=bits, WindowCenter=(top + 1) / 2, WindowWidth=top + 1)
    twin = image(
        (top - values).astype(np.uint16),
        bits=bits,
        PhotometricInterpretation="MONOCHROME1",
        PresentationLUTShape="INVERSE",
        WindowCenter=(top + 1) / 2,
        WindowWidth=top + 1,
    )
    np.testing.assert_array_equal(shades_8bit(_image(plain)), shades_8bit(_image(twin)))


def test_inverse_alone_and_monochrome1_alone_both_invert_once() -> None:
    plain = shades(_image(image(RAMP)))
    for tags in ({"PhotometricInterpretation": "MONOCHROME1"}, {"PresentationLUTShape": "INVERSE"}):
        np.testing.assert_allclose(shades(_image(image(RAMP, **tags))), 1 - plain, atol=1e-6)


@pytest.mark.parametrize("tags", [{}, {"WindowCenter": 5, "WindowWidth": 0}, {"VOILUTFunction": "ODD"}])
def test_without_a_usable_window_a_robust_one_is_found(tags: dict[str, object]) -> None:
    values = RAMP.copy()
    values[0, :3] = 4095
    values[-1] = RAMP[-2]
    ds = image(values // 2, **tags)
    if "VOILUTFunction" in tags:
        ds.WindowCenter, ds.WindowWidth = 10, 10
    presented = gray_image(ds, stored_values(ds))
    gray, source = presented.image, presented.voi_source
    assert source == "percentile"
    shown = shades(gray)
    assert 0.3 < float(np.median(shown)) < 0.7


def test_padding_is_black_in_both_polarities() -> None:
    values = RAMP.copy()
    values[:5] = 4095
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        ds = image(values, PixelPaddingValue=4095, PhotometricInterpretation=photometric)
        assert shades(_image(ds))[:5].max() == 0


def test_a_constant_image_is_shown() -> None:
    assert np.isfinite(shades(_image(image(np.full((10, 10), 7, np.uint16))))).all()


@pytest.mark.integration
def test_real_twins_of_the_study_have_dark_corners_and_bright_spines(cxr: Path) -> None:
    """The middle column of a frontal chest image (spine) is brighter than its lungs, whatever the encoding."""
    seen = {}
    for path in sorted((cxr / "dicom").rglob("*.dcm"))[:120]:
        radiograph = read_radiograph(FileLocation(path))
        shown = shades(radiograph.image)
        rows, columns = shown.shape
        middle = shown[rows // 3 : rows // 2, columns * 9 // 20 : columns * 11 // 20].mean()
        lungs = shown[rows // 3 : rows // 2, columns // 4 : columns * 7 // 20].mean()
        right = seen.setdefault(radiograph.attributes.photometric, [])
        right.append(middle > lungs)
    assert set(seen) == {"MONOCHROME1", "MONOCHROME2"}
    for photometric, right in seen.items():
        assert np.mean(right) > 0.9, photometric
