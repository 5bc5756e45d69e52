"""The user's own folder: nobody else may look into it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fineray.system.user_folder import user_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows keeps a user's folders apart by itself")


def test_it_is_made_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINERAY_HOME", str(tmp_path / "new"))
    assert user_folder().stat().st_mode & 0o777 == 0o700


def test_a_folder_that_somebody_shares_on_purpose_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    (tmp_path / "shared").chmod(0o755)
    monkeypatch.setenv("FINERAY_HOME", str(tmp_path / "shared"))
    assert user_folder().stat().st_mode & 0o777 == 0o755


def test_one_that_an_earlier_version_left_open_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FINERAY_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    user_folder().chmod(0o755)
    assert user_folder().stat().st_mode & 0o777 == 0o700
