"""Headers of pixels that are silent or contradict the pixels, set right by the pixels (DICOM PS3.3 C.7.6.3)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from fineray.dicom.codestream import Codestream
from fineray.dicom.element_values import whole_number
from fineray.dicom.reading_notes import ReadingNote

GRAY = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")


def photometric(ds: Dataset) -> str:
    """Photometric Interpretation as the standard writes it, in capitals and without needless blanks."""
    stated = " ".join(str(ds.get("PhotometricInterpretation") or "").upper().replace("\0", " ").split())
    return next((term for term in GRAY if term == stated.replace(" ", "")), stated)


def mend(header: Dataset, pixels: bytes, stream: Codestream | None, frames: int) -> list[ReadingNote]:
    """Complete and correct the Image Pixel attributes of `header` in place; what had to be said of it.

    pixels: the value of Pixel Data where it is native, else empty; stream: what the codestream of the frame says, None
    where there is none, or none that can be read.
    """
    header.PhotometricInterpretation = photometric(header)
    notes = _mend_sign(header)
    if stream is not None:
        notes += _mend_by_stream(header, stream)
    else:
        notes += _mend_by_length(header, pixels, int(header.Rows) * int(header.Columns) * frames)
    stored, high = int(header.BitsStored), whole_number(header, "HighBit")
    if high is None or not stored - 1 <= high < int(header.BitsAllocated):
        header.HighBit = stored - 1
    return notes


def _mend_sign(header: Dataset) -> list[ReadingNote]:
    if whole_number(header, "PixelRepresentation") in (0, 1):
        return []
    header.PixelRepresentation = 0
    return [ReadingNote.UNSIGNED_ASSUMED]


def _mend_by_stream(header: Dataset, stream: Codestream) -> list[ReadingNote]:
    notes = []
    if whole_number(header, "SamplesPerPixel") != stream.components:
        header.SamplesPerPixel = stream.components
        notes.append(ReadingNote.SAMPLES_BY_PIXELS)
    allocated, stored = whole_number(header, "BitsAllocated"), whole_number(header, "BitsStored")
    needed = 8 if stream.precision <= 8 else 16
    if allocated is None or allocated < needed or allocated % 8:
        stored = None if allocated is not None else stored  # it was counted in the wrong words
        header.BitsAllocated = allocated = needed
        notes.append(ReadingNote.BITS_BY_PIXELS)
    if stored is None or stored > allocated:
        header.BitsStored = stream.precision
        notes.append(ReadingNote.BITS_BY_PIXELS)
    return list(dict.fromkeys(notes))


def _mend_by_length(header: Dataset, pixels: bytes, count: int) -> list[ReadingNote]:
    """By how many bytes there are for `count` pixels."""
    before = tuple(whole_number(header, name) for name in ("BitsAllocated", "BitsStored", "SamplesPerPixel"))
    allocated, stored, samples = before
    colour = header.PhotometricInterpretation in COLOURS

    def fits(each: int) -> bool:
        return len(pixels) in (count * each, count * each + count * each % 2)

    if stored is None:
        high = whole_number(header, "HighBit")
        stored = high + 1 if high else allocated or (8 if fits(3 if colour else 1) else 16)
    if allocated is None:
        allocated = 8 if stored <= 8 else 16
    if samples is None or (samples == 3) != colour:
        stands_for_three = fits(3 * allocated // 8) or (colour and not fits(allocated // 8))
        samples = 3 if stands_for_three else 1
    if samples == 1 and allocated == 16 and stored <= 8 and fits(1):
        allocated = 8
    elif samples == 1 and allocated == 8 and fits(2) and (stored > 8 or not any(pixels[1::2])):
        allocated = 16
    stored = min(stored, allocated)
    header.BitsAllocated, header.BitsStored, header.SamplesPerPixel = allocated, stored, samples
    notes = [ReadingNote.BITS_BY_PIXELS] if before[:2] != (allocated, stored) else []
    return [*notes, ReadingNote.SAMPLES_BY_PIXELS] if before[2] != samples else notes
