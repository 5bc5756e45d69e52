"""From a stored image to a backbone's input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Part of every feature's key: change it whenever to_input() gives other pixels.
PREPROCESSING = "whole image, aspect kept, black border, bicubic; v1"


def to_input(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The whole image [rows, columns] on a black square [side, side], aspect kept.

    Nothing is cropped: on an X-ray the finding may lie at the edge.
    """
    rows, columns = image.shape
    scale = side / max(rows, columns)
    height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    square = np.zeros((side, side), dtype=np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = np.asarray(resized)
    return square
