"""Small DICOM images for tests, real files with every attribute under the test's control."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid


def image(values: NDArray[np.integer], *, bits: int = 12, syntax: UID = ExplicitVRLittleEndian, **tags: Any) -> Dataset:
    """A DX data set with these stored values [rows, columns]; `tags` set or (None) delete attributes."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid(), generate_uid()
    ds.PatientID, ds.PatientName = "TEST-1", "TEST^ONE"
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "DX", "CHEST", "PA"
    ds.PhotometricInterpretation, ds.SamplesPerPixel = "MONOCHROME2", 1
    ds.Rows, ds.Columns = values.shape
    signed = np.issubdtype(values.dtype, np.signedinteger)
    allocated = 8 if bits <= 8 else 16
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = allocated, bits, bits - 1, int(signed)
    stored = values.astype(f"{'i' if signed else 'u'}{allocated // 8}")
    ds.PixelData = stored.tobytes() + b"\0" * (stored.nbytes % 2)
    ds["PixelData"].VR = "OB" if allocated == 8 else "OW"
    for name, value in tags.items():
        if value is None:
            delattr(ds, name)
        else:
            setattr(ds, name, value)
    if syntax != ExplicitVRLittleEndian:
        ds.compress(syntax, generate_instance_uid=False)
    return ds


def write_image(path: Path, *, patient: str, number: int = 0, level: float = 0.5, **tags: Any) -> Dataset:
    """Write a noisy 12-bit image of mean shade `level`; the same arguments give the same pixels."""
    random = np.random.default_rng(list(f"{patient}/{number}".encode()))
    shade = np.clip(level + random.normal(0, 0.08, size=(48, 40)), 0, 1)
    return write_picture(path, np.round(shade * 4095).astype(np.uint16), patient, **tags)


def write_classes(root: Path, patients: int, *, bright: float = 0.6, dark: float = 0.4) -> None:
    """An image a patient, in folders by class, `bright` and `dark`, each of its mean shade."""
    for patient in range(patients):
        label, level = (("bright", bright), ("dark", dark))[patient % 2]
        write_image(root / label / f"p{patient}", patient=f"PAT-{patient}", level=level)


def write_images_of_patients(root: Path, patients: int, each: int) -> None:
    """The same with several images a patient, each patient's in a folder."""
    for patient in range(patients):
        label, level = (("bright", 0.75), ("dark", 0.25))[patient % 2]
        for number in range(each):
            path = root / label / f"p{patient}" / f"{number}"
            write_image(path, patient=f"PAT-{patient}", number=number, level=level)


def write_picture(path: Path, values: NDArray[np.integer], patient: str, **tags: Any) -> Dataset:
    """Write a 12-bit image with these values and a window over all of them."""
    ds = image(values, PatientID=patient, PatientName=f"{patient}^Name", **tags)
    ds.WindowCenter, ds.WindowWidth = 2048, 4096
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return ds


def texture(patient: int, number: int) -> NDArray[np.uint16]:
    """An image whose coarse pattern belongs to this patient and number alone."""
    random = np.random.default_rng([patient, number])
    coarse = random.normal(size=(12, 12))
    return np.round(2048 + 500 * np.kron(coarse, np.ones((8, 8)))).clip(0, 4095).astype(np.uint16)
