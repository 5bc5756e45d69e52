"""What stops answering, vanishes, jumps or has an awkward name: each costs what it must and no more, and is said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

import fineray_desktop.engine_client as engine_client
from fineray.dicom.scan import find_files
from fineray.engine.protocol import Failed
from fineray.engine.requests.project import ImportFolders
from fineray.engine.requests.training import LoadLibraries
from fineray.progress import (
    Cancelled,
    FileResult,
    Monitor,
    ProgressEvent,
)
from fineray.project.catalogue import counts, file_rows
from fineray.project.files import decoding_pool
from fineray.project.files.decoding_pool import DecodingPool
from fineray.project.files.importing import import_folders
from fineray.project.files.options import EVERY_XRAY
from fineray.project.labels.preview import apply_labels, preview_folders
from fineray.project.project import Project, create_project, open_project
from fineray.project.seal import openings, record_opening
from fineray.project.splits import SplitPlan
from fineray.project.splitting.make import make_split
from fineray.project.splitting.sealing import seal_test
from fineray_desktop.engine_client import EngineClient
from fineray_desktop.main_window import MainWindow
from tests.support.images import write_image

ROOT = Path(__file__).parents[2]
unix = pytest.mark.skipif(sys.platform == "win32", reason="stops processes with Unix signals")


def worker_of(client: EngineClient) -> int:
    assert client._worker is not None and client._worker.pid is not None
    return client._worker.pid


@pytest.mark.integration
@unix
def test_a_worker_that_stops_answering_is_said_and_may_be_ended(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_client, "SILENT_AFTER_S", 3.0)
    session, bar = window.session, window.job_bar
    window.start_page.create(tmp_path / "p")
    job = session.run(ImportFolders(tmp_path / "p", (images(patients=60, each=5),)), "Import", lambda summary: None)
    failed: list[Failed] = []
    job.failed.connect(failed.append)
    with qtbot.waitSignal(job.reported, timeout=60_000):
        pass
    worker = worker_of(session.engine)
    os.kill(worker, signal.SIGSTOP)
    qtbot.waitUntil(bar.silence.isVisible, timeout=20_000)
    os.kill(worker, signal.SIGCONT)
    qtbot.waitUntil(lambda: not bar.silence.isVisible(), timeout=20_000)  # it was only slow

    if not failed and session.busy:
        os.kill(worker, signal.SIGSTOP)
        qtbot.waitUntil(bar.silence.isVisible, timeout=20_000)
        with qtbot.waitSignal(job.ended, timeout=20_000):
            bar.end.click()
        assert failed and "stopped unexpectedly" in failed[0].what
    assert not bar.end.isVisible()
    assert session.may_change
    again = session.engine.start(LoadLibraries())  # another worker takes over
    with qtbot.waitSignal(again.finished, timeout=60_000):
        pass


@pytest.mark.integration
@unix
def test_a_reading_process_that_stops_is_replaced(qapp: QObject, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_client, "SILENT_AFTER_S", 3.0)
    client = EngineClient(patient=False)
    with qtbot.waitSignal(client.start(LoadLibraries()).finished, timeout=60_000):
        pass
    os.kill(worker_of(client), signal.SIGSTOP)
    job = client.start(LoadLibraries())
    failed: list[Failed] = []
    job.failed.connect(failed.append)
    with qtbot.waitSignal(job.ended, timeout=30_000):
        pass
    assert failed
    with qtbot.waitSignal(client.start(LoadLibraries()).finished, timeout=60_000):
        pass
    client.close()


@pytest.mark.integration
@unix
def test_a_decoding_process_that_stops_costs_nothing(
    project: Project, images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("SECONDS_A_FILE", 0.25), ("PATIENCE_S", 3)):
        monkeypatch.setattr(decoding_pool, name, seconds)
    files = find_files([images(patients=40, each=2)])
    with DecodingPool(project.pixels, 512, EVERY_XRAY, processes=2) as pool:
        coming = pool.prepare_all(files, Monitor())
        outcomes = [next(coming)]
        for process in pool._pool._processes:
            os.kill(process, signal.SIGSTOP)
        outcomes += coming
    assert sorted(file.location for file, _ in outcomes) == [file.location for file in files]
    assert all(isinstance(outcome, tuple) for _, outcome in outcomes)


def test_a_drive_that_stalls_while_files_are_looked_for_can_be_left(
    project: Project, images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stalled, let_go = threading.Event(), threading.Event()

    def stall(folder: Path) -> object:
        stalled.set()
        let_go.wait(60)
        raise OSError("gone")

    class Impatient(Monitor):
        def check(self) -> None:
            if stalled.is_set():
                raise Cancelled

    root = images()
    monkeypatch.setattr(os, "scandir", stall)
    try:
        with pytest.raises(Cancelled):
            import_folders(project, [root], monitor=Impatient())
    finally:
        let_go.set()


@pytest.mark.integration
def test_a_folder_that_vanishes_during_the_import(
    project: Project, images: Callable[..., Path], tmp_path: Path
) -> None:
    root = images(patients=60, each=3)
    kept = shutil.copytree(root, tmp_path / "kept")

    class Puller(Monitor):
        seen: list[FileResult]

        def report(self, what: ProgressEvent) -> None:
            if isinstance(what, FileResult):
                if not self.seen:
                    root.rename(tmp_path / "away")
                self.seen.append(what)

    pulled = Puller()
    pulled.seen = []
    summary = import_folders(project, [root], monitor=pulled)
    assert len(pulled.seen) == 180
    assert summary.imported > 0 and summary.failed > 0
    assert summary.imported + summary.failed == 180
    lost = [row for row in file_rows(project) if row.status == "failed"]
    assert len(lost) == summary.failed
    assert {row.reason for row in lost} == {"The file cannot be opened"}
    assert all("still exists" in row.todo for row in lost)
    kept.rename(root)  # the drive is back: what was lost is read, what was read is left alone
    again = import_folders(project, [root])
    assert again.failed == 0
    assert counts(project).images == 180


@pytest.mark.integration
@unix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0 and not shutil.which("setpriv"), reason="no setpriv")
def test_a_folder_that_may_not_be_read_is_listed(tmp_path: Path) -> None:
    for name in ("open", "closed"):
        write_image(tmp_path / "images" / name / "image", patient=f"PAT-{name}")
    (tmp_path / "images/closed").chmod(0)
    code = (
        "import sys; from pathlib import Path; from fineray.dicom.scan import find_files\n"
        "for each in find_files([Path(sys.argv[1])]): print(each.location.path.name)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "images")]
    if os.geteuid() == 0:  # root may read everything: as somebody else
        for folder in (tmp_path, *tmp_path.parents[:3]):  # of several test processes each has a folder between
            folder.chmod(0o755)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    finally:
        (tmp_path / "images/closed").chmod(0o755)
    if done.returncode and "Permission" in done.stderr and "site-packages" in done.stderr:
        pytest.skip("somebody else may not read this Python")
    assert done.stdout.split() == ["closed", "image"], done.stderr[-800:]


@pytest.mark.integration
def test_a_path_of_three_hundred_characters_with_letters_of_all_kinds(tmp_path: Path) -> None:
    deep = tmp_path
    for name in ("Röntgen Thorax – ambulante Fälle", "胸部レントゲン写真の研究", "исследование лёгких", "µ" * 60):
        deep = deep / name
    while len(str(deep)) < 300:
        deep = deep / "ein Ordner mit 'Anführung' & Zeichen; DROP TABLE image"
    for patient in range(12):
        label = ("krank “ja”", "gesund 'nein'")[patient % 2]
        write_image(
            deep / "Bilder" / label / f"Bild №{patient}", patient=f"PAT-{patient}", level=0.4 + patient % 2 * 0.2
        )
    study = deep / "Studie ö"
    study.parent.mkdir(exist_ok=True)
    create_project(study)
    with open_project(study, lock=True) as project:
        assert import_folders(project, [deep / "Bilder"]).imported == 12
        assert apply_labels(project, preview_folders(project)) == 12
        make_split(project, SplitPlan(folds=3))
    words = ("train", study), ("evaluate", study, "run-001"), ("report", study, "run-001", "--output", deep / "B.pdf")
    for each in words:
        command = [sys.executable, "-m", "fineray_desktop.app", *map(str, each)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.returncode == 0, done.stderr[-1500:]
    assert (deep / "B.pdf").stat().st_size > 10_000


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs faketime (installer/test-packages.sh)")
def test_a_clock_that_jumps_changes_no_count(project: Project, images: Callable[..., Path]) -> None:
    """Ten years back between two steps: nothing is read again, openings are counted, the order of changes stays."""
    root = images(patients=12, each=1)
    import_folders(project, [root])
    apply_labels(project, preview_folders(project))
    seal_test(project, SplitPlan("holdout", test_share=0.25))
    record_opening(project, "run-001", "")
    code = """
