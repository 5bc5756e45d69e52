"""One file -> its Radiographs. Files are opened read-only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID

from fineray.dicom import archive
from fineray.dicom.dataset import as_they_stand, parse
from fineray.dicom.location import FileLocation
from fineray.dicom.mending import photometric
from fineray.dicom.picture import picture_format, read_picture
from fineray.dicom.pixels import decoded, frame_count
from fineray.dicom.presentation import gray_image
from fineray.dicom.radiograph import (
    Attributes,
    FrameChoice,
    Identity,
    NotARadiograph,
    Radiograph,
    UnreadableFile,
    VoiSource,
)
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.transfer_syntax import actual_syntax
from fineray.system.places import Place

# Projection radiography (PS3.3 C.7.3.1.1.1). "OT", "SC" and an absent modality are what secondary captures of images
# carry; they are taken for X-rays because a user chose the folder.
XRAY_MODALITIES = ("CR", "DX", "DR", "RG", "MG", "IO", "PX", "XR", "RF", "XA", "OT", "SC", "")
# Object classes of X-rays and the modality that each stands for (PS3.4 B.5): they tell where Modality is mistyped or
# names no X-ray, unless it names another scanner.
XRAY_CLASSES: dict[str, str] = {
    uid.ComputedRadiographyImageStorage: "CR",
    uid.DigitalXRayImageStorageForPresentation: "DX",
    uid.DigitalXRayImageStorageForProcessing: "DX",
    uid.DigitalMammographyXRayImageStorageForPresentation: "MG",
    uid.DigitalMammographyXRayImageStorageForProcessing: "MG",
    uid.BreastProjectionXRayImageStorageForPresentation: "MG",
    uid.BreastProjectionXRayImageStorageForProcessing: "MG",
    uid.BreastTomosynthesisImageStorage: "MG",
    uid.DigitalIntraOralXRayImageStorageForPresentation: "IO",
    uid.DigitalIntraOralXRayImageStorageForProcessing: "IO",
    uid.XRayAngiographicImageStorage: "XA",
    uid.EnhancedXAImageStorage: "XA",
    uid.XRayRadiofluoroscopicImageStorage: "RF",
    uid.EnhancedXRFImageStorage: "RF",
}
OTHER_SCANNERS = ("CT", "MR", "NM", "PT", "US")
INTENTS = ("FOR PRESENTATION", "FOR PROCESSING")  # Presentation Intent Type (PS3.3 C.8.11.1)
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
# Terms of other modalities (PS3.3 C.7.3.1.1.1); anything else may be any text, and is not repeated.
_MODALITY = re.compile(
    "[A-Z]{2}|BDUS|BMD|DOC|ECG|EEG|EMG|EOG|EPS|FID|IVOCT|IVUS|KER|LEN|M3D|OAM|OCT|OPM|OPT|OPTBSV|OPTENF|OPV|OSS|PLAN|POS"
    "|REG|RTDOSE|RTIMAGE|RTINTENT|RTPLAN|RTRAD|RTRECORD|RTSEGANN|RTSTRUCT|SEG|SMR|SRF|STAIN|TEXTUREMAP|VA|XAPROTOCOL"
)
MAX_FILE_BYTES = 2_000_000_000
NEEDED = ("Rows", "Columns", "BitsAllocated", "BitsStored", "PhotometricInterpretation")  # to make sense of pixels
MENDABLE = ({"BitsAllocated"}, {"BitsStored"})  # which of these the pixels tell if nothing else lacks


class SeveralFrames(NotARadiograph):
    """The file holds several frames and nobody has said which to take."""


@as_they_stand()
def read_radiographs(
    location: FileLocation | Place, frames: FrameChoice = "none", side: int | None = None
) -> list[Radiograph]:
    """Read the images of a file.

    Parameters
    ----------
    location : FileLocation, str or path
        A DICOM file, a PNG, JPEG or TIFF, or a member of a ZIP archive (a FileLocation).
    frames : {"none", "first", "middle", "all"}
        Which of several frames (Number of Frames, PS3.3 C.7.6.6) become images. With "none" the file may hold only one.
    side : int, optional
        The longest side, in pixels, that will be kept. Where the encoding allows it, a larger image may then come at
        half its size or less, twice `side` at least; attributes say how large it is in the file.

    Returns
    -------
    list of Radiograph
        One image a frame, in the order of the file.

    Raises
    ------
    NotARadiograph
        The file is sound and no X-ray, or holds several frames that nobody chose from (SeveralFrames).
    UnreadableFile
        The file should hold an X-ray and cannot be read.
    OSError
        The file is not there, or may not be read.

    Notes
    -----
    X-rays are told by Modality (PS3.3 C.7.3.1.1.1). Pixels go through modality LUT, VOI LUT or window and presentation
    LUT shape (PS3.3 C.11.1, C.11.2, C.11.6) when they are shown; see `shades`.

    Examples
    --------
    >>> import fineray
    >>> [radiograph] = fineray.read_radiographs("images/SYNTHETIC-001/image-1.dcm")
    >>> radiograph.image.index.shape
    (400, 360)
    """
    ds = _opened(_located(location))
    if isinstance(ds, Radiograph):
        return [ds]
    with _consistent_header():
        count = frame_count(ds)
    if count > 1 and frames == "none":
        raise SeveralFrames(
            f"The file holds {count} frames", todo="Import it again and choose which frames become images."
        )
    chosen = {"none": [1], "first": [1], "middle": [(count + 1) // 2], "all": range(1, count + 1)}[frames]
    return [_radiograph(ds, frame, side) for frame in chosen]


@as_they_stand()
def read_radiograph(location: FileLocation | Place, frame: int | None = None) -> Radiograph:
    """Read the one image of a file, or one frame of several.

    Parameters
    ----------
    location : FileLocation, str or path
        A DICOM file, a PNG, JPEG or TIFF, or a member of a ZIP archive (a FileLocation).
    frame : int, optional
        The number of the frame, from 1. Without it the file has to hold one image.

    Returns
    -------
    Radiograph
        Pixels as they are stored, how they are to be shown, and attributes.

    Raises
    ------
    NotARadiograph
        The file is sound and no X-ray, or holds several frames and none was named (SeveralFrames).
    UnreadableFile
        The file should hold an X-ray and cannot be read, or has no frame of that number.
    OSError
        The file is not there, or may not be read.

    See Also
    --------
    read_radiographs : All images of a file.
    shades : What a screen shows of an image.

    Notes
    -----
    The file is opened read-only. Values that break the standard are read as they stand; Radiograph.warnings says so.
    A frame is one of Number of Frames (DICOM PS3.3 C.7.6.6).

    Examples
    --------
    >>> import fineray
    >>> radiograph = fineray.read_radiograph("images/SYNTHETIC-001/image-1.dcm")
    >>> radiograph.attributes.view_position, radiograph.attributes.bits_stored
    ('AP', 8)
    """
    ds = _opened(_located(location))
    if isinstance(ds, Radiograph):
        return ds
    with _consistent_header():
        count = frame_count(ds)
    if frame is None and count > 1:
        raise SeveralFrames(f"The file holds {count} frames", todo=f"Say which one to read, 1 to {count}.")
    return _radiograph(ds, frame or 1)


@as_they_stand()
def open_dicom(location: FileLocation) -> Dataset | None:
    """The data set behind an image, with the transfer syntax that it really has; None for a picture.

    Raises like read_radiographs().
    """
    ds = _opened(location)
    if isinstance(ds, Radiograph):
        return None
    ds.file_meta.TransferSyntaxUID = actual_syntax(ds)
    return ds


def _located(location: FileLocation | Place) -> FileLocation:
    return location if isinstance(location, FileLocation) else FileLocation(Path(location))


def _opened(location: FileLocation) -> Dataset | Radiograph:
    """The data set of an X-ray, or a picture, which is an image at once."""
    data = _content(location)
    kind = picture_format(data)
    if kind is not None:
        return read_picture(data, kind)
    ds = parse(data)
    with _consistent_header():
        _refuse_other_objects(ds)
    return ds


@contextmanager
def _consistent_header() -> Iterator[None]:
    """A header may lie in more ways than can be listed: whatever else is raised within fails the file by name."""
    try:
        yield
    except (NotARadiograph, UnreadableFile, MemoryError):
        raise
    except Exception as error:
        raise UnreadableFile(
            f"The header is inconsistent ({type(error).__name__})",
            todo="The file may be damaged; export it again from the archive.",
        ) from error


def _content(location: FileLocation) -> bytes:
    if location.member:
        data = archive.read_member(location.path, location.member)
    else:
        size = location.path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise NotARadiograph("Larger than any X-ray", todo="Nothing to do; the file was left alone.")
        data = location.path.read_bytes()
    if not data:
        raise UnreadableFile("The file is empty", todo="Export it again from the archive.")
    if data[:4] == b"PK\x03\x04" and (b"[Content_Types].xml" in data or data[30:38] == b"mimetype"):
        raise NotARadiograph(
            "A spreadsheet or another office document, not an image",
            todo="Nothing to do here; labels in it are taken from a table (page Curate).",
        )
    if data[:4] == b"PK\x03\x04":
        raise UnreadableFile(
            "An archive that is damaged, or lies inside another one",
            todo="Unpack it yourself, and import the folder.",
        )
    return data


def _radiograph(ds: Dataset, frame: int, side: int | None = None) -> Radiograph:
    notes: list[ReadingNote] = []
    with _consistent_header():
        if _text(ds, "Modality").upper() not in XRAY_MODALITIES:
            notes.append(ReadingNote.MODALITY_BY_CLASS)
        syntax = actual_syntax(ds)
        if syntax != ds.file_meta.TransferSyntaxUID:
            ds.file_meta.TransferSyntaxUID = syntax
            notes.append(ReadingNote.OTHER_SYNTAX)
        pixels = decoded(ds, frame, side)
        shown = gray_image(pixels.header, pixels.values)
        notes += (*pixels.notes, *shown.notes)
        attributes = _attributes(pixels.header, photometric(ds), shown.voi_source)
        return Radiograph(shown.image, attributes, _identity(ds), frame, tuple(dict.fromkeys(notes)))


def _refuse_other_objects(ds: Dataset) -> None:
    sop_class = str(ds.file_meta.get("MediaStorageSOPClassUID") or ds.get("SOPClassUID") or "")
    if sop_class == MEDIA_DIRECTORY:
        raise NotARadiograph("A DICOMDIR index, not an image", todo="Nothing to do; its images are read themselves.")
    modality = _text(ds, "Modality").upper()
    if modality not in XRAY_MODALITIES and (sop_class not in XRAY_CLASSES or modality in OTHER_SCANNERS):
        named = f"Modality {modality}" if _MODALITY.fullmatch(modality) else "An unknown modality"
        raise NotARadiograph(f"{named} is not an X-ray", todo="Nothing to do; only X-rays are imported.")
    if "PixelData" not in ds:
        if "Rows" in ds and "BitsStored" in ds:
            raise UnreadableFile(
                "The header describes an image but the pixels are missing",
                todo="The file was cut short; export it again from the archive.",
            )
        name = _uid_name(sop_class) if sop_class else "no object class"
        raise NotARadiograph(f"No image inside ({name})", todo="Nothing to do; only X-rays are imported.")
    lacking = [keyword for keyword in NEEDED if ds.get(keyword) is None]
    if lacking and set(lacking) not in MENDABLE:
        raise UnreadableFile(
            f"The header does not say {', '.join(lacking)}", todo="Export the image again from the archive."
        )


def _uid_name(value: str) -> str:
    """What the standard calls a UID; one that it does not know may be any text, and is not repeated."""
    name = UID(value).name
    return name if name != value else "something unknown"


def _identity(ds: Dataset) -> Identity:
    return Identity(
        patient_id=_text(ds, "PatientID"),
        study_instance_uid=_text(ds, "StudyInstanceUID"),
        series_instance_uid=_text(ds, "SeriesInstanceUID"),
        sop_instance_uid=_text(ds, "SOPInstanceUID"),
        station_name=_text(ds, "StationName"),
        institution_name=_text(ds, "InstitutionName"),
        study_date=_text(ds, "StudyDate") or _text(ds, "AcquisitionDate"),
        accession_number=_text(ds, "AccessionNumber"),
        issuer_of_patient_id=_issuer(ds),
    )


def _issuer(ds: Dataset) -> str:
    """Issuer of Patient ID, or the Universal Entity ID of its qualifiers (PS3.3 C.7.1.1, 10.14)."""
    stated = _text(ds, "IssuerOfPatientID")
    try:
        qualifiers = ds.get("IssuerOfPatientIDQualifiersSequence")
        return stated or (_text(qualifiers[0], "UniversalEntityID") if qualifiers else "")
    except (TypeError, IndexError, AttributeError):  # no sequence after all
        return stated


def _presentation_intent(ds: Dataset) -> str:
    """FOR PRESENTATION or FOR PROCESSING (PS3.3 C.8.11.1), else what the SOP class is named for, else nothing."""
    named = UID(_text(ds, "SOPClassUID")).name.upper()
    by_class = next((intent for intent in INTENTS if named.endswith(intent)), "")
    return _term(_text(ds, "PresentationIntentType"), INTENTS) or by_class


def _modality(ds: Dataset) -> str:
    stated = _text(ds, "Modality").upper()
    return stated if stated in XRAY_MODALITIES else XRAY_CLASSES.get(_text(ds, "SOPClassUID"), "")


def _attributes(ds: Dataset, stated_photometric: str, voi_source: VoiSource) -> Attributes:
    laterality = _text(ds, "ImageLaterality") or _text(ds, "Laterality")
    return Attributes(
        modality=_modality(ds),
        body_part=_text(ds, "BodyPartExamined").upper(),
        view_position=_text(ds, "ViewPosition").upper(),
        laterality=_term(laterality, ("L", "R", "B", "U")),
        sex=_term(_text(ds, "PatientSex"), ("M", "F", "O")),
        age_years=age_in_years(_text(ds, "PatientAge")),
        manufacturer=_text(ds, "Manufacturer"),
        model=_text(ds, "ManufacturerModelName"),
        rows=int(ds.Rows),
        columns=int(ds.Columns),
        bits_stored=int(ds.BitsStored),
        photometric=stated_photometric,
        transfer_syntax=ds.file_meta.TransferSyntaxUID.name,
        voi_source=voi_source,
        pixel_spacing_mm=_spacing(ds),
        burned_in=_term(_text(ds, "BurnedInAnnotation"), ("YES", "NO")),
        presentation_intent=_presentation_intent(ds),
    )


def _term(text: str, terms: tuple[str, ...]) -> str:
    """A defined term, or nothing: projects keep no text that could be something else."""
    return text.upper() if text.upper() in terms else ""


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
    """An attribute as text; attributes that cannot be read are as good as absent."""
    try:
        value = ds.get(keyword)
    except Exception:  # pydicom raises whatever a malformed value leads to
        return ""
    if isinstance(value, MultiValue | list):
        value = value[0] if value else None
    return "" if value is None else str(value).strip()
