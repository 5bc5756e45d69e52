"""The demo study as DICOM files: several patients, encodings and both photometric interpretations."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from fineray.demo.phantom import chest
from fineray.progress import SILENT, Monitor, Progress

PATIENTS, SEED = 44, 2026
STAGE_DRAW = "Drawing synthetic phantoms"
ENCODINGS = (ExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless)
CLEAR, OPACITY = "clear (synthetic)", "opacity (synthetic)"


def write_study(folder: Path, patients: int = PATIENTS, monitor: Monitor = SILENT) -> Path:
    """Write the images below a new folder, with labels.csv beside them (file, label); returns the CSV's path.

    Half of the patients have an opacity. Every name says that it is synthetic. May raise Cancelled.
    """
    folder.mkdir(parents=True)
    counts = np.random.default_rng(SEED).integers(1, 4, size=patients).tolist()
    total, done = sum(counts), 0
    labels = folder / "labels.csv"
    with labels.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "label"])
        for patient, images in enumerate(counts, start=1):
            for image in range(1, images + 1):
                monitor.check()
                random = np.random.default_rng([SEED, patient, image])
                build = np.random.default_rng([SEED, patient])
                opacity = patient % 2 == 0
                shade = chest(random, build=build, opacity=opacity)
                name = f"SYNTHETIC-{patient:03d}/image-{image}.dcm"
                (folder / name).parent.mkdir(exist_ok=True)
                _image(shade, patient, image, done).save_as(folder / name, enforce_file_format=True)
                table.writerow([name, OPACITY if opacity else CLEAR])
                done += 1
                monitor.report(Progress(STAGE_DRAW, done, total, "images"))
    return labels


def _image(shade: NDArray[np.float64], patient: int, image: int, number: int) -> Dataset:
    """A DX object (PS3.3 A.26) of one phantom; `number` picks its encoding, bit depth and polarity."""
    inverted = number % 3 == 0
    bits = 8 if number % 5 == 0 else 12
    syntax = ENCODINGS[number % len(ENCODINGS)]
    top = (1 << bits) - 1
    values = np.round((1 - shade if inverted else shade) * top).astype(np.uint8 if bits == 8 else np.uint16)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = _uid("sop", patient, image)
    ds.StudyInstanceUID = _uid("study", patient, image)
    ds.SeriesInstanceUID = _uid("series", patient, image)
    ds.PatientName = f"SYNTHETIC^PHANTOM {patient:03d}"
    ds.PatientID = f"SYNTHETIC-{patient:03d}"
    ds.PatientSex = "O"
    ds.StudyDescription = ds.SeriesDescription = "SYNTHETIC chest phantom, not a patient"
    ds.Manufacturer, ds.ManufacturerModelName = "Fineray (synthetic)", "Phantom"
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "DX", "CHEST", "PA" if number % 2 else "AP"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.BurnedInAnnotation = "YES"
    ds.PixelSpacing = ds.ImagerPixelSpacing = [1.0, 1.0]
    ds.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    ds.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.WindowCenter, ds.WindowWidth = (top + 1) / 2, top + 1
    ds.SamplesPerPixel, (ds.Rows, ds.Columns) = 1, shade.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = values.itemsize * 8, bits, bits - 1, 0
    ds.PixelData = values.tobytes()
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"
    if syntax != ExplicitVRLittleEndian:
        ds.compress(syntax, generate_instance_uid=False)
    return ds


def _uid(kind: str, patient: int, image: int) -> UID:
    return generate_uid(entropy_srcs=["Fineray synthetic phantom", kind, str(patient), str(image)])
