"""The Radiograph: pixels in presentation order and the attributes that a study may keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fineray.errors import FinerayError

FrameChoice = Literal["none", "first", "middle", "all"]  # of files that hold several
VoiSource = Literal["VOI LUT", "window", "percentile"]


class NotARadiograph(FinerayError):
    """The file is sound but is not for import (no image, another modality, colour): it is skipped."""


class UnreadableFile(FinerayError):
    """The file should hold a radiograph and cannot be read: it has failed."""


@dataclass(frozen=True)
class Identity:
    """What names a patient, an object or a place. Lives in memory only; projects keep keyed hashes.

    study_date as in the file (YYYYMMDD); projects keep it shifted. issuer_of_patient_id: who gave the Patient ID
    (0010,0021), or the universal entity ID of its qualifiers (0010,0024), so that equal numbers of two hospitals can be
    told apart.
    """

    patient_id: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    station_name: str = ""
    institution_name: str = ""
    study_date: str = ""
    accession_number: str = ""
    issuer_of_patient_id: str = ""


@dataclass(frozen=True)
class Attributes:
    """Attributes that name nobody. Empty text and None mean that the file does not say.

    presentation_intent: "FOR PRESENTATION" or "FOR PROCESSING" (0008,0068), by SOP class where that is blank.
    """

    modality: str
    body_part: str
    view_position: str
    laterality: str
    sex: str
    age_years: float | None
    manufacturer: str
    model: str
    rows: int
    columns: int
    bits_stored: int
    photometric: str
    transfer_syntax: str
    voi_source: VoiSource
    pixel_spacing_mm: tuple[float, float] | None
    burned_in: str
    presentation_intent: str = ""


@dataclass(frozen=True)
class Window:
    """A VOI window of DICOM PS3.3 C.11.2.1.2; width > 0, in units of the modality LUT's output."""

    center: float
    width: float
    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"] = "LINEAR"


@dataclass(frozen=True)
class GrayImage:
    """A grayscale image as an index into the values that occur.

    Everything up to the screen is a function of the stored value alone, so it is worked out once a value and not
    once a pixel. index: [rows, columns]; table: the value after the modality LUT (and the VOI LUT table if there
    is one) for each index. `window` maps values to shades; `inverted` says that small values are shown white;
    `padding` marks pixels outside the exposed image (always shown black), or is None.
    """

    index: NDArray[np.uint16]
    table: NDArray[np.float32]
    window: Window
    inverted: bool
    padding: NDArray[np.bool_] | None = None

    @staticmethod
    def of_shades(shades: NDArray[np.uint8]) -> GrayImage:
        """Shades that are worked out already, 0 black to 255 white, as an image that shows them as they are."""
        table = np.arange(256, dtype=np.float32)
        return GrayImage(shades.astype(np.uint16), table, Window(127.5, 255.0, "LINEAR_EXACT"), inverted=False)

    @property
    def values(self) -> NDArray[np.float32]:
        """The values [rows, columns] that the window applies to."""
        return self.table[self.index]


@dataclass(frozen=True)
class Radiograph:
    """One image as read from one file, before anything is stored of it.

    Attributes
    ----------
    image : GrayImage
        The pixels [rows, columns] and how their values become shades (DICOM PS3.3 C.11).
    attributes : Attributes
        What the file says of the image, and names nobody: view position, age in years, pixel spacing in mm.
    identity : Identity
        What names a patient, an object or a place (PS3.3 C.7.1.1, C.7.2.1, C.12.1). It stays in memory.
    frame : int
        The number of the image in its file, from 1.
    warnings : tuple of str
        What to know of the file, a sentence each (fineray.dicom.reading_notes.ReadingNote).

    Examples
    --------
    >>> import fineray
    >>> radiograph = fineray.read_radiograph("images/SYNTHETIC-002/image-1.dcm")
    >>> radiograph.identity.patient_id, radiograph.attributes.modality, radiograph.warnings
    ('SYNTHETIC-002', 'DX', ())
    """

    image: GrayImage
    attributes: Attributes
    identity: Identity
    frame: int = 1
    warnings: tuple[str, ...] = ()
