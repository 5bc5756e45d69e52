"""Shades follow DICOM PS3.4 annex N: modality LUT, VOI, polarity; checked against pydicom's own implementation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_windowing

from fineray.dicom.dataset import as_they_stand
from fineray.dicom.location import FileLocation
from fineray.dicom.pixels import stored_values
from fineray.dicom.presentation import Presented, gray_image
from fineray.dicom.radiograph import GrayImage, Window
from fineray.dicom.read import read_radiograph
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.shades import apply_window, shades, shades_8bit
from tests.support.film import film
from tests.support.images import image

RAMP = np.linspace(0, 4095, 40 * 48).reshape(40, 48).astype(np.uint16)

FILM = film(12)


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


def _lut(entries: list[int], first: int = 0, bits: int = 12) -> Dataset:
    made = Dataset()
    made.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 65_536, first, bits])
    made.add_new("LUTData", "US", entries)
    return made


RISING = list(range(4096))


@pytest.mark.parametrize("signed", [False, True])
def test_a_voi_lut_whose_first_value_has_the_other_sign(signed: bool) -> None:
    """Pixels from -2048 and a table from 63488, which is how -2048 looks as US (PS3.3 C.11.2.1.1)."""
    values = FILM.astype(np.int16) - 2048 if signed else FILM
    made = _lut(RISING, 63_488 if signed else 0)
    ds = image(values, VOILUTSequence=[made])
    presented = gray_image(ds, stored_values(ds))
    np.testing.assert_allclose(shades(presented.image), FILM / 4095, atol=1e-3)
    assert presented.notes == ((ReadingNote.LUT_MENDED,) if signed else ())


@pytest.mark.parametrize(
    ("bits", "entries"),
    [
        (8, [each // 16 for each in range(4096)]),
        (16, RISING),
        (12, RISING[:4000]),
        (10, [each // 4 for each in RISING]),
    ],
)
def test_voi_luts_of_every_depth_show_the_film(bits: int, entries: list[int]) -> None:
    ds = image(FILM, VOILUTSequence=[_lut(entries, bits=bits)])
    if len(entries) == 4000:
        ds.VOILUTSequence[0].LUTDescriptor = [4096, 0, 12]
    shown = shades(_image(ds))
    np.testing.assert_allclose(shown, np.minimum(FILM / 4095, (len(entries) - 1) / 4095), atol=4e-3)


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2", "", "CR"])
def test_the_modality_lut_of_angiography_is_not_for_display(sop_class: str) -> None:
    ds = image(
        FILM, ModalityLUTSequence=[_lut([each**2 // 4095 for each in RISING])], WindowCenter=2048, WindowWidth=4096
    )
    ds.SOPClassUID = sop_class if sop_class != "CR" else "1.2.840.10008.5.1.4.1.1.1"
    ds.Modality = "CR" if sop_class == "CR" else "XA"
    expected = FILM if sop_class != "CR" else FILM.astype(int) ** 2 // 4095
    np.testing.assert_allclose(shades(_image(ds)), expected / 4095, atol=1e-3)


def test_half_a_lookup_table_is_left_out_and_said() -> None:
    ds = image(FILM, ModalityLUTSequence=[Dataset()], VOILUTSequence=[Dataset()], WindowCenter=2048, WindowWidth=4096)
    presented = gray_image(ds, FILM)
    np.testing.assert_allclose(shades(presented.image), FILM / 4095, atol=1e-3)
    assert presented.notes == (ReadingNote.MODALITY_LUT_IGNORED, ReadingNote.VOI_LUT_UNUSABLE)


def _windowed(values: np.ndarray, centers: object, widths: object, bits: int = 12, **tags: object) -> Presented:
    ds = image(values, bits=bits, **tags)
    with as_they_stand():
        ds.add_new("WindowCenter", "LO" if isinstance(centers, str) else "DS", centers)
        ds.add_new("WindowWidth", "LO" if isinstance(widths, str) else "DS", widths)
        return gray_image(ds, stored_values(ds))


@pytest.mark.parametrize(
    ("values", "center", "width"),
    [
        (FILM + np.uint16(12_000), 3174, 2426),  # below all values
        (FILM, 9000, 500),  # above them
        (FILM, 32_768, 65_536),  # for 16 bits
        (FILM, 8192, 16_384),  # for 14 bits
        (FILM, -60_000, 65_536),
    ],
)
def test_a_window_for_other_values_gives_way_to_a_percentile_window(
    values: np.ndarray, center: float, width: float
) -> None:
    presented = _windowed(values, center, width, bits=16)
    plain = gray_image(image(values, bits=16), values)
    np.testing.assert_array_equal(shades_8bit(presented.image), shades_8bit(plain.image))
    assert (presented.voi_source, presented.notes) == ("percentile", (ReadingNote.WINDOW_OUTSIDE,))
    assert np.corrcoef(shades(presented.image).ravel(), FILM.ravel())[0, 1] > 0.99


@settings(deadline=None, max_examples=40)
@given(st.floats(0, 4095), st.floats(600, 12_000), st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]))
def test_a_window_that_shows_something_of_the_values_is_kept(center: float, width: float, function: str) -> None:
    presented = _windowed(FILM, center, width, VOILUTFunction=function)
    assert (presented.image.window, presented.notes) == (Window(center, width, function), ())  # type: ignore[arg-type]


def test_a_constant_image_keeps_its_window() -> None:
    for level in (0, 4095):
        presented = _windowed(np.full((10, 10), level, np.uint16), 2048, 4096)
        assert (presented.voi_source, presented.notes) == ("window", ())


@pytest.mark.parametrize(
    ("centers", "widths", "window", "notes"),
    [
        ("2048\\100", "4096\\10", Window(2048, 4096), ()),
        ("2048,5", "4096,0", Window(2048.5, 4096), ()),
        ([None, 2048], [10, 4096], Window(2048, 4096), (ReadingNote.WINDOW_UNUSABLE,)),
        ([100, 2048], [0, 4096], Window(2048, 4096), (ReadingNote.WINDOW_UNUSABLE,)),
        ([100, 2048], [-300, 4096], Window(2048, 4096), (ReadingNote.WINDOW_UNUSABLE,)),
        ([32_768, 2048], [65_536, 4096], Window(2048, 4096), ()),
        ([2048, 9], [4096], Window(2048, 4096), ()),
        ("wide", "narrow", None, (ReadingNote.WINDOW_UNUSABLE,)),
        (2048, 0, None, (ReadingNote.WINDOW_UNUSABLE,)),
        ("", "", None, ()),
    ],
)
def test_windows_as_texts_in_numbers_and_half_written(
    centers: object, widths: object, window: Window | None, notes: tuple[ReadingNote, ...]
) -> None:
    presented = _windowed(FILM, centers, widths)
    assert presented.notes == notes
    assert presented.voi_source == ("percentile" if window is None else "window")
    assert window is None or presented.image.window == window


def test_a_voi_lut_for_other_values_gives_way_to_the_window() -> None:
    tags = {"VOILUTSequence": [_lut(RISING, 40_000)], "WindowCenter": 2048, "WindowWidth": 4096}
    presented = gray_image(image(FILM, **tags), FILM)
    assert (presented.voi_source, presented.notes) == ("window", (ReadingNote.VOI_LUT_OUTSIDE,))
    two = image(FILM, VOILUTSequence=[Dataset(), _lut(RISING)])
    assert gray_image(two, FILM).voi_source == "VOI LUT"


@pytest.mark.parametrize(
    ("slope", "intercept", "factor", "offset", "said"),
    [
        (0, 0, 1, 0, True),
        (0, -1000, 1, 0, True),
        (None, None, 1, 0, False),
        (None, -1000, 1, -1000, False),
        (2, None, 2, 0, False),
        (-1, 4095, -1, 4095, False),
        ("0,5", "0", 0.5, 0, False),
        ("1e300", 0, 1, 0, True),
        ("no", 0, 1, 0, True),
        (1e-6, 0, 1e-6, 0, False),
        (1e6, 1e6, 1e6, 1e6, False),
    ],
)
def test_rescaling(slope: object, intercept: object, factor: float, offset: float, said: bool) -> None:
    ds = image(FILM)
    with as_they_stand():
        ds.add_new("RescaleSlope", "LO" if isinstance(slope, str) else "DS", slope)
        ds.add_new("RescaleIntercept", "LO" if isinstance(intercept, str) else "DS", intercept)
        presented = gray_image(ds, FILM)
    np.testing.assert_allclose(presented.image.values, FILM.astype(np.float32) * factor + offset, rtol=1e-6)
    assert presented.notes == ((ReadingNote.RESCALE_IGNORED,) if said else ())
    contrast = np.corrcoef(shades(presented.image).ravel(), FILM.ravel())[0, 1] * np.sign(factor)
    assert contrast > 0.99 and np.ptp(shades(presented.image)) == 1


@pytest.mark.parametrize(
    ("signed", "written", "vr"), [(False, 4095, "US"), (False, -1, "SS"), (True, -2048, "SS"), (True, 63_488, "US")]
)
def test_padding_of_either_sign(signed: bool, written: int, vr: str) -> None:
    values = FILM.astype(np.int16) - 2048 if signed else FILM.copy()
    values[:5] = -2048 if signed else 4095
    ds = image(values)
    ds.add_new("PixelPaddingValue", vr, written)
    padding = gray_image(ds, values).image.padding
    assert padding is not None
    np.testing.assert_array_equal(padding, values == values[0, 0])


@pytest.mark.parametrize(
    ("value", "limit", "used"), [(0, 4095, False), (1, 4090, False), (4095, 0, False), (0, 10, True)]
)
def test_a_padding_range_over_the_image_is_none(value: int, limit: int, used: bool) -> None:
    presented = gray_image(image(FILM, PixelPaddingValue=value, PixelPaddingRangeLimit=limit), FILM)
    assert (presented.image.padding is not None) == used
    assert presented.notes == (() if used else (ReadingNote.PADDING_IGNORED,))
