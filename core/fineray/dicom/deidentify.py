"""A data set without identity: the Basic Application Level Confidentiality Profile of PS3.15 annex E, and more.

The profile's table says what becomes of each of its attributes. What it does not name is kept only if it cannot hold
free text: numbers, terms that the standard defines, and codes of known coding schemes; other texts, private attributes,
overlays and curves go. Pixels are decoded and written anew, so that nothing rides along in comments of a compressed
stream, unused bits or padding.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as profile
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.multival import MultiValue
from pydicom.sr._concepts_dict import concepts
from pydicom.tag import Tag

from fineray.dicom.dataset import as_they_stand
from fineray.dicom.letters import Region
from fineray.dicom.terms import TERMS

Action = Literal["remove", "empty", "dummy", "uid"]


def _actions() -> dict[int, Action]:
    """Tag -> the strictest action that keeps the object valid (PS3.15 E.1-1: X/Z is done as Z, X/D as D)."""
    tables: tuple[tuple[list[tuple[int, ...]], Action], ...] = (
        (profile.X_TAGS, "remove"),
        (profile.Z_TAGS + profile.X_Z_TAGS + profile.X_Z_U_STAR_TAGS, "empty"),
        (profile.D_TAGS + profile.Z_D_TAGS + profile.X_D_TAGS + profile.X_Z_D_TAGS, "dummy"),
        (profile.U_TAGS, "uid"),
    )
    # Entries of four numbers are masks of repeating groups (overlays, curves), which go as a whole.
    return {Tag(tag[0], tag[1]): action for tags, action in tables for tag in tags if len(tag) == 2}


ACTIONS = _actions()
# PS3.15 E.3.8, Retain Device Identity: what of the device the option keeps.
DEVICE = frozenset(
    Tag(name)
    for name in (
        *("CassetteID", "DetectorID", "DeviceSerialNumber", "DeviceUID", "GantryID", "GeneratorID", "PlateID"),
        *("StationName", "UniqueDeviceIdentifier", "XRayDetectorID", "XRaySourceID"),
    )
)
# Texts that name makers and models; a name may have been typed there all the same.
KEPT_TEXTS = frozenset(Tag(name) for name in ("Manufacturer", "ManufacturerModelName"))
# PS3.15 E.3.6, Retain Longitudinal Temporal Information with Modified Dates: of an X-ray. Times of day go in any case.
LONGITUDINAL = frozenset(
    Tag(name)
    for name in (
        *("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "AcquisitionDateTime", "InstanceCreationDate"),
        *("PerformedProcedureStepStartDate", "PerformedProcedureStepEndDate"),
    )
)
# Private attributes known to be safe (PS3.15 E.3.10): creator, element, numbers only.
SAFE_PRIVATE = frozenset({("GEIIS PACS", 0x10), ("GEIIS PACS", 0x11), ("GEIIS PACS", 0x12)})
NUMBERS = ("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT")
NUMBER_TEXTS = ("DS", "IS")
LUT_DATA = Tag("LUTData")
DUMMY = {"DA": "19000101", "DT": "19000101", "TM": "000000", "AS": "000Y", "UR": "http://removed.invalid"}


@dataclass(frozen=True)
class Disguise:
    """What stands for a patient and the objects.

    pseudonym: instead of name and ID; new_uid: an old UID -> the new one, always the same; shift: a date (YYYYMMDD) ->
    the shifted one as YYYYMMDD, empty where it is none; dates, keep_device: the options of the profile; devices: the
    makers and models that so many patients share that they point at nobody.
    """

    pseudonym: str
    new_uid: Callable[[str], str]
    shift: Callable[[str], str]
    dates: Literal["shifted", "removed"] = "shifted"
    keep_device: bool = False
    devices: Container[str] = ()


@as_they_stand()
def deidentified(
    ds: Dataset, values: NDArray[np.integer], disguise: Disguise, blank: Sequence[Region] = (), instance: str = ""
) -> Dataset:
    """A new data set with these stored values [rows, columns], RLE Lossless; `ds` is left as it is.

    blank: regions whose pixels are made black; instance: what the new SOP Instance UID is made from, the old one unless
    given (frames of one file need several).
    """
    little_endian = ds.file_meta.TransferSyntaxUID.is_little_endian
    correct_ambiguous_vr(ds, little_endian)  # files with implicit VR leave open which numbers they hold
    made = _cleaned(ds, disguise, top=True)
    made.PatientID = made.PatientName = disguise.pseudonym
    made.SOPInstanceUID = disguise.new_uid(instance or str(ds.get("SOPInstanceUID", "")))
    stated = ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID")
    made.SOPClassUID = str(stated or uid.SecondaryCaptureImageStorage)
    _say_how(made, disguise, bool(blank))
    _put_pixels(made, ds, values, blank)
    return made


def _cleaned(ds: Dataset, disguise: Disguise, top: bool = False) -> Dataset:
    made = Dataset()
    for tag in sorted(ds.keys()):
        if top and (tag.group in (0x0002, 0x7FE0) or tag in _SET_ANEW):
            continue
        try:
            element = ds[tag]
        except Exception:  # what cannot be parsed cannot be judged
            continue
        kept = _judged(element, ds, disguise)
        if kept is not None:
            made.add(kept)
    return made


def _judged(element: DataElement, ds: Dataset, disguise: Disguise) -> DataElement | None:
    """The element as it may stay, or None."""
    tag, vr = element.tag, element.VR
    if tag.is_private:
        return _private(element, ds)
    if tag.group >> 8 in (0x50, 0x60):
        return None
    if tag in LONGITUDINAL and disguise.dates == "shifted":
        return _shifted(element, disguise)
    action = None if disguise.keep_device and tag in DEVICE else ACTIONS.get(tag)
    if action == "remove":
        return None
    if action == "empty":
        return DataElement(tag, vr, [] if vr == "SQ" else None)
    if action == "uid" or (vr == "UI" and action is None):
        return DataElement(tag, "UI", _uids(element.value, disguise)) if vr == "UI" else None
    if action == "dummy":
        return _dummy(element, disguise)
    if vr == "SQ":
        return _sequence(element, disguise)
    if tag in DEVICE:
        return DataElement(tag, vr, str(element.value)) if vr in ("LO", "SH", "UT", "CS", "AE") else None
    return _plain(element, disguise)


def _plain(element: DataElement, disguise: Disguise) -> DataElement | None:
    """An attribute that the profile does not name."""
    tag, vr, value = element.tag, element.VR, element.value
    if vr in NUMBERS or tag == LUT_DATA:
        return element
    if vr in NUMBER_TEXTS:
        numbers = [each for each in _each(value) if each not in (None, "")]
        return element if all(_is_number(each) for each in numbers) else None
    if tag in KEPT_TEXTS:
        text = str(value or "").strip()
        return DataElement(tag, vr, text.encode("ascii", "ignore").decode()) if text in disguise.devices else None
    if tag not in TERMS:
        return None
    stated = [str(each).strip() for each in _each(value)]
    known = [each if each in TERMS[tag] else "" for each in stated]
    return DataElement(tag, vr, known if len(known) > 1 else known[0]) if any(known) else None


def _each(value: Any) -> list[Any]:
    """The values of an element, one or several."""
    return list(value) if isinstance(value, MultiValue | list | tuple) else [value]


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _dummy(element: DataElement, disguise: Disguise) -> DataElement | None:
    tag, vr = element.tag, element.VR
    if vr == "UI":
        return DataElement(tag, vr, _uids(element.value, disguise))
    if vr == "SQ":
        return None  # an empty item would be a lie, and none of these sequences is needed for an X-ray
    if vr in NUMBERS or vr in NUMBER_TEXTS:
        return DataElement(tag, vr, 0)
    if vr in ("OB", "OW", "UN", "OF", "OD", "OL"):
        return None
    return DataElement(tag, vr, DUMMY.get(vr, "REMOVED"))


def _sequence(element: DataElement, disguise: Disguise) -> DataElement | None:
    items = []
    for item in element.value or []:
        if "CodeValue" in item or "CodeMeaning" in item:
            known = _known_code(item)
            if known is not None:
                items.append(known)
            continue
        clean = _cleaned(item, disguise)
        if len(clean):
            items.append(clean)
    return DataElement(element.tag, "SQ", items) if items else None


def _known_code(item: Dataset) -> Dataset | None:
    """A code of a coding scheme that pydicom knows, with the meaning that the scheme gives it."""
    scheme, value = str(item.get("CodingSchemeDesignator", "")), str(item.get("CodeValue", ""))
    scheme_concepts: dict[str, dict[str, Any]] = concepts.get({"SRT": "SCT"}.get(scheme, scheme), {})  # type: ignore[assignment]
    for meanings in scheme_concepts.values():
        if value in meanings:
            code = Dataset()
            code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meanings[value][0]
            return code
    return None


def _private(element: DataElement, ds: Dataset) -> DataElement | None:
    tag = element.tag
    if tag.is_private_creator:
        return element if any(creator == element.value for creator, _ in SAFE_PRIVATE) else None
    creator = ds.get(Tag(tag.group, tag.element >> 8))
    known = creator is not None and (str(creator.value), tag.element & 0xFF) in SAFE_PRIVATE
    return element if known and element.VR in NUMBERS else None


def _shifted(element: DataElement, disguise: Disguise) -> DataElement | None:
    """Dates moved; what is no date, and the time of day of a date and time, is dropped."""
    moved = [disguise.shift(str(value or "")[:8]) for value in _each(element.value)]
    if not all(moved):
        return DataElement(element.tag, element.VR, None)
    return DataElement(element.tag, element.VR, moved if len(moved) > 1 else moved[0])


def _uids(value: object, disguise: Disguise) -> list[str] | str | None:
    """New UIDs for all but those that the standard itself registers (classes, syntaxes, coding schemes)."""
    if value in (None, ""):
        return None
    values = [str(each) for each in _each(value)]
    new = [each if uid.UID(each).name != each else disguise.new_uid(each) for each in values]
    return new if len(new) > 1 else new[0]


_SET_ANEW = frozenset(
    Tag(name)
    for name in (
        *("PatientID", "PatientName", "SOPInstanceUID", "SOPClassUID", "BurnedInAnnotation"),
        *("NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit"),
        *("PixelRepresentation", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
        *("FrameIncrementPointer", "IconImageSequence", "DeidentificationMethod"),
        *("DeidentificationMethodCodeSequence", "PatientIdentityRemoved", "SmallestImagePixelValue"),
        *("LargestImagePixelValue", "PixelPaddingRangeLimit"),
    )
)


def _say_how(made: Dataset, disguise: Disguise, blanked: bool) -> None:
    """PS3.15 E.1.1 and PS3.16 CID 7050: which profile and options were applied."""
    codes = [("113100", "Basic Application Confidentiality Profile")]
    if blanked:
        codes.append(("113101", "Clean Pixel Data Option"))
    if disguise.dates == "shifted":
        codes.append(("113107", "Retain Longitudinal Temporal Information Modified Dates Option"))
    if disguise.keep_device:
        codes.append(("113109", "Retain Device Identity Option"))
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = "Fineray, PS3.15 annex E"
    items = []
    for value, meaning in codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
        items.append(item)
    made.DeidentificationMethodCodeSequence = items
    made.LongitudinalTemporalInformationModified = "MODIFIED" if disguise.dates == "shifted" else "REMOVED"
    made.BurnedInAnnotation = "NO"


def _put_pixels(made: Dataset, ds: Dataset, values: NDArray[np.integer], blank: Sequence[Region]) -> None:
    signed, stored = int(ds.get("PixelRepresentation") or 0), int(ds.BitsStored)
    allocated = 8 if stored <= 8 else 16
    pixels = np.array(values, dtype=f"{'i' if signed else 'u'}{allocated // 8}")
    rows, columns = pixels.shape
    # Black is the largest value where small values are shown white.
    black = pixels.max() if ds.PhotometricInterpretation == "MONOCHROME1" else pixels.min()
    for region in blank:
        top, left = int(region.y0 * rows), int(region.x0 * columns)
        pixels[top : -int(-region.y1 * rows // 1), left : -int(-region.x1 * columns // 1)] = black
    made.Rows, made.Columns, made.SamplesPerPixel = rows, columns, 1
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = allocated, stored, stored - 1, signed
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    raw = pixels.tobytes()
    made.PixelData = raw + b"\0" * (len(raw) % 2)
    made["PixelData"].VR = "OB" if allocated == 8 else "OW"
    made.compress(uid.RLELossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)


@as_they_stand()
def identity_of(ds: Dataset) -> dict[str, str]:
    """What a key file keeps of a data set: the patient's ID, name and birth date, as far as they are stated."""
    found = {name: str(ds.get(name) or "") for name in ("PatientID", "PatientName", "PatientBirthDate")}
    return {name: value for name, value in found.items() if value}
