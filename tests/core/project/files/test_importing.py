"""Folders in: every file accounted for, only new ones read, nothing lost, nobody named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from fineray.cli.main import main
from fineray.dicom.location import FileLocation
from fineray.dicom.read import read_radiograph
from fineray.dicom.scan import FolderMissing
from fineray.dicom.shades import shades_8bit
from fineray.engine.jobs.table import carry_out
from fineray.engine.protocol import Failed
from fineray.engine.requests.project import ImportFolders
from fineray.progress import (
    Cancelled,
    FileResult,
    Monitor,
    Progress,
    ProgressEvent,
)
from fineray.project.catalogue import (
    counts,
    file_rows,
    image_rows,
    source_of,
    stored_at,
)
from fineray.project.files import decoding_pool
from fineray.project.files.importing import NothingReadable, import_folders
from fineray.project.files.options import ImportOptions
from fineray.project.files.preparation import shrink
from fineray.project.labels.label_file import write_labels
from fineray.project.labels.preview import preview_folders
from fineray.project.patients.identify import identify_patients
from fineray.project.patients.rule import PatientRule
from fineray.project.project import Project, create_project, open_project
from tests.support import crashing
from tests.support.images import write_image


class Recorder(Monitor):
    """Keeps all reports; cancels after `files` files."""

    def __init__(self, files: int | None = None) -> None:
        self.reports: list[ProgressEvent] = []
        self._files = files

    def report(self, what: ProgressEvent) -> None:
        self.reports.append(what)

    def check(self) -> None:
        seen = sum(isinstance(each, FileResult) for each in self.reports)
        if self._files is not None and seen >= self._files:
            raise Cancelled


def test_every_file_ends_in_the_table_with_a_reason(project: Project, images: Callable[..., Path]) -> None:
    folder = images()
    (folder / "notes.txt").write_text("labels by R.")
    (folder / "empty").write_bytes(b"")
    shutil.copy(folder / "bright/p0/0", folder / "the same again")
    shutil.copy(get_testdata_file("CT_small.dcm"), folder / "ct")
    monitor = Recorder()
    summary = import_folders(project, [folder], monitor=monitor)
    assert (summary.imported, summary.skipped, summary.failed, summary.duplicates) == (12, 2, 1, 1)
    assert summary.found == 16
    rows = {row.location.path: row for row in file_rows(project) if row.location}
    assert len(rows) == 16
    assert rows[folder / "notes.txt"].reason == "Not a DICOM file"
    assert rows[folder / "empty"].status == "failed"
    assert rows[folder / "ct"].reason.startswith("Modality CT")
    statuses = {rows[folder / "the same again"].status, rows[folder / "bright/p0/0"].status}
    assert statuses == {"imported", "skipped"}
    assert all(row.todo for row in rows.values() if row.status != "imported")
    results = [each for each in monitor.reports if isinstance(each, FileResult)]
    assert len(results) == 16
    last = [each for each in monitor.reports if isinstance(each, Progress)][-1]
    assert (last.done, last.total) == (16, 16)


def test_stored_pixels_are_the_shades_of_the_file(project: Project, images: Callable[..., Path]) -> None:
    import_folders(project, [images()])
    for row in image_rows(project):
        source = source_of(project, row.id)
        assert source is not None
        expected = shades_8bit(read_radiograph(*source).image)
        np.testing.assert_array_equal(project.pixels.read(stored_at(project, row.id)), expected)


def test_large_images_are_stored_smaller_with_their_aspect(project: Project, tmp_path: Path) -> None:
    (tmp_path / "cr").mkdir()
    shutil.copy(get_testdata_file("RG1_UNCR.dcm"), tmp_path / "cr/image")
    import_folders(project, [tmp_path / "cr"])
    (row,) = image_rows(project)
    place = row.stored_at
    assert max(place.rows, place.columns) == 512
    assert place.columns / place.rows == pytest.approx(row.columns / row.rows, rel=0.01)
    full = shades_8bit(read_radiograph(FileLocation(tmp_path / "cr/image")).image)
    np.testing.assert_array_equal(project.pixels.read(place), shrink(full, 512))
    assert abs(float(project.pixels.read(place).mean()) - float(full.mean())) < 1


def test_a_second_import_reads_only_what_is_new(project: Project, images: Callable[..., Path]) -> None:
    folder = images()
    import_folders(project, [folder])
    again = import_folders(project, [folder])
    assert (again.unchanged, again.imported) == (12, 0)
    write_image(folder / "dark/new", patient="PAT-7", number=9)
    third = import_folders(project, [folder])
    assert (third.unchanged, third.imported) == (12, 1)
    assert counts(project).images == 13


def test_a_changed_file_is_read_anew_in_place(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "images/one"
    ds = write_image(path, patient="A", level=0.3)
    import_folders(project, [path.parent])
    (before,) = image_rows(project)
    write_image(path, patient="A", level=0.8, SOPInstanceUID=ds.SOPInstanceUID)
    os.utime(path, ns=(1, 1))
    import_folders(project, [path.parent])
    (after,) = image_rows(project)
    assert after.id == before.id
    assert project.pixels.read(after.stored_at).mean() > project.pixels.read(before.stored_at).mean() + 50


def test_cancelling_keeps_what_was_read_and_going_on_reads_the_rest(
    project: Project, images: Callable[..., Path]
) -> None:
    folder = images(patients=12, each=4)
    with pytest.raises(Cancelled):
        import_folders(project, [folder], monitor=Recorder(files=10))
    kept = counts(project).images
    assert 10 <= kept < 48
    summary = import_folders(project, [folder])
    assert summary.unchanged == kept
    assert counts(project).images == 48


def test_nothing_readable_says_so_and_names_the_folder(project: Project, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(NothingReadable, match="no files"):
        import_folders(project, [tmp_path / "docs"])
    (tmp_path / "docs/letter.txt").write_text("Dear")
    with pytest.raises(NothingReadable, match="None of the 1 files") as caught:
        import_folders(project, [tmp_path / "docs"])
    assert "docs" in caught.value.where
    assert [row.reason for row in file_rows(project)] == ["Not a DICOM file"]
    with pytest.raises(FolderMissing):
        import_folders(project, [tmp_path / "nowhere"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 3 MB, or a skip where tests may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs the rights of root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk")
def test_a_full_disk_is_said_and_loses_nothing(small_disk: Path, images: Callable[..., Path]) -> None:
    create_project(small_disk / "study")
    filler = small_disk / "filler"
    folder = images(patients=40, each=4, folder="more")
    with open_project(small_disk / "study") as project:
        import_folders(project, [images(patients=2, each=1)])
        kept = counts(project).images
        free = shutil.disk_usage(small_disk).free
        filler.write_bytes(bytes(free - 150_000))
        ended = carry_out(0, ImportFolders(project.root, (folder,)), Monitor())
        assert isinstance(ended, Failed)
        assert ended.what == "There is no room left on the disk that is written to"
        assert counts(project).images >= kept
        for row in image_rows(project):
            assert project.pixels.read(row.stored_at).any()
        filler.unlink()
        import_folders(project, [folder])
        assert counts(project).images == kept + 160
        for row in image_rows(project):
            assert project.pixels.read(row.stored_at).any()


def test_no_identity_reaches_the_project(tmp_path: Path, images: Callable[..., Path]) -> None:
    """Names, IDs, UIDs and paths of the sources are nowhere in the project folder, whatever the file."""
    folder = tmp_path / "ward of Dr Who"
    shutil.move(images(patients=2, each=1), folder)
    secret = "Zaphod"
    ds = write_image(
        folder / f"{secret}-folder/image",
        patient=f"{secret}-77",
        StudyDescription=f"{secret} knee",
        AccessionNumber=f"{secret}5",
        ReferringPhysicianName=f"{secret}^R",
    )
    create_project(tmp_path / "clean")
    with open_project(tmp_path / "clean") as opened:
        import_folders(opened, [folder])
        assert {row.patient for row in image_rows(opened)} == {"P00001", "P00002", "P00003"}
    needles = [secret.encode(), b"Dr Who", b"PAT-0", ds.SOPInstanceUID.encode(), ds.StudyInstanceUID.encode()]
    held = b"".join(path.read_bytes() for path in (tmp_path / "clean").rglob("*") if path.is_file())
    for needle in needles:
        assert needle not in held
        assert needle.lower() not in held.lower()


def test_frames_archives_and_pictures_are_imported_with_warnings(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    ds = write_image(folder / "cine", patient="A")
    ds.NumberOfFrames = 3
    pixels = np.frombuffer(ds.PixelData, np.uint16)
    ds.PixelData = b"".join((pixels // part).astype(np.uint16).tobytes() for part in (1, 2, 3))
    ds.save_as(folder / "cine")
    Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32)).save(folder / "old.png")
    write_image(tmp_path / "inside", patient="B")
    with zipfile.ZipFile(folder / "export.zip", "w") as archive:
        archive.write(tmp_path / "inside", "bright/one")
    first = import_folders(project, [folder])
    assert (first.imported, first.skipped) == (2, 1)
    rows = {str(row.location).rpartition("mixed/")[2]: row for row in file_rows(project)}
    assert "3 frames" in rows["cine"].reason
    assert rows["export.zip/bright/one"].status == "imported"
    assert rows["old.png"].status == "imported"
    assert "names no patient" in rows["old.png"].reason
    second = import_folders(project, [folder], ImportOptions(frames="all"))
    assert (second.imported, second.unchanged) == (1, 2)
    assert counts(project).images == 5
    for row in image_rows(project):
        source = source_of(project, row.id)
        assert source is not None
        expected = shades_8bit(read_radiograph(*source).image)
        np.testing.assert_array_equal(project.pixels.read(stored_at(project, row.id)), expected)
    assert import_folders(project, [folder], ImportOptions(frames="all")).unchanged == 3


def test_views_that_were_not_chosen_stay_outside_until_they_are(project: Project, tmp_path: Path) -> None:
    for number, view in enumerate(("PA", "AP", "LL", "")):
        write_image(tmp_path / f"images/{number}", patient=f"P{number}", number=number, ViewPosition=view)
    frontal = ImportOptions(views=("PA", "AP"))
    summary = import_folders(project, [tmp_path / "images"], frontal)
    assert (summary.imported, summary.skipped) == (2, 2)
    assert "View LL: not chosen for this import" in {row.reason for row in file_rows(project)}
    assert import_folders(project, [tmp_path / "images"]).imported == 2
    assert {row.view_position for row in image_rows(project)} == {"PA", "AP", "LL", ""}


def test_stations_are_hashed_and_dates_moved(project: Project, tmp_path: Path) -> None:
    write_image(tmp_path / "images/1", patient="A", StationName="ROOM-7", StudyDate="20240301")
    import_folders(project, [tmp_path / "images"])
    station, date = project.db.execute("SELECT station_hash, study_date FROM image").fetchone()
    assert station == project.keyed_hash("station:ROOM-7")
    assert date == project.shifted_date("20240301") < "2023-03-03"


@pytest.mark.integration
def test_a_file_that_hangs_its_decoder_costs_itself_only(
    project: Project, images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = images(patients=4, each=2)
    crashing.mark(folder / "dark/p1/0")
    monkeypatch.setattr(decoding_pool, "_prepare_here", crashing.prepare_or_hang)
    summary = import_folders(project, [folder])
    assert (summary.imported, summary.failed) == (7, 1)
    failed = [row for row in file_rows(project) if row.status == "failed"]
    assert "crashed or hung" in failed[0].reason


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="their file systems take no such names")
def test_names_that_are_no_utf8_are_read_known_again_and_shown(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / os.fsdecode(b"R\xf6ntgen")
    for number, name in enumerate((b"M\xfcller.dcm", b"new\nline.dcm", b"plain.dcm")):
        write_image(folder / "a" / os.fsdecode(name), patient=f"P-{number}")
    monitor = Recorder()
    assert import_folders(project, [folder], monitor=monitor).imported == 3
    assert import_folders(project, [folder]).unchanged == 3
    names = [each.path for each in monitor.reports if isinstance(each, FileResult)]
    assert any("M\ufffdller.dcm" in name for name in names)
    for row in image_rows(project):
        source = source_of(project, row.id)
        assert source is not None and source[0].path.is_file()
    write_labels(project, tmp_path / "labels.csv", with_files=True)
    write_labels(project, tmp_path / "labels.xlsx", with_files=True)
    assert "M\ufffdller.dcm" in (tmp_path / "labels.csv").read_text("utf-8")
    assert {label for _, label in preview_folders(project).matched} == {"a"}
    identify_patients(project, PatientRule("folder", everywhere=True))
    assert counts(project).patients == 1
    assert main(["patients", str(project.root)]) == 0
    assert "folder:1: 1 names" in capsys.readouterr().out
