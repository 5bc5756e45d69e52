"""ZIP archives and pictures: read in place, bounded, with a warning on what is lost."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook
from PIL import Image

from fineray.dicom.archive import members, read_member
from fineray.dicom.location import FileLocation
from fineray.dicom.radiograph import NotARadiograph, UnreadableFile
from fineray.dicom.read import read_radiograph, read_radiographs
from fineray.dicom.reading_notes import ReadingNote
from fineray.dicom.scan import find_files
from fineray.dicom.shades import shades_8bit
from tests.support.images import write_image

RAMP = (np.arange(48 * 40) % 256).reshape(48, 40).astype(np.uint8)


def _zip(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_members_of_an_archive_are_found_and_read_in_place(tmp_path: Path) -> None:
    write_image(tmp_path / "image", patient="A")
    data = (tmp_path / "image").read_bytes()
    folder = tmp_path / "in"
    folder.mkdir()
    _zip(folder / "export.ZIP", {"ward/../../etc/image": data, "b/image": data, "b/": b""})
    found = find_files([folder])
    assert [file.location.member for file in found] == ["b/image", "ward/../../etc/image"]
    assert read_radiograph(found[0].location).identity.patient_id == "A"
    assert read_radiograph(found[1].location).identity.patient_id == "A"
    assert {path.name for path in tmp_path.iterdir()} == {"image", "in"}, "nothing is unpacked anywhere"
    assert str(found[0].location).endswith("export.ZIP/b/image")


def test_bombs_locks_and_damage_are_refused(tmp_path: Path) -> None:
    bomb = _zip(tmp_path / "bomb.zip", {"x": bytes(80_000_000)})
    with pytest.raises(UnreadableFile, match="far larger"):
        read_member(bomb, "x")
    liar = bytearray(_zip(tmp_path / "liar.zip", {"x": bytes(range(256)) * 40}).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = liar.index(signature) + offset
        liar[place : place + 4] = struct.pack("<I", 100)
    (tmp_path / "liar.zip").write_bytes(liar)
    with pytest.raises(UnreadableFile):
        read_member(tmp_path / "liar.zip", "x")
    locked = bytearray(_zip(tmp_path / "locked.zip", {"x": b"secret"}).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(signature) + offset] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(UnreadableFile, match="password"):
        read_member(tmp_path / "locked.zip", "x")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(bomb.read_bytes()[:1000])
    with pytest.raises(UnreadableFile, match="damaged"):
        members(broken)
    (listed,) = find_files([broken])
    assert listed.location == FileLocation(broken)
    with pytest.raises(UnreadableFile, match="archive that is damaged"):
        read_radiograph(listed.location)
    nested = _zip(tmp_path / "nested.zip", {"inner.zip": bomb.read_bytes()})
    with pytest.raises(UnreadableFile, match="inside another one"):
        read_radiograph(FileLocation(nested, "inner.zip"))


def test_a_dicomdir_stands_for_its_folder(tmp_path: Path) -> None:
    write_image(tmp_path / "CD/IMAGES/A1", patient="A")
    (tmp_path / "CD/DICOMDIR").write_bytes(b"index")
    write_image(tmp_path / "elsewhere", patient="B")
    found = {file.location.path.name for file in find_files([tmp_path / "CD/DICOMDIR"])}
    assert found == {"DICOMDIR", "A1"}


def _picture(tmp_path: Path, image: Image.Image, name: str, **more: object) -> FileLocation:
    image.save(tmp_path / name, **more)
    return FileLocation(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp.png"])
def test_lossless_pictures_keep_their_shades(tmp_path: Path, name: str) -> None:
    read = read_radiograph(_picture(tmp_path, Image.fromarray(RAMP), name))
    np.testing.assert_array_equal(shades_8bit(read.image), RAMP)
    assert read.warnings == (ReadingNote.PICTURE,)
    assert read.identity.patient_id == ""
    rgb = Image.fromarray(np.stack([RAMP] * 3, axis=2))
    np.testing.assert_array_equal(shades_8bit(read_radiograph(_picture(tmp_path, rgb, name)).image), RAMP)


def test_jpeg_and_16_bit_pictures(tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    read = read_radiograph(_picture(tmp_path, Image.fromarray(smooth), "a.jpg", quality=95))
    assert np.abs(shades_8bit(read.image).astype(int) - smooth).max() < 10
    deep = np.linspace(100, 60_000, 64 * 64).reshape(64, 64).astype(np.uint16)
    for name in ("d.png", "d.tif"):
        read = read_radiograph(_picture(tmp_path, Image.fromarray(deep), name))
        assert read.attributes.bits_stored == 16
        np.testing.assert_array_equal(read.image.index, deep)


def test_a_16_bit_tiff_with_white_for_zero_is_inverted(tmp_path: Path) -> None:
    deep = np.linspace(0, 60_000, 64 * 64).reshape(64, 64).astype(np.uint16)
    plain = read_radiograph(_picture(tmp_path, Image.fromarray(deep), "p.tif"))
    white = read_radiograph(_picture(tmp_path, Image.fromarray(deep), "w.tif", tiffinfo={262: 0}))
    assert white.attributes.photometric == "MONOCHROME1"
    np.testing.assert_allclose(shades_8bit(white.image), 255 - shades_8bit(plain.image).astype(int), atol=1)


def test_pictures_that_are_no_gray_images_are_refused(tmp_path: Path) -> None:
    colour = np.stack([RAMP, RAMP[::-1], RAMP], axis=2)
    with pytest.raises(NotARadiograph, match="in colour"):
        read_radiograph(_picture(tmp_path, Image.fromarray(colour), "c.png"))
    pages = [Image.fromarray(RAMP)] * 2
    with pytest.raises(NotARadiograph, match="several pages"):
        read_radiograph(_picture(tmp_path, pages[0], "p.tif", save_all=True, append_images=pages[1:]))
    whole = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40), np.uint8)).save(whole, "PNG")
    (tmp_path / "cut.png").write_bytes(whole.getvalue()[:600])
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read_radiograph(FileLocation(tmp_path / "cut.png"))
    header = struct.pack(">IIBBBBB", 65_535, 65_535, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    with pytest.raises(UnreadableFile):
        read_radiograph(FileLocation(tmp_path / "huge.png"))


def test_a_spreadsheet_among_the_files_is_no_damaged_archive(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["file", "label"])
    book.save(tmp_path / "labels.xlsx")
    with zipfile.ZipFile(tmp_path / "labels.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    for name in ("labels.xlsx", "labels.ods"):
        with pytest.raises(NotARadiograph, match="office document"):
            read_radiographs(tmp_path / name)
