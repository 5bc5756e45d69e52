"""Files that break the rules: wrong transfer syntaxes, missing headers, hostile lengths."""

from __future__ import annotations

import struct
import time
import zlib
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from fineray.dicom.dataset import as_they_stand, parse
from fineray.dicom.location import FileLocation
from fineray.dicom.radiograph import NotARadiograph, UnreadableFile
from fineray.dicom.read import read_radiograph, read_radiographs
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.transfer_syntax import actual_syntax, codec_of
from tests.support.images import image

RAMP = (np.add.outer(np.arange(40) * 61, np.arange(48) * 31) % 4096).astype(np.uint16)


def _bytes(ds: Dataset) -> bytes:
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _read(tmp_path: Path, data: bytes) -> np.ndarray:
    (tmp_path / "f").write_bytes(data)
    image = read_radiograph(FileLocation(tmp_path / "f")).image
    return image.table[image.index]


@pytest.mark.parametrize(
    "real", [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.ExplicitVRLittleEndian]
)
@pytest.mark.parametrize("stated", [uid.JPEGLosslessSV1, uid.JPEG2000, uid.RLELossless, uid.JPEGBaseline8Bit])
def test_a_wrong_transfer_syntax_is_seen_through(tmp_path: Path, real: uid.UID, stated: uid.UID) -> None:
    ds = image(RAMP, syntax=real)
    ds.file_meta.TransferSyntaxUID = stated
    data = BytesIO()
    if real == uid.ExplicitVRLittleEndian:
        # pydicom would refuse to write native pixels under an encapsulated syntax: the header is patched instead
        ds.file_meta.TransferSyntaxUID = real
        whole = _bytes(ds)
        text = whole.replace(real.encode() + b"\0" * (len(real) % 2), stated.encode() + b"\0" * (len(stated) % 2), 1)
        difference = len(text) - len(whole)
        length = struct.unpack("<I", text[140:144])[0] + difference
        place = text.index(b"UI", text.index(b"\x02\0\x10\0")) + 2
        size = struct.pack("<H", len(stated) + len(stated) % 2)
        data.write(text[:140] + struct.pack("<I", length) + text[144:place] + size + text[place + 2 :])
    else:
        data.write(_bytes(ds))
    np.testing.assert_array_equal(_read(tmp_path, data.getvalue()), RAMP)
    read = read_radiograph(FileLocation(tmp_path / "f"))
    if real == stated or {real, stated} == {uid.JPEG2000, uid.JPEG2000Lossless}:
        assert read.warnings == ()
    else:
        assert "read as what they are" in read.warnings[0]
        assert read.attributes.transfer_syntax == real.name


@pytest.mark.parametrize("real", ["native", "JPEG-LS", "nothing known"])
def test_a_transfer_syntax_that_the_standard_does_not_know(tmp_path: Path, real: str) -> None:
    """A maker's own, or mistyped: the pixels show what they are, or the file is refused by what is wrong with it."""
    ds = image(RAMP, syntax=uid.JPEGLSLossless) if real == "JPEG-LS" else image(RAMP)
    if real == "nothing known":
        ds.PixelData = encapsulate([zlib.compress(RAMP.tobytes())])
        ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = uid.UID("1.2.840.99999.1.2.1")
    data = BytesIO(bytes(128) + b"DICM")
    data.seek(132)
    pydicom.filewriter.write_file_meta_info(data, ds.file_meta, enforce_standard=False)
    del ds.file_meta
    pydicom.dcmwrite(data, ds, implicit_vr=False, little_endian=True, force_encoding=True, enforce_file_format=False)
    if real == "nothing known":
        with pytest.raises(UnreadableFile, match="does not know the file's transfer syntax"):
            _read(tmp_path, data.getvalue())
        return
    np.testing.assert_array_equal(_read(tmp_path, data.getvalue()), RAMP)
    assert read_radiograph(tmp_path / "f").warnings == (ReadingNote.OTHER_SYNTAX,)


