"""Every file below the chosen folders is found once, whatever its name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fineray.dicom.scan import FolderMissing, find_files


def test_files_are_found_recursively_once(tmp_path: Path) -> None:
    for name in ("a", "sub/b.dcm", "sub/deep/ü 1", "sub/.hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    found = find_files([tmp_path, tmp_path / "sub"])
    assert [file.location.path.relative_to(tmp_path).as_posix() for file in found] == [
        "a",
        "sub/.hidden",
        "sub/b.dcm",
        "sub/deep/ü 1",
    ]
    assert {file.size for file in found} == {5}


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderMissing) as caught:
        find_files([tmp_path / "gone"])
    assert "gone" in caught.value.where


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_in_a_circle_ends(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/image").write_bytes(b"1")
    (tmp_path / "sub/up").symlink_to(tmp_path)
    assert len(find_files([tmp_path])) == 1
