"""Images full of planted identity: a mark in every place that DICOM has for a name, a number, a date or free text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from fineray.dicom.deidentify import ACTIONS
from tests.support.images import image

NAME, DATE, UID, DIGITS = "Zyxwquist", "19771101", "1.2.276.77777.55555", "918273"
MARKS = [NAME.lower().encode(), DATE.encode(), b"1977-11-01", UID.encode(), DIGITS.encode()]
TEXT = {"LO", "LT", "SH", "ST", "UC", "UR", "UT", "PN", "AE", "CS"}
# What makes the file the X-ray that it is; nobody can plant a name there without breaking it.
NEEDED = {
    Tag(name)
    for name in (
        *("SOPClassUID", "Modality", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored"),
        *("HighBit", "PixelRepresentation", "SamplesPerPixel", "NumberOfFrames", "PixelData", "SpecificCharacterSet"),
        *("FloatPixelData", "DoubleFloatPixelData", "VOILUTFunction"),
        *("ModalityLUTSequence", "VOILUTSequence", "RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth"),
    )
}


def _planted(vr: str, number: int) -> object:
    """A value with a mark of identity, for every VR that can hold one."""
    if vr == "PN":
        return f"{NAME}^{number}"
    if vr in TEXT:
        return f"{NAME.upper() if vr == 'CS' else NAME} {number}"[:16]
    return {
        "DA": DATE,
        "DT": f"{DATE}131415",
        "TM": DIGITS,
        "UI": f"{UID}.{number}",
        "AS": None,
        "DS": DIGITS,
        "IS": DIGITS,
        "OB": NAME.encode() + b"\0",
        "OW": NAME.encode() + b"\0",
        "UN": NAME.encode() + b"\0",
    }.get(vr)


def _plant(ds: Dataset, tags: list[int]) -> int:
    planted = 0
    for number, raw in enumerate(tags):
        tag = Tag(raw)
        if tag in NEEDED or tag.group in (0, 2, 4, 0xFFFA, 0xFFFC, 0xFFFE) or tag not in DicomDictionary:
            continue
        vr = DicomDictionary[tag][0].split(" or ")[0]
        if vr in ("DS", "IS") and tag not in ACTIONS:
            continue  # a number that the standard lets stand
        if vr == "SQ":
            item = Dataset()
            item.PatientName, item.InstitutionName, item.TextValue = f"{NAME}^Nested", NAME, NAME
            deeper = Dataset()
            deeper.OperatorsName, deeper.CodeMeaning, deeper.CodeValue = NAME, NAME, NAME[:16]
            item.PersonIdentificationCodeSequence = [deeper]
            item.ViewCodeSequence = [deeper]
            ds.add(DataElement(tag, "SQ", [item]))
        else:
            value = _planted(vr, number)
            if value is None:
                continue
            ds.add(DataElement(tag, vr, value))
        planted += 1
    return planted


def full_of_identity(path: Path, values: NDArray[np.integer] | None = None, patient: str = "") -> None:
    """Write an image whose every attribute that can hold text, a number or a date holds a mark."""
    if values is None:
        values = np.random.default_rng(1).integers(0, 4096, (64, 60)).astype(np.uint16)
    ds = image(values)
    planted = _plant(ds, sorted({*ACTIONS, *(tag for tag in DicomDictionary)}))
    assert planted > 3000
    table = Dataset()
    table.LUTDescriptor, table.LUTExplanation = [4096, 0, 8], f"{NAME}'s curve"
    table.add_new(0x00283006, "OW", np.linspace(0, 255, 4096).astype("<u2").tobytes())
    ds.VOILUTSequence = [table]
    block = ds.private_block(0x0011, "ACME 1.0", create=True)
    block.add_new(0x01, "LO", NAME)
    block.add_new(0x02, "UN", NAME.encode() + b"\0")
    ds.add_new(0x60000010, "US", 8)
    ds.add_new(0x60000022, "LO", NAME)
    ds.add_new(0x50002500, "LO", NAME)
    ds.PixelData += NAME.encode() + b"\0"
    ds.preamble = (NAME.encode() * 20)[:128]
    ds.PatientID = f"{NAME}-{DIGITS}{patient}"
    if patient:  # each of its own study, as images of patients are, with a text of its own
        for name in ("BodyPartExamined", "ViewPosition", "Manufacturer", "ManufacturerModelName"):
            setattr(ds, name, f"{NAME.upper()} {patient}")
        ds.StudyInstanceUID = f"{UID}.1{patient}"
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{UID}.2{patient}"
    ds.BurnedInAnnotation = "NO"
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)


def marks_in(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes().lower()
            yield from ((path, mark) for mark in MARKS if mark in data)
