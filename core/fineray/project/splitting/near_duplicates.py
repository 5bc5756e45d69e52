"""The same picture twice: re-encoded, resized, re-windowed, turned, mirrored or inverted copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fineray.project.catalogue import LabelledImage
from fineray.project.files.fingerprint import KEPT, small_square
from fineray.project.project import Project

# Measured on 701 chest images of 469 patients: images of different patients reach 0.978 and 0.78; copies through JPEG,
# halving, noise, gamma 0.7 or contrast 1.3 keep at least 0.988 and 0.95. Cropped or slightly tilted copies are missed.
CANDIDATE, CONFIRMED = 0.97, 0.92
BLOCK, LOOK = 1024, 64


@dataclass(frozen=True)
class NearDuplicate:
    """Two images (ids, first < second) that show one picture. similarity: 0..1; changed: how the copy was turned."""

    first: int
    second: int
    similarity: float
    changed: str


# Name, whether rows and columns change places, the sign of odd rows and of odd columns, and the same done to pixels.
_Turn = Callable[[NDArray[np.float64]], NDArray[np.float64]]
_TURNS: tuple[tuple[str, bool, int, int, _Turn], ...] = (
    ("", False, 1, 1, lambda image: image),
    ("mirrored", False, 1, -1, lambda image: image[:, ::-1]),
    ("upside down and mirrored", False, -1, 1, lambda image: image[::-1]),
    ("turned by 180°", False, -1, -1, lambda image: image[::-1, ::-1]),
    ("transposed", True, 1, 1, lambda image: image.T),
    ("turned by 90°", True, 1, -1, lambda image: image.T[:, ::-1]),
    ("turned by 270°", True, -1, 1, lambda image: image.T[::-1]),
    ("transposed and turned by 180°", True, -1, -1, lambda image: image.T[::-1, ::-1]),
)


def near_duplicates(
    project: Project, images: Sequence[LabelledImage], check: Callable[[], None] = lambda: None
) -> list[NearDuplicate]:
    """Every pair among the images; check() is called often and may raise to stop.

    Candidates by the cosine between their low frequencies (files.fingerprint), confirmed on the pixels with
    the coarse anatomy, which all images of a kind share, filtered out.
    """
    if not images:
        return []
    frequencies = _frequencies(project, images)
    look = _looked_at(project, images)
    base = _unit(frequencies)
    found: dict[tuple[int, int], NearDuplicate] = {}
    for name, others, turn in _each_turned(frequencies):
        for start in range(0, len(images), BLOCK):
            check()
            cosine = base[start : start + BLOCK] @ others.T
            for row, column in np.argwhere(np.abs(cosine) >= CANDIDATE).tolist():
                one, two = start + row, column
                key = (min(images[one].id, images[two].id), max(images[one].id, images[two].id))
                if one >= two or key in found:
                    continue
                agreement = float((look(one) * turn(look(two))).sum())
                if abs(agreement) >= CONFIRMED:
                    words = [name] if name else []
                    words += ["inverted"] if agreement < 0 else []
                    found[key] = NearDuplicate(*key, min(1.0, abs(agreement)), " and ".join(words))
    return sorted(found.values(), key=lambda pair: (pair.first, pair.second))


def copies_between(
    new: Project,
    images: Sequence[LabelledImage],
    known: Project,
    others: Sequence[LabelledImage],
    check: Callable[[], None] = lambda: None,
) -> set[int]:
    """Ids of the images of one project that show a picture of another project's, turned or not."""
    if not images or not others:
        return set()
    base = _unit(_frequencies(known, others))
    ours, theirs = _looked_at(new, images), _looked_at(known, others)
    found: set[int] = set()
    for _, turned, turn in _each_turned(_frequencies(new, images)):
        check()
        for one, two in np.argwhere(np.abs(turned @ base.T) >= CANDIDATE).tolist():
            if images[one].id not in found and abs(float((turn(ours(one)) * theirs(two)).sum())) >= CONFIRMED:
                found.add(images[one].id)
    return found


def same_picture(one: NDArray[np.uint8], two: NDArray[np.uint8]) -> bool:
    """Whether two stored images show one picture: re-encoded, resized or re-windowed, neither cropped nor turned."""
    return abs(float((_fine_structure(one) * _fine_structure(two)).sum())) >= CONFIRMED


def _each_turned(frequencies: NDArray[np.float32]) -> Iterator[tuple[str, NDArray[np.float32], _Turn]]:
    """(how images were turned, their low frequencies then, the same done to pixels)."""
    for name, transposed, odd_rows, odd_columns, turn in _TURNS:
        turned = frequencies.transpose(0, 2, 1) if transposed else frequencies
        signs = np.where(np.arange(KEPT) % 2, odd_rows, 1)[:, None] * np.where(np.arange(KEPT) % 2, odd_columns, 1)
        yield name, _unit(turned * signs), turn


def _looked_at(project: Project, images: Sequence[LabelledImage]) -> Callable[[int], NDArray[np.float64]]:
    """Gives the fine structure of an image by its place in the list; each is worked out once."""
    return cache(lambda place: _fine_structure(project.pixels.read(images[place].stored_at)))


def _frequencies(project: Project, images: Sequence[LabelledImage]) -> NDArray[np.float32]:
    held = dict(project.db.execute("SELECT id, fingerprint FROM image"))
    missing = bytes(2 * KEPT * KEPT)  # images of the first project format have none and are like nothing
    rows = [np.frombuffer(held[image.id] or missing, dtype="<f2") for image in images]
    return np.stack(rows).astype(np.float32).reshape(-1, KEPT, KEPT)


def _unit(frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the mean shade, and of length 1: brightness and contrast do not count."""
    flat = frequencies.reshape(len(frequencies), -1)[:, 1:]
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(flat, length, out=np.zeros_like(flat), where=length > 0)
    return unit


def _fine_structure(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    small = small_square(pixels, LOOK)
    fine = small - gaussian_filter(small, 3)
    length = float(np.linalg.norm(fine))
    return np.asarray(fine / length if length > 0 else fine)
