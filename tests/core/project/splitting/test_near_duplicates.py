"""Pictures of another project are known again, whatever was done to them; others are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fineray.project.catalogue import imported_images
from fineray.project.files.importing import import_folders
from fineray.project.project import Project, create_project, open_project
from fineray.project.splitting.near_duplicates import copies_between
from tests.support.images import texture, write_picture

Change = Callable[[NDArray[np.uint16]], NDArray[np.uint16]]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda image: image[:, ::-1], id="mirrored"),
        pytest.param(np.rot90, id="turned"),
        pytest.param(lambda image: 4095 - image, id="inverted"),
        pytest.param(lambda image: (image * 0.7 + 500).astype(np.uint16), id="another contrast"),
        pytest.param(lambda image: np.kron(image, np.ones((2, 2), np.uint16)), id="larger"),
    ],
)
def test_copies_in_another_project_are_found(project: Project, tmp_path: Path, change: Change) -> None:
    for number in range(4):
        write_picture(tmp_path / f"known/{number}", texture(number, 1), f"P-{number}")
        write_picture(tmp_path / f"new/copy-{number}", np.ascontiguousarray(change(texture(number, 1))), "")
        write_picture(tmp_path / f"new/other-{number}", texture(100 + number, 1), "")
    import_folders(project, tmp_path / "known")
    create_project(tmp_path / "q")
    with open_project(tmp_path / "q") as new:
        import_folders(new, tmp_path / "new")
        here, there = imported_images(new), [image for image, _ in imported_images(project)]
        copies = {image.id for image, place in here if place.path.name.startswith("copy")}
        assert copies_between(new, [image for image, _ in here], project, there) == copies
        assert copies_between(new, [], project, there) == copies_between(new, [here[0][0]], project, []) == set()