import sys
from pathlib import Path
from fineray.progress import Monitor
from fineray.project.changes import set_labels, undo
from fineray.project.files.importing import import_folders
from fineray.project.project import open_project
from fineray.project.labels.revisions import revisions
from fineray.project.seal import openings, record_opening
with open_project(Path(sys.argv[1])) as project:
    summary = import_folders(project, [Path(sys.argv[2])])
    assert (summary.imported, summary.unchanged) == (0, 12), summary
    record_opening(project, "run-002", "")
    assert len(openings(project)) == 2
    image = project.db.execute("SELECT image_id FROM label").fetchone()[0]
    for value in ("dark", "bright", "dark"):
        set_labels(project, {image: value}, value)
    assert revisions(project, image)[0].after == "dark"
    assert revisions(project, image)[0].changed < "2020"
    assert undo(project).title == "dark"
    assert revisions(project, image)[0].after == "bright"
"""
    done = subprocess.run(
        ["faketime", "-f", "-3650d", sys.executable, "-c", code, str(project.root), str(root)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "FAKETIME_DONT_FAKE_MONOTONIC": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1500:]
    assert len(openings(project)) == 2


def test_an_opening_that_a_power_cut_tore_stops_nothing(
    project: Project, images: Callable[..., Path], home: Path
) -> None:
    """Half a line at the end of this workstation's list: nothing was opened by it, and the next stands on its own."""
    import_folders(project, [images(patients=12, each=1)])
    apply_labels(project, preview_folders(project))
    seal_test(project, SplitPlan("holdout", test_share=0.25))
    record_opening(project, "run-001", "")
    with (home / "openings.jsonl").open("a") as ledger:
        ledger.write('{"id": "torn", "se')
    record_opening(project, "run-002", "")
    assert [each.run for each in openings(project)] == ["run-001", "run-002"]
    project.db.execute("DELETE FROM opening")  # as a copy of the project would have it
    assert [each.run for each in openings(project)] == ["run-001", "run-002"]
