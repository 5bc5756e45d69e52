"""From stored values to shades: modality LUT, VOI, presentation LUT (DICOM PS3.4 annex N, PS3.3 C.11)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from fineray.dicom.radiograph import GrayImage, VoiSource, Window

# Without a window of its own an image is shown between these percentiles of its values, so that a few
# burnt or dead pixels do not set the contrast.
ROBUST_PERCENTILES = (0.5, 99.5)
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


def gray_image(ds: Dataset, stored: NDArray[np.integer]) -> tuple[GrayImage, VoiSource]:
    """Modality LUT, then the VOI that the file states (a LUT before a window), then polarity.

    stored: [rows, columns] integers. A file without a usable VOI gets a robust percentile window.
    """
    padding = _padding_mask(ds, stored)
    lowest, highest = int(stored.min()), int(stored.max())
    index = (stored - lowest).astype(np.uint16) if lowest else stored.astype(np.uint16, copy=False)
    table = apply_modality_lut(np.arange(lowest, highest + 1), ds)
    window: Window | None = None
    source: VoiSource = "percentile"
    if _has_voi_lut(ds):
        table = apply_voi(np.round(table).astype(np.int32), ds)
        bits = int(ds.VOILUTSequence[0].LUTDescriptor[2])
        window, source = Window(2.0 ** (bits - 1), 2.0**bits), "VOI LUT"
    else:
        window = _stated_window(ds)
        if window is not None:
            source = "window"
    values = table.astype(np.float32)
    if window is None:
        window = percentile_window(values[index if padding is None else index[~padding]])
    return GrayImage(index, values, window, is_inverted(ds), padding), source


def is_inverted(ds: Dataset) -> bool:
    """Whether small values are white: MONOCHROME1 (PS3.3 C.7.6.3.1.2) or Presentation LUT Shape INVERSE.

    The two are one statement, not two inversions: a DX image with MONOCHROME1 has to carry INVERSE (C.8.11.3).
    """
    return bool(ds.PhotometricInterpretation == "MONOCHROME1" or ds.get("PresentationLUTShape") == "INVERSE")


def percentile_window(values: NDArray[np.float32]) -> Window:
    """A LINEAR_EXACT window between the robust percentiles; a constant image gets a width of 1."""
    if values.size == 0:
        return Window(0.5, 1.0, "LINEAR_EXACT")
    low, high = np.percentile(values, ROBUST_PERCENTILES)
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return Window((low + high) / 2, max(high - low, 1.0), "LINEAR_EXACT")


def _stated_window(ds: Dataset) -> Window | None:
    try:
        centers, widths = ds.get("WindowCenter"), ds.get("WindowWidth")
        if centers is None or widths is None:
            return None
        center = float(centers[0] if hasattr(centers, "__len__") and not isinstance(centers, str) else centers)
        width = float(widths[0] if hasattr(widths, "__len__") and not isinstance(widths, str) else widths)
    except (TypeError, ValueError, IndexError):
        return None
    function = str(ds.get("VOILUTFunction") or "LINEAR").upper()
    if function not in _FUNCTIONS or not np.isfinite([center, width]).all():
        return None
    if width < 1 if function == "LINEAR" else width <= 0:
        return None
    return Window(center, width, function)  # type: ignore[arg-type]


def _has_voi_lut(ds: Dataset) -> bool:
    tables = ds.get("VOILUTSequence")
    return bool(tables) and "LUTDescriptor" in tables[0] and bool(tables[0].get("LUTData"))


def _padding_mask(ds: Dataset, stored: NDArray[np.integer]) -> NDArray[np.bool_] | None:
    """Pixels at Pixel Padding Value, or between it and the range limit (PS3.3 C.7.5.1.1.2)."""
    value = ds.get("PixelPaddingValue")
    if value is None:
        return None
    limit = ds.get("PixelPaddingRangeLimit", value)
    if not isinstance(value, int) or not isinstance(limit, int):
        return None
    mask = (stored >= min(value, limit)) & (stored <= max(value, limit))
    # A file whose every pixel is "padding" states it wrongly; showing nothing would help nobody.
    return mask if mask.any() and not mask.all() else None
