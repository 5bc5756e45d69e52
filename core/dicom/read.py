"""One file -> one Radiograph. Files are opened read-only."""

from __future__ import annotations

import struct
from pathlib import Path

import pydicom
from pydicom.config import settings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from core.dicom.pixels import stored_values
from core.dicom.presentation import gray_image
from core.dicom.radiograph import Attributes, Identity, NotARadiograph, Radiograph, UnreadableFile, VoiSource

# Projection radiography (PS3.3 C.7.3.1.1.1). "OT" and an absent modality are what secondary captures of films
# carry; they are taken for X-rays because a user chose the folder.
XRAY_MODALITIES = ("CR", "DX", "RG", "MG", "IO", "PX", "XR", "OT", "")
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"

settings.reading_validation_mode = 0  # archives hold values that break the standard; they are read as they stand


def read_radiograph(path: Path) -> Radiograph:
    """Read, decode and describe one file.

    Raises NotARadiograph (to be skipped) or UnreadableFile (failed), each with a reason for the user.
    """
    ds = _read_dataset(path)
    _refuse_other_objects(ds)
    try:
        stored = stored_values(ds)
        image, voi_source = gray_image(ds, stored)
        return Radiograph(image, _attributes(ds, voi_source), _identity(ds))
    except (NotARadiograph, UnreadableFile, MemoryError):
        raise
    except Exception as error:  # a header may lie in more ways than can be listed; the file is named as failed
        raise UnreadableFile(
            f"The header is inconsistent ({type(error).__name__})",
            todo="The file may be damaged; export it again from the archive.",
        ) from error


def _read_dataset(path: Path) -> Dataset:
    try:
        if path.stat().st_size == 0:
            raise UnreadableFile("The file is empty", todo="Export it again from the archive.")
        ds: Dataset = pydicom.dcmread(path)
    except InvalidDicomError:
        ds = _read_without_preamble(path)
    except (OSError, UnreadableFile):
        raise
    except Exception as error:
        raise UnreadableFile(
            "The file starts like DICOM but cannot be read to its end",
            todo="It may be damaged or cut short; export it again from the archive.",
        ) from error
    if "TransferSyntaxUID" not in ds.file_meta:
        is_implicit = ds.original_encoding[0]
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian
    return ds


def _read_without_preamble(path: Path) -> Dataset:
    """A data set that starts at its first byte (group 0008 or 0002), or NotARadiograph."""
    with path.open("rb") as stream:
        head = stream.read(8)
    not_dicom = NotARadiograph("Not a DICOM file", todo="Nothing to do; the file was left alone.")
    if len(head) < 8 or struct.unpack("<H", head[:2])[0] not in (0x0002, 0x0008):
        raise not_dicom
    try:
        ds = pydicom.dcmread(path, force=True)
        known = "SOPClassUID" in ds or "PixelData" in ds
    except Exception as error:
        raise not_dicom from error
    if not known:
        raise not_dicom
    if not hasattr(ds, "file_meta"):
        ds.file_meta = FileMetaDataset()
    return ds


def _refuse_other_objects(ds: Dataset) -> None:
    sop_class = str(ds.file_meta.get("MediaStorageSOPClassUID") or ds.get("SOPClassUID") or "")
    if sop_class == MEDIA_DIRECTORY:
        raise NotARadiograph("A DICOMDIR index, not an image", todo="Nothing to do; its images are read themselves.")
    modality = str(ds.get("Modality") or "").strip().upper()
    if modality not in XRAY_MODALITIES:
        raise NotARadiograph(
            f"Modality {modality[:16]} is not an X-ray", todo="Nothing to do; only X-rays are imported."
        )
    if "PixelData" not in ds:
        if "Rows" in ds and "BitsStored" in ds:
            raise UnreadableFile(
                "The header describes an image but the pixels are missing",
                todo="The file was cut short; export it again from the archive.",
            )
        name = UID(sop_class).name if sop_class else "no object class"
        raise NotARadiograph(f"No image inside ({name})", todo="Nothing to do; only X-rays are imported.")


def _identity(ds: Dataset) -> Identity:
    return Identity(
        patient_id=str(ds.get("PatientID") or "").strip(),
        study_instance_uid=str(ds.get("StudyInstanceUID") or "").strip(),
        series_instance_uid=str(ds.get("SeriesInstanceUID") or "").strip(),
        sop_instance_uid=str(ds.get("SOPInstanceUID") or "").strip(),
    )


def _attributes(ds: Dataset, voi_source: VoiSource) -> Attributes:
    laterality = _text(ds, "ImageLaterality") or _text(ds, "Laterality")
    return Attributes(
        modality=_text(ds, "Modality").upper(),
        body_part=_text(ds, "BodyPartExamined").upper(),
        view_position=_text(ds, "ViewPosition").upper(),
        laterality=laterality.upper(),
        sex=_text(ds, "PatientSex").upper(),
        age_years=age_in_years(_text(ds, "PatientAge")),
        manufacturer=_text(ds, "Manufacturer"),
        model=_text(ds, "ManufacturerModelName"),
        rows=int(ds.Rows),
        columns=int(ds.Columns),
        bits_stored=int(ds.BitsStored),
        photometric=str(ds.PhotometricInterpretation),
        transfer_syntax=ds.file_meta.TransferSyntaxUID.name,
        voi_source=voi_source,
        pixel_spacing_mm=_spacing(ds),
        burned_in=_text(ds, "BurnedInAnnotation").upper(),
    )


def age_in_years(text: str) -> float | None:
    """An Age String (PS3.5 6.2: nnnD, nnnW, nnnM, nnnY) in years, or None where it is absent or malformed."""
    years_per_unit = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
    number, unit = text[:-1], text[-1:].upper()
    if not number.isdecimal() or unit not in years_per_unit:
        return None
    return int(number) * years_per_unit[unit]


def _spacing(ds: Dataset) -> tuple[float, float] | None:
    """Row and column spacing in mm: at the patient if stated, else at the detector (PS3.3 10.7)."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        value = ds.get(keyword)
        try:
            if value is not None and len(value) == 2 and min(map(float, value)) > 0:
                return float(value[0]), float(value[1])
        except (TypeError, ValueError):
            continue
    return None


def _text(ds: Dataset, keyword: str) -> str:
    value = ds.get(keyword)
    if isinstance(value, MultiValue | list):
        value = value[0] if value else None
    return "" if value is None else str(value).strip()
