"""Commands about a project: what the doctor counts, sizes, files that are read again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fineray.cli.main import main
from fineray.dicom.reading_notes import ReadingNote
from fineray.project.catalogue import image_rows
from fineray.project.project import open_project
from tests.support.images import texture, write_picture


@pytest.fixture
def study(tmp_path: Path) -> str:
    """Two pictures under one UID, a PNG, and a film FOR PROCESSING."""
    films = tmp_path / "films"
    first = write_picture(films / "one", texture(1, 1), "P-1")
    write_picture(films / "two", texture(2, 1), "P-2", SOPInstanceUID=first.SOPInstanceUID)
    write_picture(films / "raw", texture(3, 1), "P-3", PresentationIntentType="FOR PROCESSING")
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(films / "picture.png")
    assert main(["new", str(tmp_path / "study"), "--side", "1024"]) == 0
    return str(tmp_path / "study")


def _said(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_doctor_counts_what_is_to_know_of_images(
    study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _said(capsys, "import", study, str(tmp_path / "films"))["imported"] == 4
    assert _said(capsys, "doctor", study)["warnings"] == {ReadingNote.SHARED_UID: 2, ReadingNote.PICTURE: 1}
    assert main(["doctor", study]) == 0
    assert f"2 images: {ReadingNote.SHARED_UID}" in capsys.readouterr().out


def test_one_form_of_an_exposure_is_chosen(study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = _said(capsys, "import", study, str(tmp_path / "films"), "--intent", "FOR PROCESSING")
    assert (done["imported"], done["skipped"]) == (1, 3)
    with open_project(Path(study)) as project:
        assert [row.presentation_intent for row in image_rows(project)] == ["FOR PROCESSING"]
        assert project.store_side == 1024


def test_files_are_read_again_and_kept_at_another_size(
    study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _said(capsys, "import", study, str(tmp_path / "films"))
    assert _said(capsys, "import", study, str(tmp_path / "films"))["unchanged"] == 4
    assert _said(capsys, "import", study, str(tmp_path / "films"), "--again")["imported"] == 4
    assert _said(capsys, "side", study, "2048") == {"side": 2048, "images": 4, "as_before": 0}
