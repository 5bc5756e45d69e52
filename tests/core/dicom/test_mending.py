"""Headers of pixels that are silent or lie, in whole files: the film comes out with a note, or a true refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from fineray.dicom.radiograph import NotARadiograph, Radiograph, UnreadableFile
from fineray.dicom.read import read_radiograph
from fineray.dicom.reading_notes import ReadingNote
from tests.support.film import film
from tests.support.images import image

FILM = film(12)
EIGHT = film(8).astype(np.uint8)
LOSSLESS_JPEG = uid.JPEGLosslessSV1


def read(folder: Path, ds: Dataset) -> Radiograph:
    ds.save_as(folder / "f")
    return read_radiograph(folder / "f")


def compressed(stream: bytes, syntax: uid.UID, *, bits: int = 12, **tags: Any) -> Dataset:
    ds = image(FILM if bits > 8 else EIGHT, bits=bits, **tags)
    ds.PixelData = encapsulate([stream])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def values(radiograph: Radiograph) -> NDArray[np.float32]:
    return radiograph.image.values


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("blank", [False, True])
def test_without_a_sign_pixels_are_unsigned(tmp_path: Path, implicit: bool, blank: bool) -> None:
    ds = image(FILM, PixelPaddingValue=0)
    ds["PixelPaddingValue"].VR = "US"
    if blank:
        ds.PixelRepresentation = None
    else:
        del ds.PixelRepresentation
    if implicit:
        ds.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian
    found = read(tmp_path, ds)
    np.testing.assert_array_equal(values(found), FILM)
    assert found.warnings == (ReadingNote.UNSIGNED_ASSUMED,)
    assert found.image.padding is not None and found.image.padding.sum() == (FILM == 0).sum()


@pytest.mark.parametrize(
    "syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless]
)
@pytest.mark.parametrize("stated", [None, 3])
def test_samples_that_the_header_does_not_say_or_says_wrong(
    tmp_path: Path, syntax: uid.UID, stated: int | None
) -> None:
    ds = image(FILM, syntax=syntax)
    if stated is None:
        del ds.SamplesPerPixel
    else:
        ds.SamplesPerPixel = stated
    found = read(tmp_path, ds)
    np.testing.assert_array_equal(values(found), FILM)
    assert found.warnings == (ReadingNote.SAMPLES_BY_PIXELS,)


@pytest.mark.parametrize("stated", ["Monochrome2", "monochrome2 ", "MONOCHROME 2", "MONOCHROME2\0"])
def test_photometric_interpretation_in_any_spelling(tmp_path: Path, stated: str) -> None:
    found = read(tmp_path, image(FILM, PhotometricInterpretation=stated))
    np.testing.assert_array_equal(values(found), FILM)
    assert (found.attributes.photometric, found.image.inverted) == ("MONOCHROME2", False)
    one = read(tmp_path, image(FILM, PhotometricInterpretation=stated.replace("2", "1")))
    assert (one.attributes.photometric, one.image.inverted) == ("MONOCHROME1", True)


@pytest.mark.parametrize("lacking", ["BitsStored", "BitsAllocated", "HighBit"])
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.JPEGLSLossless])
def test_bits_that_the_header_does_not_say(tmp_path: Path, lacking: str, syntax: uid.UID) -> None:
    ds = image(FILM, syntax=syntax)
    delattr(ds, lacking)
    found = read(tmp_path, ds)
    np.testing.assert_array_equal(values(found), FILM)
    assert found.attributes.bits_stored == 12
    assert found.warnings == (() if lacking == "HighBit" else (ReadingNote.BITS_BY_PIXELS,))


@pytest.mark.parametrize(
    ("tags", "bits"),
    [
        ({"BitsAllocated": 8, "BitsStored": 12}, 12),
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, 8),
        ({"BitsStored": 32, "HighBit": 31}, 16),
        ({"HighBit": 3}, 12),
        ({"HighBit": 99}, 12),
    ],
)
def test_native_bits_that_contradict_each_other(tmp_path: Path, tags: dict[str, int], bits: int) -> None:
    pixels = FILM if bits > 8 else EIGHT.astype(np.uint16)
    ds = image(pixels)
    for name, value in tags.items():
        setattr(ds, name, value)
    found = read(tmp_path, ds)
    np.testing.assert_array_equal(values(found), pixels)
    assert found.attributes.bits_stored == bits


@pytest.mark.parametrize("columns", [36, 35])
def test_bytes_that_the_header_calls_words(tmp_path: Path, columns: int) -> None:
    pixels = EIGHT[:39, :columns]
    ds = image(pixels, bits=8)
    ds.BitsAllocated = 16
    found = read(tmp_path, ds)
    np.testing.assert_array_equal(values(found), pixels)
    assert found.warnings == (ReadingNote.BITS_BY_PIXELS,)


@pytest.mark.parametrize("syntax", [uid.RLELossless, LOSSLESS_JPEG, uid.JPEGLSLossless, uid.JPEG2000Lossless])
def test_compressed_values_below_the_high_bit_are_shifted(tmp_path: Path, syntax: uid.UID) -> None:
    high = (FILM << 4).astype(np.uint16)
    if syntax == uid.RLELossless:
        ds = image(high, bits=16, syntax=syntax)
    else:
        encode = {LOSSLESS_JPEG: imagecodecs.ljpeg_encode, uid.JPEGLSLossless: imagecodecs.jpegls_encode}
        stream = (
            encode[syntax](high) if syntax in encode else imagecodecs.jpeg2k_encode(high, codecformat="j2k", level=0)
        )
        ds = compressed(stream, syntax)
    ds.BitsStored, ds.HighBit = 12, 15
    found = read(tmp_path, ds)
    np.testing.assert_array_equal(values(found), FILM)
    assert found.warnings == ()


def test_a_codestream_deeper_than_the_header_says(tmp_path: Path) -> None:
    deep = {
        LOSSLESS_JPEG: imagecodecs.ljpeg_encode(FILM, bitspersample=12),
        uid.JPEGLSLossless: imagecodecs.jpegls_encode(FILM),
        uid.JPEG2000Lossless: imagecodecs.jpeg2k_encode(FILM, codecformat="j2k", level=0, bitspersample=12),
        uid.JPEGExtended12Bit: imagecodecs.jpeg_encode(FILM, level=100, bitspersample=12),
    }
    for allocated, stored in ((16, 10), (8, 8)):
        for syntax, stream in deep.items():
            ds = compressed(stream, syntax)
            ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, stored, stored - 1
            found = read(tmp_path, ds)
            np.testing.assert_allclose(values(found), FILM, atol=20 if syntax == uid.JPEGExtended12Bit else 0)
            assert found.attributes.bits_stored in (12, 16)  # JPEG-LS knows words only
            assert found.warnings == (ReadingNote.BITS_BY_PIXELS,)


@pytest.mark.parametrize("signed_stream", [True, False])
@pytest.mark.parametrize("codec", ["jpeg2k", "htj2k"])
def test_jpeg_2000_of_another_sign_than_the_header(tmp_path: Path, signed_stream: bool, codec: str) -> None:
    """An encoder shifted the level and said it had not, or the other way round: the SIZ marker has the wrong sign."""
    numbers = FILM.astype(np.int16) - (0 if signed_stream else 2048)
    shifted = numbers.astype(np.int16 if not signed_stream else np.uint16)
    if codec == "jpeg2k":
        stream = bytearray(imagecodecs.jpeg2k_encode(shifted, codecformat="j2k", level=0, bitspersample=12))
    else:
        stream = bytearray(imagecodecs.htj2k_encode(shifted))
    stream[stream.index(b"\xff\x51") + 40] ^= 0x80
    ds = compressed(bytes(stream), uid.JPEG2000Lossless if codec == "jpeg2k" else uid.HTJ2KLossless)
    ds.PixelRepresentation = int(not signed_stream)
    if codec == "htj2k":
        ds.BitsStored, ds.HighBit = 16, 15
    found = read(tmp_path, ds)
    np.testing.assert_array_equal(values(found), numbers)
    assert found.warnings == (ReadingNote.SIGN_BY_PIXELS,)


def test_a_palette_or_colour_that_is_none_is_refused_as_that(tmp_path: Path) -> None:
    colour = np.stack([EIGHT, EIGHT[::-1], EIGHT], axis=2)
    ds = image(EIGHT, bits=8, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    ds.PixelData = colour.tobytes()
    with pytest.raises(NotARadiograph, match=r"in colour \(RGB\)"):
        read(tmp_path, ds)
    with pytest.raises(NotARadiograph, match=r"in colour \(PALETTE COLOR\)"):
        read(tmp_path, image(EIGHT, bits=8, PhotometricInterpretation="PALETTE COLOR"))
    with pytest.raises(NotARadiograph, match=r"in colour \(1 samples a pixel\)") as caught:
        read(tmp_path, image(EIGHT, bits=8, PhotometricInterpretation="MILLER"))
    assert "MILLER" not in str(caught.value)
    ds = image(FILM)
    del ds.BitsAllocated, ds.BitsStored
    with pytest.raises(UnreadableFile, match="does not say BitsAllocated, BitsStored"):
        read(tmp_path, ds)


def test_an_object_class_of_x_rays_outweighs_the_modality(tmp_path: Path) -> None:
    for modality, attribute, notes in (
        ("DR", "DR", ()),
        ("XC", "DX", (ReadingNote.MODALITY_BY_CLASS,)),
        ("Miller", "DX", (ReadingNote.MODALITY_BY_CLASS,)),
        ("DX", "DX", ()),
    ):
        found = read(tmp_path, image(FILM, Modality=modality))
        assert (found.attributes.modality, found.warnings) == (attribute, notes)
    for tags in ({"Modality": "CT"}, {"Modality": "XC", "SOPClassUID": uid.VLPhotographicImageStorage}):
        with pytest.raises(NotARadiograph, match=f"Modality {tags['Modality']} is not an X-ray"):
            read(tmp_path, image(FILM, **tags))
