"""What an export of de-identified images keeps and blanks, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Dates = Literal["shifted", "removed"]


@dataclass(frozen=True)
class ExportOptions:
    """dates, keep_device: options of the profile (fineray.dicom.deidentify); find_text: blank letters found in the
    pixels, beside the regions drawn by hand; key_file, passphrase: where to keep the way back, nowhere if None."""

    dates: Dates = "shifted"
    keep_device: bool = False
    find_text: bool = True
    key_file: Path | None = None
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True)
class ExportSummary:
    """images: files written; blanked: those with blanked regions; held_back: reason -> images not written."""

    images: int
    blanked: int
    held_back: dict[str, int]
