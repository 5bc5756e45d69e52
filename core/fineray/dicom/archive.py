"""ZIP archives of X-rays, read in place: nothing is unpacked to the disk, and no bomb is unpacked at all."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from fineray.dicom.radiograph import UnreadableFile

MAX_MEMBERS = 200_000
MAX_MEMBER_BYTES = 1_000_000_000
# The best that deflate can do is 1,030 to 1; real pixels reach 3 to 1, a blank image some hundreds to 1.
BOMB_RATIO, BOMB_BYTES = 300, 50_000_000


def is_archive(path: Path) -> bool:
    """Whether the file starts and ends like a ZIP archive."""
    try:
        with path.open("rb") as stream:
            if stream.read(4) != b"PK\x03\x04":
                return False
        return zipfile.is_zipfile(path)
    except OSError:
        return False


def members(path: Path) -> list[tuple[str, int]]:
    """(name, size in bytes) of each file in the archive, in its order. Raises UnreadableFile."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile(
            "The archive is damaged", where=str(path), todo="Export or copy it again, or unpack it yourself."
        ) from error
    if len(entries) > MAX_MEMBERS:
        raise UnreadableFile(
            f"The archive claims {len(entries):,} files, more than any study has",
            where=str(path),
            todo="Unpack it yourself if you trust it, and import the folder.",
        )
    return [(entry.filename, entry.file_size) for entry in entries]


def read_member(path: Path, name: str) -> bytes:
    """The bytes of one member. Raises UnreadableFile for a bomb, a password, or damage."""
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(name)
            if entry.flag_bits & 1:
                raise UnreadableFile(
                    "The archive is locked with a password", todo="Unpack it yourself, and import the folder."
                )
            _refuse_bomb(entry.file_size, entry.compress_size)
            with archive.open(entry) as stream:
                # A header may lie about the size: no more than it claims is ever unpacked.
                data = stream.read(entry.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        raise UnreadableFile(
            "The file is damaged inside its archive", todo="Export or copy the archive again."
        ) from error
    if len(data) > entry.file_size:
        raise _bomb()
    return data


def _refuse_bomb(size: int, packed: int) -> None:
    if size > MAX_MEMBER_BYTES or (size > BOMB_BYTES and size > BOMB_RATIO * max(packed, 1)):
        raise _bomb()


def _bomb() -> UnreadableFile:
    return UnreadableFile(
        "Unpacked, the file would be far larger than any X-ray", todo="It may be hostile; leave it out."
    )
