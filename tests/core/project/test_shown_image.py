"""The viewer is shown the file where it is still that image, and what was stored of it otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fineray.dicom.shades import shades
from fineray.project.catalogue import source_of
from fineray.project.files.importing import import_folders
from fineray.project.project import Project
from fineray.project.shown_image import shown_image


@pytest.fixture
def file(project: Project, images: Callable[..., Path]) -> Path:
    """That of image 1."""
    import_folders(project, [images()])
    source = source_of(project, 1)
    assert source is not None
    return source[0].path


def test_from_the_file_at_full_depth(project: Project, file: Path) -> None:
    shown = shown_image(project, 1)
    assert file.is_file() and shown.full_depth and shown.image == 1
    assert shown.gray.index.shape == (48, 40) and len(shown.gray.table) > 256


@pytest.mark.parametrize("content", [None, b"another file by now"])
def test_from_the_pixel_store_where_the_file_is_away(project: Project, file: Path, content: bytes | None) -> None:
    before = shades(shown_image(project, 1).gray)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    shown = shown_image(project, 1)
    assert not shown.full_depth and shown.spacing_mm is None
    np.testing.assert_allclose(shades(shown.gray), before, atol=1 / 255)
