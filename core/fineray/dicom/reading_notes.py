"""What there is to know of a file that was read all the same: a fixed vocabulary that can be counted and filtered.

No note repeats anything of a header, which may hold a name.
"""

from __future__ import annotations

from enum import StrEnum


class ReadingNote(StrEnum):
    """A kind of note; its value is the sentence that is stored and shown."""

    PICTURE = "A picture, not DICOM: it names no patient, view, pixel spacing or window"
    TURNED_UPRIGHT = "The picture was turned as its EXIF orientation says"
    THUMBNAIL_LEFT_OUT = "The picture holds smaller copies of itself: the largest page was read"
    OTHER_SYNTAX = "The pixels have another transfer syntax than the file states: read as what they are"
    MODALITY_BY_CLASS = "The modality is none of X-rays, the object class is: read as an X-ray"
    UNSIGNED_ASSUMED = "The header does not say whether pixels are signed: taken as unsigned"
    SAMPLES_BY_PIXELS = "Samples per Pixel is missing or does not fit: taken from the pixels"
    BITS_BY_PIXELS = "Bits Allocated, Bits Stored or High Bit do not fit the pixels: taken from the pixels"
    SIGN_BY_PIXELS = "Header and pixels disagree on the sign: the reading without jumps was taken"
    GRAY_IN_COLOUR = "A gray image stored in colour: read as gray"
    RESCALE_IGNORED = "The rescale slope is 0 or no usable number: stored values were taken"
    MODALITY_LUT_IGNORED = "The modality LUT is incomplete: stored values were taken"
    LUT_MENDED = "A lookup table's length, first value or depth does not fit its data: taken from the data"
    VOI_LUT_UNUSABLE = "The VOI LUT is incomplete: it was not used"
    VOI_LUT_OUTSIDE = "The VOI LUT lies outside the values: it was not used"
    WINDOW_UNUSABLE = "The window has no usable center, width or function: it was not used"
    WINDOW_OUTSIDE = "The window lies outside the values: a percentile window was used"
    SHARED_UID = "Another picture has the same SOP Instance UID: both are kept"
    OF_ANOTHER = "Another file of the same picture states another patient"
    PADDING_IGNORED = "The padding range covers the image itself: it was not used"


def kind_of(sentence: str) -> ReadingNote | None:
    """The kind of a stored sentence, None for one of another version."""
    try:
        return ReadingNote(sentence)
    except ValueError:
        return None
