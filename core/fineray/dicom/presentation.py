"""From stored values to shades: modality LUT, VOI, presentation LUT (DICOM PS3.4 annex N, PS3.3 C.11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from fineray.dicom.element_values import numbers, whole_number
from fineray.dicom.lookup_table import lookup_table
from fineray.dicom.mending import photometric
from fineray.dicom.radiograph import GrayImage, VoiSource, Window
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.shades import apply_window

# Without a window of its own an image is shown between these percentiles of its values, so that a few
# burnt or dead pixels do not set the contrast.
ROBUST_PERCENTILES = (0.5, 99.5)
# A window or VOI LUT that shows all but a few pixels within this part of the shades, at their dark or bright end, was
# made for other values (of another depth, or in other units).
END_OF_SHADES = 1 / 4
ENOUGH_PIXELS = 40_000  # to tell that from
LARGEST = 1e30  # what single precision holds with room to spare
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
# Their modality LUT leads back to the beam's intensity and is not for display: VOI applies to stored values (PS3.3
# C.8.7.1.1.2; so do DCMTK, dcm4che, fo-dicom and cornerstone).
_LUT_NOT_FOR_DISPLAY = (
    uid.XRayAngiographicImageStorage,
    uid.XRayRadiofluoroscopicImageStorage,
    uid.UID("1.2.840.10008.5.1.4.1.1.12.3"),  # X-Ray Angiographic Bi-Plane, retired
)


@dataclass(frozen=True)
class Presented:
    """An image as its header shows it; notes: where the header could not be followed."""

    image: GrayImage
    voi_source: VoiSource
    notes: tuple[ReadingNote, ...]


@dataclass(frozen=True)
class _Voi:
    values: NDArray[np.float32]  # by index, what the window applies to
    window: Window
    source: VoiSource


def gray_image(ds: Dataset, stored: NDArray[np.integer]) -> Presented:
    """Modality LUT, then the VOI that the file states (a LUT before a window), then polarity.

    stored: [rows, columns] integers. A file without a usable VOI gets a robust percentile window. Of several VOI LUTs
    and windows the first that can be used is (PS3.3 C.11.2.1.2: each is a view of its own).
    """
    notes: list[ReadingNote] = []
    padding = _padding_mask(ds, stored, notes)
    lowest, highest = int(stored.min()), int(stored.max())
    index = (stored - lowest).astype(np.uint16) if lowest else stored.astype(np.uint16, copy=False)
    table = _modality_table(ds, lowest, highest, notes)
    sample = _sample(index, padding)
    voi = next((each for each in _stated_vois(ds, table, notes) if _shows(each, sample, notes)), None)
    if voi is None:
        values = table.astype(np.float32)
        voi = _Voi(values, percentile_window(values[index if padding is None else index[~padding]]), "percentile")
    else:
        notes = [note for note in notes if note != ReadingNote.WINDOW_OUTSIDE]  # another one was used after all
    image = GrayImage(index, voi.values, voi.window, is_inverted(ds), padding)
    return Presented(image, voi.source, tuple(dict.fromkeys(notes)))


def is_inverted(ds: Dataset) -> bool:
    """Whether small values are white: MONOCHROME1 (PS3.3 C.7.6.3.1.2) or Presentation LUT Shape INVERSE.

    The two are one statement, not two inversions: a DX image with MONOCHROME1 has to carry INVERSE (C.8.11.3).
    """
    shape = str(ds.get("PresentationLUTShape") or "").strip().upper()
    return photometric(ds) == "MONOCHROME1" or shape == "INVERSE"


def percentile_window(values: NDArray[np.float32]) -> Window:
    """A LINEAR_EXACT window between the robust percentiles; a constant image gets a width of 1."""
    if values.size == 0:
        return Window(0.5, 1.0, "LINEAR_EXACT")
    low, high = map(float, np.percentile(values, ROBUST_PERCENTILES))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return Window((low + high) / 2, high - low if high > low else 1.0, "LINEAR_EXACT")


def shows_at_an_end(values: NDArray[np.float32], window: Window) -> bool:
    """Whether a window leaves all but a few of these values nearly black or nearly white."""
    darkest, brightest = apply_window(np.percentile(values, ROBUST_PERCENTILES).astype(np.float32), window)
    return bool(brightest < END_OF_SHADES or darkest > 1 - END_OF_SHADES)


def _modality_table(ds: Dataset, lowest: int, highest: int, notes: list[ReadingNote]) -> NDArray[np.float64]:
    """The value after the modality LUT or rescaling (PS3.3 C.11.1) of each stored value from lowest to highest."""
    stored: NDArray[np.int64] = np.arange(lowest, highest + 1, dtype=np.int64)
    if ds.get("ModalityLUTSequence"):
        if _is_angiography(ds):
            return stored.astype(np.float64)
        lut = lookup_table(ds.ModalityLUTSequence[0], lowest, highest, little_endian=_little_endian(ds))
        if lut is not None:
            notes += [ReadingNote.LUT_MENDED] * lut.mended
            return lut.of(stored).astype(np.float64)
        notes.append(ReadingNote.MODALITY_LUT_IGNORED)
    slope, intercept = (numbers(ds, name)[:1] for name in ("RescaleSlope", "RescaleIntercept"))
    factor, offset = (slope or (1.0,))[0], (intercept or (0.0,))[0]
    usable = np.isfinite([factor, offset]).all() and factor != 0
    if not usable or max(abs(factor), abs(offset)) * (abs(lowest) + abs(highest) + 1) > LARGEST:
        notes.append(ReadingNote.RESCALE_IGNORED)
        return stored.astype(np.float64)
    rescaled: NDArray[np.float64] = stored.astype(np.float64) * factor + offset
    return rescaled


def _is_angiography(ds: Dataset) -> bool:
    """By object class, by modality where the file names none."""
    sop_class = ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID")
    return sop_class in _LUT_NOT_FOR_DISPLAY if sop_class else ds.get("Modality") in ("XA", "RF")


def _stated_vois(ds: Dataset, table: NDArray[np.float64], notes: list[ReadingNote]) -> Iterator[_Voi]:
    """What the header offers, VOI LUTs first; notes on those that cannot be used."""
    whole = np.round(table).astype(np.int64)
    for item in ds.get("VOILUTSequence") or ():
        lut = lookup_table(item, int(whole.min()), int(whole.max()), little_endian=_little_endian(ds))
        if lut is None:
            notes.append(ReadingNote.VOI_LUT_UNUSABLE)
            continue
        notes += [ReadingNote.LUT_MENDED] * lut.mended
        yield _Voi(lut.of(whole).astype(np.float32), Window(2.0 ** (lut.bits - 1), 2.0**lut.bits), "VOI LUT")
    values = table.astype(np.float32)
    function = str(ds.get("VOILUTFunction") or "LINEAR").strip().upper()
    centers, widths = numbers(ds, "WindowCenter"), numbers(ds, "WindowWidth")
    for center, width in zip(centers, widths, strict=False):
        too_narrow = width < 1 if function == "LINEAR" else width <= 0
        if function not in _FUNCTIONS or not np.isfinite([center, width]).all() or too_narrow:
            notes.append(ReadingNote.WINDOW_UNUSABLE)
            continue
        yield _Voi(values, Window(center, width, function), "window")  # type: ignore[arg-type]


def _shows(voi: _Voi, sample: NDArray[np.uint16], notes: list[ReadingNote]) -> bool:
    if sample.size == 0 or sample.min() == sample.max() or not shows_at_an_end(voi.values[sample], voi.window):
        return True
    notes.append(ReadingNote.VOI_LUT_OUTSIDE if voi.source == "VOI LUT" else ReadingNote.WINDOW_OUTSIDE)
    return False


def _sample(index: NDArray[np.uint16], padding: NDArray[np.bool_] | None) -> NDArray[np.uint16]:
    """Some pixels from everywhere outside the padding."""
    step = max(1, isqrt(index.size // ENOUGH_PIXELS))
    seen = index[::step, ::step]
    return seen.ravel() if padding is None else seen[~padding[::step, ::step]]


def _little_endian(ds: Dataset) -> bool:
    return bool(ds.file_meta.TransferSyntaxUID.is_little_endian)


def _padding_mask(ds: Dataset, stored: NDArray[np.integer], notes: list[ReadingNote]) -> NDArray[np.bool_] | None:
    """Pixels at Pixel Padding Value, or between it and the range limit (PS3.3 C.7.5.1.1.2)."""
    value, limit = whole_number(ds, "PixelPaddingValue"), whole_number(ds, "PixelPaddingRangeLimit")
    if value is None:
        return None
    bits, signed = int(ds.BitsStored), bool(ds.PixelRepresentation)
    start = _as_stored(value, bits, signed)
    end = start if limit is None else _as_stored(limit, bits, signed)
    low, high = min(start, end), max(start, end)
    mask = (stored >= low) & (stored <= high)
    if not mask.any():
        return None
    # Padding is what no exposure gives: a range over half of all values, or one that leaves nothing, is a mistake.
    if mask.all() or high - low >= 1 << (bits - 1):
        notes.append(ReadingNote.PADDING_IGNORED)
        return None
    return mask


def _as_stored(value: int, bits: int, signed: bool) -> int:
    """A value as these pixels hold it, where it was written with the other sign or with more bits than are stored."""
    word = value & 0xFFFF
    if not signed:
        return word if word >> bits == 0 else word & ((1 << bits) - 1)
    number = word - (1 << 16) if word >> 15 else word
    if -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        return number
    low = word & ((1 << bits) - 1)
    return low - (1 << bits) if low >> (bits - 1) else low
