"""What is worked out once for each file, in a process of its own: read, present, shrink, hash, store."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fineray.dicom.location import FileLocation
from fineray.dicom.radiograph import (
    Attributes,
    Identity,
    NotARadiograph,
    Radiograph,
    UnreadableFile,
)
from fineray.dicom.read import SeveralFrames, read_radiographs
from fineray.dicom.shades import shades_8bit
from fineray.project.files.fingerprint import fingerprint
from fineray.project.files.options import ImportOptions
from fineray.project.pixel_store import ShardWriter, StoredAt

REDUCING_GAP = 2.0  # times the size aimed at, to which whole pixels are averaged before the filter


@dataclass(frozen=True)
class StoredImage:
    """A radiograph whose pixels lie in the pixel store, ready to be named in the catalogue."""

    stored_at: StoredAt
    content_hash: str
    fingerprint: bytes
    attributes: Attributes
    identity: Identity
    frame: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Rejected:
    """A file that gives no image. status: skipped (not for import) or failed (cannot be read).

    by_choice: other import options might take it, or the file may be there again, so the next import looks at it again.
    """

    status: str
    reason: str
    todo: str
    by_choice: bool = False


Outcome = tuple[StoredImage, ...] | Rejected


def store_file(location: FileLocation, options: ImportOptions, side: int, writer: ShardWriter) -> Outcome:
    """Read one file, shrink its images so that their longest side is at most `side` (never enlarge), write the pixels.

    Raises OSError where the store cannot be written.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns of values that break the standard; they may hold names
            radiographs = read_radiographs(location, options.frames, side)
    except SeveralFrames as error:
        return Rejected("skipped", error.what, error.todo, by_choice=True)
    except NotARadiograph as error:
        return Rejected("skipped", error.what, error.todo)
    except UnreadableFile as error:
        return Rejected("failed", error.what, error.todo)
    except OSError:
        if location.path.is_dir():
            return Rejected("failed", "The folder cannot be opened", "Check that you may read it.", by_choice=True)
        todo = "Check that you may read it and that it still exists, then import the folder again."
        return Rejected("failed", "The file cannot be opened", todo, by_choice=True)
    except MemoryError:
        return Rejected("failed", "The image is too large for this computer's memory", "Export it at a smaller size.")
    objection = options.objection(radiographs[0].attributes)
    if objection is not None:
        return Rejected("skipped", objection, "Import the folder again with other choices to take it.", by_choice=True)
    return tuple(_stored(radiograph, side, writer) for radiograph in radiographs)


def _stored(radiograph: Radiograph, side: int, writer: ShardWriter) -> StoredImage:
    pixels = shrink(shades_8bit(radiograph.image), side)
    return StoredImage(
        writer.append(pixels),
        content_hash(pixels),
        fingerprint(pixels),
        radiograph.attributes,
        radiograph.identity,
        radiograph.frame,
        radiograph.warnings,
    )


def shrink(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The image with its longest side at most `side`, aspect kept, each new pixel an average of old ones."""
    rows, columns = pixels.shape
    scale = side / max(rows, columns)
    if scale >= 1:
        return pixels
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP))


def content_hash(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of size and pixels, in hex: equal exactly where the stored images are equal."""
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
