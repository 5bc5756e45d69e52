"""Keeping images at another size: labels, patients and ids stay, what is learned from is truly larger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fineray.dicom.read import read_radiograph
from fineray.dicom.shades import shades_8bit
from fineray.progress import Cancelled, Monitor, Progress
from fineray.project.catalogue import image_rows, source_of
from fineray.project.changes import set_labels
from fineray.project.files.importing import import_folders
from fineray.project.files.options import ImportOptions
from fineray.project.files.preparation import shrink
from fineray.project.files.resizing import SourcesAway, change_side
from fineray.project.project import Project, SideUnusable, create_project, open_project
from tests.support.images import texture, write_picture

SIDE = (1100, 700)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Six large films, two of them lateral, and a small one."""
    for number in range(6):
        large = np.kron(texture(number, 1), np.ones((25, 25), np.uint16))[: SIDE[0], : SIDE[1]]
        write_picture(tmp_path / f"films/{number}", large, f"P-{number}", ViewPosition=("PA", "LL")[number % 3 == 2])
    write_picture(tmp_path / "films/small", texture(9, 9), "P-9")
    return tmp_path / "films"


@pytest.fixture
def study(tmp_path: Path, films: Path) -> Iterator[Project]:
    create_project(tmp_path / "p")
    with open_project(tmp_path / "p", lock=True) as project:
        import_folders(project, films, ImportOptions(views=("PA",)))
        set_labels(project, {row.id: f"label {row.id}" for row in image_rows(project)}, "test")
        yield project


def _known(project: Project) -> list[tuple[int, str, str]]:
    return [(row.id, row.patient, row.label) for row in image_rows(project)]


def test_a_larger_side_reads_the_files_again_and_keeps_what_is_known_of_them(study: Project) -> None:
    before = _known(study)
    assert len(before) == 5 and all(max(row.store_rows, row.store_columns) <= 512 for row in image_rows(study))
    done = change_side(study, 1024)
    assert (done.images, done.as_before) == (5, 0)
    assert _known(study) == before, "no lateral film came along"
    for row in image_rows(study):
        source = source_of(study, row.id)
        assert source is not None
        expected = shrink(shades_8bit(read_radiograph(*source).image), 1024)
        np.testing.assert_array_equal(study.pixels.read(row.stored_at), expected)
    used = {row.shard for row in image_rows(study)}
    assert {int(path.stem[-4:]) for path in study.pixels.folder.glob("*.u8")} == used, "nothing else lies about"
    with open_project(study.root) as again:
        assert again.store_side == 1024
        assert import_folders(again, study.root.parent / "films", ImportOptions(views=("PA",))).imported == 0
    assert change_side(study, 512).images == 5
    assert max(row.store_rows for row in image_rows(study)) == 512


def test_files_that_are_away_stay_as_they_were_and_are_counted(study: Project, films: Path) -> None:
    (films / "0").unlink()
    done = change_side(study, 1024)
    assert (done.images, done.as_before) == (4, 1)
    assert sorted(max(row.store_rows, row.store_columns) for row in image_rows(study)).count(512) == 1
    for path in films.iterdir():
        path.unlink()
    with pytest.raises(SourcesAway):
        change_side(study, 2048)
    assert study.store_side == 1024


def test_it_goes_on_after_it_was_cancelled(study: Project) -> None:
    class Impatient(Monitor):
        def report(self, what: object) -> None:
            self.done = isinstance(what, Progress) and what.done > 1

        def check(self) -> None:
            if getattr(self, "done", False):
                raise Cancelled

    before = _known(study)
    with pytest.raises(Cancelled):
        change_side(study, 1024, Impatient())
    for row in image_rows(study):
        assert study.pixels.read(row.stored_at).any(), "every image can be read meanwhile"
    assert change_side(study, 1024).images == 5 and _known(study) == before


def test_sizes_that_are_not_offered_are_refused(study: Project, tmp_path: Path) -> None:
    with pytest.raises(SideUnusable, match="not kept at 4096"):
        change_side(study, 4096)
    with pytest.raises(SideUnusable):
        create_project(tmp_path / "q", 100)
    create_project(tmp_path / "q", 2048)
    with open_project(tmp_path / "q") as project:
        assert project.store_side == 2048
