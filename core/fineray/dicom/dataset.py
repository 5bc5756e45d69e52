"""Bytes -> a pydicom data set, for files that break the rules in the ways that archives really hold."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pydicom
from pydicom import uid
from pydicom.config import IGNORE, settings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError

from fineray.dicom.radiograph import NotARadiograph, UnreadableFile

# What a data set may unfold to: a hundred full-size mammograms. PS3.5 A.5 lets a few kilobytes claim anything.
MAX_INFLATED_BYTES = 1_000_000_000

_READING = threading.Lock()
_within: list[int] = []  # what pydicom did before, of each reader under way


@contextmanager
def as_they_stand() -> Iterator[None]:
    """Within, pydicom reads values that break the standard as they stand, as archives hold them, and does not warn: a
    warning may quote a name. Several threads may be within at once; after the last, pydicom does as before."""
    with _READING:
        _within.append(settings.reading_validation_mode)
        settings.reading_validation_mode = IGNORE
    try:
        yield
    finally:
        with _READING:
            before = _within[0]
            _within.pop()
            if not _within:
                settings.reading_validation_mode = before


def parse(data: bytes) -> Dataset:
    """The data set in a file's bytes; its file_meta always holds a TransferSyntaxUID.

    Without a preamble it is read from its first byte; without a transfer syntax as what it looks like.
    Raises NotARadiograph where the bytes are no DICOM, UnreadableFile where they break off.
    """
    try:
        if data[128:132] == b"DICM":
            _refuse_inflating_bomb(data)
            ds: Dataset = pydicom.dcmread(BytesIO(data))
        else:
            ds = _without_preamble(data)
    except InvalidDicomError as error:
        raise _not_dicom() from error
    except (NotARadiograph, UnreadableFile, MemoryError):
        raise
    except Exception as error:
        raise UnreadableFile(
            "The file starts like DICOM but cannot be read to its end",
            todo="It may be damaged or cut short; export it again from the archive.",
        ) from error
    if "TransferSyntaxUID" not in ds.file_meta:
        implicit, little = ds.original_encoding
        explicit = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
        ds.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else explicit
    return ds


def _without_preamble(data: bytes) -> Dataset:
    """A data set that starts at its first byte, with group 0002 or 0008 in either byte order."""
    if len(data) < 8 or not {struct.unpack("<H", data[:2])[0], struct.unpack(">H", data[:2])[0]} & {0x0002, 0x0008}:
        raise _not_dicom()
    try:
        ds = pydicom.dcmread(BytesIO(data), force=True)
        known = "SOPClassUID" in ds or "PixelData" in ds
    except Exception as error:
        raise _not_dicom() from error
    if not known:
        raise _not_dicom()
    if not hasattr(ds, "file_meta"):
        ds.file_meta = FileMetaDataset()
    return ds


def _refuse_inflating_bomb(data: bytes) -> None:
    if uid.DeflatedExplicitVRLittleEndian.encode() not in data[132:1024]:
        return
    stream = BytesIO(data)
    meta = pydicom.filereader.read_preamble(stream, force=False) and pydicom.filereader._read_file_meta_info(stream)
    if not meta or meta.get("TransferSyntaxUID") != uid.DeflatedExplicitVRLittleEndian:
        return
    unfolding, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    packed = stream.read()
    while packed and size <= MAX_INFLATED_BYTES:
        size += len(unfolding.decompress(packed, 1 << 24))
        packed = unfolding.unconsumed_tail
    if size > MAX_INFLATED_BYTES:
        raise UnreadableFile(
            "Unpacked, the file would be far larger than any X-ray", todo="It may be hostile; leave it out."
        )


def _not_dicom() -> NotARadiograph:
    return NotARadiograph("Not a DICOM file", todo="Nothing to do; the file was left alone.")
