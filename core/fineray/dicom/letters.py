"""Letters burned into an image, found by their shape alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

# A letter at the size at which images are stored (longest side 512).
LETTER_HEIGHT, LETTER_WIDTH, LETTERS_IN_A_ROW = (6, 36), (2, 32), 4


@dataclass(frozen=True)
class Region:
    """A rectangle of an image, its edges as shares of the image's height (y) and width (x), 0 to 1."""

    y0: float
    x0: float
    y1: float
    x1: float


def has_text(pixels: NDArray[np.uint8]) -> bool:
    """Whether letters seem to be burned in: small pure white or black shapes of one height, several in a line.

    A side marker of one or two letters does not count; it belongs to the image.
    """
    return bool(text_lines(pixels))


def text_lines(pixels: NDArray[np.uint8]) -> list[Region]:
    """Where lines of letters seem to be burned into an image [rows, columns] of shades, with a letter's room around."""
    # Thick letters are pure white; thin ones, smoothed when the image was made smaller, are not quite.
    inks = ((250, LETTERS_IN_A_ROW), (190, LETTERS_IN_A_ROW + 1))
    return [
        found
        for shade in (pixels, 255 - pixels)
        for ink, least in inks
        for found in _rows_of_letters(shade >= ink, least)
    ]


def _rows_of_letters(ink: NDArray[np.bool_], least: int) -> list[Region]:
    shapes, count = label(ink, structure=np.ones((3, 3)))
    if not 0 < count < 20_000:
        return []
    sizes = np.bincount(shapes.ravel(), minlength=count + 1)
    boxes: list[tuple[int, int, int, int]] = []  # bottom, left, height, width
    for number, place in enumerate(find_objects(shapes), start=1):
        height, width = place[0].stop - place[0].start, place[1].stop - place[1].start
        fits = LETTER_HEIGHT[0] <= height <= LETTER_HEIGHT[1] and LETTER_WIDTH[0] <= width <= LETTER_WIDTH[1]
        # Strokes fill part of their box; specks of noise and filled blobs do not look like that.
        if fits and 0.15 <= sizes[number] / (height * width) <= 0.9:
            boxes.append((place[0].stop, place[1].start, height, width))
    boxes.sort()
    found: list[Region] = []
    taken: set[tuple[int, int, int, int]] = set()
    for box in boxes:
        if box in taken:
            continue
        run = _run_from(box, boxes)
        if len(run) >= least:
            taken.update(run)
            found.append(_around(run, ink.shape))
    return found


def _run_from(
    first: tuple[int, int, int, int], boxes: list[tuple[int, int, int, int]]
) -> list[tuple[int, int, int, int]]:
    """The letters that follow one another on its line without a wide gap."""
    bottom, left, height, _ = first
    line = [
        box
        for box in boxes
        if abs(box[0] - bottom) <= max(1, height // 6) and 0.8 <= box[2] / height <= 1.25 and box[1] >= left
    ]
    line.sort(key=lambda box: box[1])
    longest: list[tuple[int, int, int, int]] = []
    run: list[tuple[int, int, int, int]] = []
    for box in line:
        gap = box[1] - (run[-1][1] + run[-1][3]) if run else 0
        run = [*run, box] if not run or -2 <= gap <= 1.5 * height else [box]
        if len(run) > len(longest):
            longest = run
    return longest


def _around(run: list[tuple[int, int, int, int]], shape: tuple[int, ...]) -> Region:
    rows, columns = shape[0], shape[1]
    room = max(box[2] for box in run)
    top = min(box[0] - box[2] for box in run) - room
    bottom = max(box[0] for box in run) + room
    left = min(box[1] for box in run) - 2 * room
    right = max(box[1] + box[3] for box in run) + 2 * room
    return Region(max(0, top) / rows, max(0, left) / columns, min(rows, bottom) / rows, min(columns, right) / columns)
