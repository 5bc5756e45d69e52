"""What is worked out once for each file, in a process of its own: read, present, shrink, hash, store."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.dicom.radiograph import Attributes, Identity, NotARadiograph, UnreadableFile
from core.dicom.read import read_radiograph
from core.dicom.shades import shades_8bit
from core.project.pixel_store import ShardWriter, StoredAt


@dataclass(frozen=True)
class Prepared:
    """A radiograph whose pixels lie in the pixel store, ready to be named in the catalogue."""

    stored_at: StoredAt
    content_hash: str
    attributes: Attributes
    identity: Identity


@dataclass(frozen=True)
class Rejected:
    """A file that gives no image. status: skipped (not for import) or failed (cannot be read)."""

    status: str
    reason: str
    todo: str


def prepare(path: Path, side: int, writer: ShardWriter) -> Prepared | Rejected:
    """Read one file, shrink it so that its longest side is at most `side` (never enlarge), write its pixels.

    Raises OSError where the store cannot be written.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns of values that break the standard; they may hold names
            radiograph = read_radiograph(path)
    except NotARadiograph as error:
        return Rejected("skipped", error.what, error.todo)
    except UnreadableFile as error:
        return Rejected("failed", error.what, error.todo)
    except OSError:
        return Rejected("failed", "The file cannot be opened", "Check that you may read it and that it still exists.")
    except MemoryError:
        return Rejected("failed", "The image is too large for this computer's memory", "Export it at a smaller size.")
    pixels = shrink(shades_8bit(radiograph.image), side)
    return Prepared(writer.append(pixels), content_hash(pixels), radiograph.attributes, radiograph.identity)


def shrink(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The image with its longest side at most `side`, aspect kept, each new pixel an average of old ones."""
    rows, columns = pixels.shape
    scale = side / max(rows, columns)
    if scale >= 1:
        return pixels
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))


def content_hash(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of size and pixels, in hex: equal exactly where the stored images are equal."""
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
