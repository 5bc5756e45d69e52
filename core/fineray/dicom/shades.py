"""From values to shades: the window and the polarity of a GrayImage (DICOM PS3.3 C.11.2, C.11.6)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fineray.dicom.radiograph import GrayImage, Window

BLOCK = 1 << 16  # pixels
Shade = TypeVar("Shade", bound=np.generic)


def shades(image: GrayImage, window: Window | None = None) -> NDArray[np.float32]:
    """Work out what a screen shows of an image.

    Parameters
    ----------
    image : GrayImage
        The `image` of a Radiograph.
    window : Window, optional
        In place of the image's own, center and width in units of the modality LUT's output.

    Returns
    -------
    ndarray of float32 [rows, columns]
        P-values (DICOM PS3.14) from 0, black, to 1, white. Pixels outside the exposed field are 0.

    Notes
    -----
    Window functions by DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3, polarity by C.11.6.

    Examples
    --------
    >>> import fineray
    >>> radiograph = fineray.read_radiograph("images/SYNTHETIC-001/image-1.dcm")
    >>> shown = fineray.shades(radiograph.image)
    >>> shown.shape, shown.dtype.name, bool(shown.min() >= 0 and shown.max() <= 1)
    ((400, 360), 'float32', True)
    """
    shown = _of_each(_shade_table(image, window), image.index)
    if image.padding is not None:
        shown[image.padding] = 0
    return shown


def shades_8bit(image: GrayImage, window: Window | None = None) -> NDArray[np.uint8]:
    """The same, rounded to 0..255."""
    shown = _of_each(np.round(_shade_table(image, window) * 255).astype(np.uint8), image.index)
    if image.padding is not None:
        shown[image.padding] = 0
    return shown


def _of_each(table: NDArray[Shade], index: NDArray[np.uint16]) -> NDArray[Shade]:
    """table[index], a few rows at a time: numpy makes 8 bytes of each place, which should stay within the cache."""
    shown = np.empty(index.shape, table.dtype)
    rows = max(1, BLOCK // max(1, index.shape[1]))
    for first in range(0, len(index), rows):
        np.take(table, index[first : first + rows], out=shown[first : first + rows], mode="clip")
    return shown


def _shade_table(image: GrayImage, window: Window | None) -> NDArray[np.float32]:
    shade = apply_window(image.table, window or image.window)
    return np.float32(1) - shade if image.inverted else shade


def apply_window(values: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    """PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT), scaled to 0..1."""
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        with np.errstate(over="ignore"):
            shaded: NDArray[np.float32] = 1 / (1 + np.exp(-4 * (values - np.float32(center)) / np.float32(width)))
            return shaded
    if window.function == "LINEAR":
        center, width = center - 0.5, width - 1
    if width <= 0:  # LINEAR with a width of 1 is a threshold
        return (values > center).astype(np.float32)
    scaled: NDArray[np.float32] = (values - np.float32(center)) / np.float32(width) + np.float32(0.5)
    return np.clip(scaled, 0, 1, out=scaled)
