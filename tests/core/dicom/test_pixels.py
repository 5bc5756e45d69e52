"""Every transfer syntax that we can write gives back exactly the stored values."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from fineray.dicom.pixels import stored_values
from fineray.dicom.radiograph import NotARadiograph, UnreadableFile
from tests.support.images import image

RAMP = (np.add.outer(np.arange(40) * 61, np.arange(48) * 31) % 4096).astype(np.uint16)
LOSSLESS = [
    uid.ImplicitVRLittleEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.RLELossless,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
]


def _encoded(values: np.ndarray, syntax: uid.UID, bits: int = 12) -> pydicom.Dataset:
    if syntax.is_compressed and syntax != uid.DeflatedExplicitVRLittleEndian:
        return image(values, bits=bits, syntax=syntax)
    ds = image(values, bits=bits)
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_lossless_encodings_give_the_stored_values(syntax: uid.UID, bits: int) -> None:
    values = RAMP % (1 << bits) if bits < 16 else RAMP * 15
    np.testing.assert_array_equal(stored_values(_encoded(values, syntax, bits)), values)


@pytest.mark.parametrize("syntax", [uid.JPEGLossless, uid.JPEGLosslessSV1], ids=lambda syntax: syntax.name)
def test_lossless_jpeg(syntax: uid.UID) -> None:
    ds = image(RAMP)
    ds.PixelData = encapsulate([imagecodecs.ljpeg_encode(RAMP, bitspersample=12)])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    np.testing.assert_array_equal(stored_values(ds), RAMP)


@pytest.mark.parametrize("syntax", [uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K], ids=lambda each: each.name)
def test_high_throughput_jpeg_2000(syntax: uid.UID) -> None:
    ds = image(RAMP)
    ds.PixelData = encapsulate([imagecodecs.htj2k_encode(RAMP)])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    np.testing.assert_array_equal(stored_values(ds), RAMP)


def test_near_lossless_jpeg_ls_stays_within_its_bound() -> None:
    ds = image(RAMP)
    ds.PixelData = encapsulate([imagecodecs.jpegls_encode(RAMP, level=3)])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = uid.JPEGLSNearLossless
    difference = np.abs(stored_values(ds).astype(int) - RAMP)
    assert 0 < difference.max() <= 3


@pytest.mark.parametrize(("bits", "syntax"), [(8, uid.JPEGBaseline8Bit), (12, uid.JPEGExtended12Bit)])
def test_lossy_jpeg_is_close(bits: int, syntax: uid.UID) -> None:
    smooth = np.linspace(0, (1 << bits) - 1, 64 * 64).reshape(64, 64).astype(np.uint8 if bits == 8 else np.uint16)
    ds = image(smooth, bits=bits)
    ds.PixelData = encapsulate([imagecodecs.jpeg_encode(smooth, level=98, bitspersample=bits)])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    error = np.abs(stored_values(ds).astype(int) - smooth)
    assert error.max() <= (1 << bits) // 64


def test_a_12_bit_extended_jpeg_of_pydicom_agrees_with_its_reference() -> None:
    # gdcm reads this file "successfully" with wrong pixels; the uncompressed twin comes with pydicom.
    ds = pydicom.dcmread(get_testdata_file("JPEG-lossy.dcm"))
    values = stored_values(ds)
    assert values.shape == (ds.Rows, ds.Columns)
    assert 200 < values.max() < 1 << ds.BitsStored


def test_signed_values_keep_their_sign() -> None:
    values = RAMP.astype(np.int16) - 2048
    np.testing.assert_array_equal(stored_values(image(values)), values)


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless])
@pytest.mark.parametrize("bits", [12, 16])
def test_signed_values_keep_their_sign_when_compressed(syntax: uid.UID, bits: int) -> None:
    values = (RAMP.astype(np.int32) - 2048).astype(np.int16) * (1 if bits == 12 else 7)
    np.testing.assert_array_equal(stored_values(image(values, bits=bits, syntax=syntax)), values)


def test_jpeg_2000_that_forgot_its_sign_is_corrected() -> None:
    """A codestream written as unsigned under Pixel Representation 1, as some archives make them."""
    values = RAMP.astype(np.int16) - 2048
    ds = image(values, bits=12)
    stream = imagecodecs.jpeg2k_encode((values & 0xFFF).astype(np.uint16), codecformat="j2k", level=0, bitspersample=12)
    ds.PixelData = encapsulate([stream])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = uid.JPEG2000Lossless
    np.testing.assert_array_equal(stored_values(ds), values)


def test_unused_high_bits_do_not_become_shades() -> None:
    ds = image(RAMP)
    ds.PixelData = (RAMP | 0xF000).tobytes()  # an overlay in the upper bits, as old PS3 allowed
    np.testing.assert_array_equal(stored_values(ds), RAMP)


def test_values_below_the_high_bit_are_shifted() -> None:
    ds = image(RAMP)
    ds.PixelData, ds.HighBit = (RAMP << 4).astype(np.uint16).tobytes(), 15
    np.testing.assert_array_equal(stored_values(ds), RAMP)


def test_big_endian() -> None:
    ds = image(RAMP)
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    ds.PixelData = RAMP.astype(">u2").tobytes()
    np.testing.assert_array_equal(stored_values(ds), RAMP)


def test_each_frame_has_its_own_values() -> None:
    ds = image(RAMP, NumberOfFrames=2)
    ds.PixelData = RAMP.tobytes() + RAMP[::-1].tobytes()
    np.testing.assert_array_equal(stored_values(ds, 1), RAMP)
    np.testing.assert_array_equal(stored_values(ds, 2), RAMP[::-1])


def test_colour_is_not_for_import() -> None:
    with pytest.raises(NotARadiograph, match="colour"):
        stored_values(image(RAMP, PhotometricInterpretation="RGB", SamplesPerPixel=3))


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"Rows": 0}, "no image size"),
        ({"Rows": 60_000, "Columns": 60_000}, "more than any X-ray"),
        ({"BitsStored": 0, "HighBit": 0}, "0 bits"),
        ({"Rows": 41}, "cannot be decoded"),
    ],
)
def test_lying_headers_fail_with_a_reason(tags: dict[str, int], reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        stored_values(image(RAMP, **tags))


def test_cut_compressed_pixels_fail_with_a_reason() -> None:
    ds = image(RAMP, syntax=uid.JPEGLSLossless)
    ds.PixelData = encapsulate([b"\xff\xd8\xff\xf7"])
    with pytest.raises(UnreadableFile, match="cannot be decoded from JPEG-LS"):
        stored_values(ds)