def test_compressed_pixels_under_a_native_syntax(tmp_path: Path) -> None:
    real, stated = uid.JPEGLSLossless, uid.ExplicitVRLittleEndian
    patched = _bytes(image(RAMP, syntax=real)).replace(real.encode(), stated.ljust(len(real), "\0").encode())
    np.testing.assert_array_equal(_read(tmp_path, patched), RAMP)


def test_codestreams_are_told_apart() -> None:
    eight = (RAMP // 16).astype(np.uint8)
    streams = {
        uid.JPEG2000Lossless: imagecodecs.jpeg2k_encode(RAMP, codecformat="j2k", level=0),
        uid.HTJ2KLossless: imagecodecs.htj2k_encode(RAMP),
        uid.JPEGLSLossless: imagecodecs.jpegls_encode(RAMP),
        uid.JPEGLosslessSV1: imagecodecs.ljpeg_encode(RAMP, bitspersample=12),
        uid.JPEGBaseline8Bit: imagecodecs.jpeg_encode(eight),
        uid.JPEGExtended12Bit: imagecodecs.jpeg_encode(RAMP, bitspersample=12),
    }
    for syntax, stream in streams.items():
        assert codec_of(stream) == syntax, syntax.name
    assert codec_of(b"") is None
    assert codec_of(RAMP.tobytes()) is None
    ds = image(RAMP)
    ds.PixelData = encapsulate([streams[uid.HTJ2KLossless]])
    ds.file_meta.TransferSyntaxUID = uid.HTJ2K
    assert actual_syntax(ds) == uid.HTJ2K


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("implicit", [True, False])
def test_files_without_preamble_and_meta_header(tmp_path: Path, implicit: bool, little: bool) -> None:
    if implicit and not little:
        pytest.skip("DICOM has no implicit big endian")
    ds = image(RAMP)
    if not little:
        ds.PixelData = RAMP.astype(">u2").tobytes()
    del ds.file_meta
    stream = BytesIO()
    pydicom.dcmwrite(stream, ds, implicit_vr=implicit, little_endian=little, enforce_file_format=False)
    np.testing.assert_array_equal(_read(tmp_path, stream.getvalue()), RAMP)


def test_deflated_files_and_deflate_bombs(tmp_path: Path) -> None:
    ds = image(RAMP)
    ds.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    data = _bytes(ds)
    np.testing.assert_array_equal(_read(tmp_path, data), RAMP)
    start = data.index(b"\x02\0\x00\0UL")
    end = start + 12 + struct.unpack("<I", data[start + 8 : start + 12])[0]
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    zeros = bytes(1 << 24)
    bomb = b"".join(packer.compress(zeros) for _ in range(70)) + packer.flush()
    (tmp_path / "bomb").write_bytes(data[:end] + bomb)
    started = time.monotonic()
    with pytest.raises(UnreadableFile, match="far larger"):
        read_radiograph(FileLocation(tmp_path / "bomb"))
    assert time.monotonic() - started < 10


def test_chosen_frames(tmp_path: Path) -> None:
    frames = [np.roll(RAMP, shift, axis=0) for shift in range(5)]
    for syntax in (uid.ExplicitVRLittleEndian, uid.JPEGLSLossless):
        ds = image(frames[0], NumberOfFrames=5)
        ds.PixelData = b"".join(frame.tobytes() for frame in frames)
        if syntax.is_encapsulated:
            ds.compress(syntax, generate_instance_uid=False)
        (tmp_path / "f").write_bytes(_bytes(ds))
        for choice, wanted in (("first", [1]), ("middle", [3]), ("all", [1, 2, 3, 4, 5])):
            read = read_radiographs(FileLocation(tmp_path / "f"), choice)  # type: ignore[arg-type]
            assert [each.frame for each in read] == wanted
            for each in read:
                np.testing.assert_array_equal(each.image.table[each.image.index], frames[each.frame - 1])
        with pytest.raises(NotARadiograph, match="5 frames"):
            read_radiographs(FileLocation(tmp_path / "f"))


def test_names_in_every_character_set_do_no_harm(tmp_path: Path) -> None:
    for charset, name in (
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 192", "山田^太郎"),
        ("ISO 2022 IR 87", "山田^太郎"),
    ):
        ds = image(RAMP, SpecificCharacterSet=charset, PatientName=name)
        np.testing.assert_array_equal(_read(tmp_path, _bytes(ds)), RAMP)
    wrong = _bytes(image(RAMP, SpecificCharacterSet="NONSENSE", PatientID="Ä1"))
    np.testing.assert_array_equal(_read(tmp_path, wrong), RAMP)


WHOLE = [_bytes(image(RAMP, syntax=each)) for each in (uid.ExplicitVRLittleEndian, uid.JPEGLSLossless, uid.RLELossless)]


@settings(max_examples=300, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    st.floats(0.05, 1),
    st.booleans(),
)
def test_mutated_files_are_read_or_refused_in_words(
    tmp_path: Path, whole: bytes, changes: list[tuple[float, int]], keep: float, header_only: bool
) -> None:
    """Whatever bytes change or are missing, the outcome is an image or one of our two errors."""
    data = bytearray(whole)
    for place, value in changes:
        data[int(place * (min(len(data), 1200) - 1 if header_only else len(data) - 1))] = value
    (tmp_path / "m").write_bytes(bytes(data[: int(len(data) * keep)]))
    try:
        found = read_radiographs(FileLocation(tmp_path / "m"), "all")
    except (NotARadiograph, UnreadableFile) as error:
        assert error.what
        assert error.todo
    else:
        assert all(each.image.index.ndim == 2 for each in found)


def test_a_value_that_pydicom_cannot_convert_fails_its_file_alone(tmp_path: Path) -> None:
    """Found by the test above: an unknown value representation in the file's meta information."""
    data = bytearray(WHOLE[2])
    data[data.index(b"\x02\x00\x02\x00UI") + 5] = 0
    (tmp_path / "m").write_bytes(bytes(data))
    with pytest.raises(UnreadableFile, match="header is inconsistent"):
        read_radiographs(FileLocation(tmp_path / "m"))


def test_a_decoder_that_panics_fails_its_file_alone(tmp_path: Path) -> None:
    """Found by the test above: a run that leaves its segment makes the RLE decoder panic, which is no Exception."""
    data = bytearray(WHOLE[2])
    data[data.index(b"\xfe\xff\x00\xe0\x04\x00\x00\x00") + 512] = 174
    (tmp_path / "m").write_bytes(bytes(data))
    with pytest.raises(UnreadableFile, match="cannot be decoded") as caught:
        read_radiographs(FileLocation(tmp_path / "m"))
    assert type(caught.value.__cause__).__name__ == "PanicException"


def test_endless_sequences_end(tmp_path: Path) -> None:
    data = _bytes(image(RAMP))
    place = data.index(b"\x28\x00\x02\x00US")
    nested = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    (tmp_path / "deep").write_bytes(data[:place] + nested * 3000 + data[place:])
    started = time.monotonic()
    with pytest.raises((UnreadableFile, NotARadiograph)):
        read_radiograph(FileLocation(tmp_path / "deep"))
    assert time.monotonic() - started < 10


def test_parse_always_knows_a_transfer_syntax() -> None:
    assert parse(WHOLE[0]).file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian


def test_pydicom_is_left_as_it_was_also_where_threads_read_at_once() -> None:
    """Importing Fineray changes nothing in pydicom; while files are read, what breaks the standard is passed over."""
    before = pydicom.config.settings.reading_validation_mode
    assert before == pydicom.config.WARN, "pydicom's own default"
    first, second = as_they_stand(), as_they_stand()
    first.__enter__()
    second.__enter__()
    assert pydicom.config.settings.reading_validation_mode == pydicom.config.IGNORE
    first.__exit__(None, None, None)
    assert pydicom.config.settings.reading_validation_mode == pydicom.config.IGNORE, "another thread is still reading"
    second.__exit__(None, None, None)
    assert pydicom.config.settings.reading_validation_mode == before
