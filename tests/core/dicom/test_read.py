"""One file in, one Radiograph or one reason out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from fineray.dicom.location import FileLocation
from fineray.dicom.radiograph import NotARadiograph, UnreadableFile
from fineray.dicom.read import age_in_years, read_radiograph, read_radiographs
from fineray.project.files.options import ImportOptions
from tests.support.images import image, write_image

PIXELS = (np.arange(48 * 40).reshape(48, 40) % 4096).astype(np.uint16)


def test_attributes_and_identity(tmp_path: Path) -> None:
    path = tmp_path / "no extension"
    written = write_image(path, patient="PAT-9", PatientAge="018M", PixelSpacing=[0.2, 0.1], PatientSex="f")
    read = read_radiograph(FileLocation(path))
    assert read.identity.patient_id == "PAT-9"
    assert read.identity.sop_instance_uid == written.SOPInstanceUID
    assert (read.attributes.modality, read.attributes.sex, read.attributes.bits_stored) == ("DX", "F", 12)
    assert read.attributes.age_years == 1.5
    assert read.attributes.pixel_spacing_mm == (0.2, 0.1)
    assert read.attributes.voi_source == "window"


def test_one_exposure_for_processing_and_for_presentation_is_told_apart(tmp_path: Path) -> None:
    stated = {"PresentationIntentType": "FOR PROCESSING", "SOPClassUID": uid.DigitalXRayImageStorageForPresentation}
    by_class = {"SOPClassUID": uid.DigitalMammographyXRayImageStorageForProcessing, "Modality": "MG"}
    neither = {"SOPClassUID": uid.ComputedRadiographyImageStorage, "Modality": "CR"}
    for number, (tags, intent) in enumerate(
        ((stated, "FOR PROCESSING"), ({}, "FOR PRESENTATION"), (by_class, "FOR PROCESSING"), (neither, ""))
    ):
        write_image(tmp_path / str(number), patient="A", **tags)
        attributes = read_radiograph(tmp_path / str(number)).attributes
        assert attributes.presentation_intent == intent
        objection = ImportOptions(intents=("FOR PRESENTATION",)).objection(attributes)
        assert (objection is None) == (intent == "FOR PRESENTATION")


def test_who_gave_a_patient_id_and_the_accession_number(tmp_path: Path) -> None:
    write_image(tmp_path / "a", patient="7", IssuerOfPatientID=" HOSP-A ", AccessionNumber="ACC1")
    identity = read_radiograph(tmp_path / "a").identity
    assert (identity.issuer_of_patient_id, identity.accession_number) == ("HOSP-A", "ACC1")
    qualifiers = Dataset()
    qualifiers.UniversalEntityID, qualifiers.UniversalEntityIDType = "1.2.3", "ISO"
    write_image(tmp_path / "b", patient="7", IssuerOfPatientIDQualifiersSequence=[qualifiers])
    assert read_radiograph(tmp_path / "b").identity.issuer_of_patient_id == "1.2.3"
    write_image(tmp_path / "c", patient="7", IssuerOfPatientIDQualifiersSequence=[])
    assert read_radiograph(tmp_path / "c").identity.issuer_of_patient_id == ""


@pytest.mark.parametrize(
    ("text", "years"), [("045Y", 45), ("006M", 0.5), ("000D", 0), ("", None), ("45", None), ("XXXY", None)]
)
def test_ages(text: str, years: float | None) -> None:
    assert age_in_years(text) == years


def test_a_file_without_preamble_is_read(tmp_path: Path) -> None:
    ds = image(PIXELS)
    path = tmp_path / "raw"
    del ds.file_meta
    pydicom.dcmwrite(path, ds, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert path.read_bytes()[:2] in (b"\x08\0", b"\x02\0")
    assert read_radiograph(FileLocation(path)).image.index.shape == (48, 40)


def test_the_source_file_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "image"
    write_image(path, patient="A")
    before = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
    read_radiograph(FileLocation(path))
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_what_is_not_a_radiograph_is_skipped_with_a_reason(tmp_path: Path) -> None:
    cases: list[tuple[Path, str]] = [
        (_write(tmp_path / "a.txt", b"some notes, no image"), "Not a DICOM file"),
        (_write(tmp_path / "b", b"x"), "Not a DICOM file"),
        (_write(tmp_path / "d", b"\x08\x00" + bytes(range(200))), "Not a DICOM file"),
        (Path(get_testdata_file("DICOMDIR")), "DICOMDIR"),
        (Path(get_testdata_file("CT_small.dcm")), "Modality CT"),
        (Path(get_testdata_file("rtplan.dcm")), "Modality RTPLAN"),
    ]
    ds = image(PIXELS, NumberOfFrames=2)
    ds.PixelData += ds.PixelData
    ds.save_as(tmp_path / "frames")
    cases.append((tmp_path / "frames", "2 frames"))
    report = image(PIXELS)
    for name in ("PixelData", "Rows", "BitsStored"):
        delattr(report, name)
    report.save_as(tmp_path / "report")
    cases.append((tmp_path / "report", "No image inside"))
    for path, reason in cases:
        with pytest.raises(NotARadiograph, match=reason) as caught:
            read_radiographs(FileLocation(path))
        assert caught.value.todo


def test_what_is_damaged_fails_with_a_reason(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    write_image(whole, patient="A")
    data = whole.read_bytes()
    cases = [(_write(tmp_path / "empty", b""), "empty")]
    for cut in (len(data) - 500, len(data) * 2 // 3, 400):
        cases.append((_write(tmp_path / f"cut-{cut}", data[:cut]), "."))
    ds = image(PIXELS, syntax=uid.JPEG2000Lossless)
    ds.save_as(tmp_path / "j2k")
    compressed = (tmp_path / "j2k").read_bytes()
    cases.append((_write(tmp_path / "j2k-cut", compressed[:-700]), "."))
    for path, reason in cases:
        with pytest.raises((UnreadableFile, NotARadiograph), match=reason) as caught:
            read_radiograph(FileLocation(path))
        assert caught.value.what
        assert caught.value.todo


def test_a_header_without_a_size_says_what_is_missing(tmp_path: Path) -> None:
    ds = image(PIXELS)
    del ds.Rows
    del ds.BitsAllocated
    ds.save_as(tmp_path / "f")
    with pytest.raises(UnreadableFile, match="does not say Rows, BitsAllocated"):
        read_radiograph(FileLocation(tmp_path / "f"))


def test_real_cr_files_of_every_encoding_agree(tmp_path: Path) -> None:
    """RG1 (chest) and RG3 (extremity): the JPEG 2000 lossless and the uncompressed file hold one image."""
    for name in ("RG1", "RG3"):
        plain = read_radiograph(FileLocation(Path(get_testdata_file(f"{name}_UNCR.dcm"))))
        lossless = read_radiograph(FileLocation(Path(get_testdata_file(f"{name}_J2KR.dcm"))))
        assert plain.attributes.photometric == "MONOCHROME1"
        assert plain.image.inverted
        np.testing.assert_array_equal(plain.image.index, lossless.image.index)
        lossy = read_radiograph(FileLocation(Path(get_testdata_file(f"{name}_J2KI.dcm"))))
        difference = np.abs(lossy.image.values - plain.image.values).mean()
        assert difference < 0.02 * plain.image.window.width
