"""The archive for real: Orthanc. test_orthanc.py runs this file inside a network namespace, since Orthanc binds every
interface."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
import requests
from pydicom.data import get_testdata_file

from fineray.errors import DiskFull
from fineray.export.dicom_results import DicomResultWriter
from fineray.pacs import retrieve
from fineray.pacs.association import PeerFailed, echo
from fineray.pacs.query import find_studies
from fineray.pacs.receiver import receive
from fineray.pacs.results import Criteria, Received
from fineray.pacs.retrieve import fetch_studies
from fineray.pacs.send import NothingToSend, send_results
from fineray.pacs.settings import PacsSettings, Peer
from fineray.prediction.predict import predict_folder
from fineray.progress import (
    Cancelled,
    Interim,
    Monitor,
    ProgressEvent,
)
from fineray.project.files.importing import import_folders
from fineray.project.project import Project, open_project
from fineray.project.runs import run
from tests.support.images import write_image

REST = "http://127.0.0.1:8042"
DIMSE = Peer("archive", "dicom", "127.0.0.1", 4242, "ORTHANC")
WEB = Peer("archive on the web", "dicomweb", url=f"{REST}/dicom-web")
SETTINGS = PacsSettings(True, "FINERAY", 11112, (DIMSE, WEB))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for number in range(3):
        write_image(folder / f"{number}.dcm", patient=f"PAT-{number}", number=number, StudyDate=f"2025010{number + 1}")
    for name in ("RG1_UNCR.dcm", "RG1_J2KR.dcm"):  # one plain, one JPEG 2000
        ds = pydicom.dcmread(get_testdata_file(name))
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        ds.save_as(folder / name)
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Iterator[None]:
    """Orthanc with these images in it."""
    folder = tmp_path_factory.mktemp("orthanc")
    settings = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "DicomPort": 4242,
        "HttpPort": 8042,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowMove": True,
        "DicomModalities": {"fineray": ["FINERAY", "127.0.0.1", 11112]},
        "Plugins": ["/usr/share/orthanc/plugins"],
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    program = shutil.which("Orthanc", path="/usr/sbin:/usr/bin") or "Orthanc"
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
        try:
            _wait_for(lambda: requests.get(f"{REST}/system", timeout=1).ok)
            for path in images.iterdir():
                assert requests.post(f"{REST}/instances", data=path.read_bytes(), timeout=10).ok
            yield
        finally:
            server.terminate()
            server.wait(20)


def _wait_for(ready: object, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if ready():  # type: ignore[operator]
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)  # a server of another make: nothing tells when it is up
    raise AssertionError("not ready in time")


def test_it_answers_and_refuses_strangers(archive: None) -> None:
    echo(SETTINGS, DIMSE)
    with pytest.raises(PeerFailed, match="refuses"):
        echo(SETTINGS, Peer("x", "dicom", "127.0.0.1", 4242, "SOMEBODY"))


@pytest.mark.parametrize("peer", [DIMSE, WEB], ids=["dimse", "web"])
def test_studies_are_found_by_what_is_known_of_them(archive: None, peer: Peer) -> None:
    everything = find_studies(SETTINGS, peer, Criteria())
    assert len(everything) == 4 and [each.date for each in everything] == sorted(
        (each.date for each in everything), reverse=True
    )
    found = find_studies(SETTINGS, peer, Criteria(from_date="20250102", to_date="20250103", modality="DX"))
    assert [each.patient_id for each in found] == ["PAT-2", "PAT-1"] and found[0].images == 1
    assert [each.patient_id for each in find_studies(SETTINGS, peer, Criteria("PAT-0"))] == ["PAT-0"]
    assert find_studies(SETTINGS, peer, Criteria("NOBODY")) == ()


@pytest.mark.parametrize("way", ["get", "move", "web"])
def test_studies_are_fetched_as_they_are(
    archive: None, images: Path, tmp_path: Path, project: Project, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "move":  # as with an archive that offers no C-GET
        monkeypatch.setattr(retrieve, "GET", pydicom.uid.UID("1.2.3.4"))
    peer = WEB if way == "web" else DIMSE
    studies = [each.uid for each in find_studies(SETTINGS, peer, Criteria())]
    fetched = fetch_studies(SETTINGS, peer, studies, tmp_path / "in")
    assert (fetched.received, fetched.failed) == (5, 0)
    got = {path.stem: pydicom.dcmread(path) for path in (tmp_path / "in").iterdir()}
    for path in images.iterdir():
        sent = pydicom.dcmread(path)
        assert (got[sent.SOPInstanceUID].pixel_array == sent.pixel_array).all()
        if way != "move":
            syntax = got[sent.SOPInstanceUID].file_meta.TransferSyntaxUID
            assert syntax == sent.file_meta.TransferSyntaxUID, "as the archive keeps it"
    assert import_folders(project, [tmp_path / "in"]).imported == 5


def test_cancelling_and_a_full_disk_keep_what_came(
    archive: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studies = [each.uid for each in find_studies(SETTINGS, DIMSE, Criteria())]

    class Stop(Monitor):
        def check(self) -> None:
            if list((tmp_path / "in").glob("*.dcm")):
                raise Cancelled

    with pytest.raises(Cancelled):
        fetch_studies(SETTINGS, DIMSE, studies, tmp_path / "in", monitor=Stop())
    kept = list((tmp_path / "in").iterdir())
    assert 0 < len(kept) < 5 and all(path.suffix == ".dcm" and pydicom.dcmread(path) for path in kept)

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    for peer in (DIMSE, WEB):
        with pytest.raises(DiskFull):
            fetch_studies(SETTINGS, peer, studies, tmp_path / "full")
    assert list((tmp_path / "full").iterdir()) == []


@pytest.mark.parametrize("peer", [DIMSE, WEB], ids=["dimse", "web"])
def test_results_are_stored_in_their_studies(
    archive: None, images: Path, trained: Path, tmp_path: Path, peer: Peer
) -> None:
    out = tmp_path / "out"
    with open_project(trained) as project:
        folder = run(project, "run-001")
        writer = DicomResultWriter(folder, folder.metrics().classes, out)
        predict_folder(project, folder, images, visit=writer)
    write_image(out / "stranger.dcm", patient="PAT-9")  # not made by Fineray: never sent
    made = [pydicom.dcmread(path) for path in out.rglob("*.dcm") if path.name != "stranger.dcm"]
    assert send_results(SETTINGS, peer, out) == len(made) == 15
    for ds in made:
        ask = {"Level": "Instance", "Query": {"SOPInstanceUID": str(ds.SOPInstanceUID)}, "Expand": True}
        (kept,) = requests.post(f"{REST}/tools/find", json=ask, timeout=10).json()
        parent = requests.get(f"{REST}/instances/{kept['ID']}/study", timeout=10).json()
        assert parent["MainDicomTags"]["StudyInstanceUID"] == ds.StudyInstanceUID
        series = requests.get(f"{REST}/instances/{kept['ID']}/series", timeout=10).json()
        assert "RESEARCH USE ONLY" in requests.get(f"{REST}/instances/{kept['ID']}/simplified-tags", timeout=10).text
        assert series["MainDicomTags"]["Modality"] in ("SR", "OT", "PR", "DX", "CR")
        requests.delete(f"{REST}/instances/{kept['ID']}", timeout=10)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToSend):
        send_results(SETTINGS, peer, tmp_path / "empty")


def test_the_receiver_takes_from_known_peers_alone(archive: None, images: Path, tmp_path: Path) -> None:
    heard: list[Received] = []
    ended = threading.Event()

    class Listen(Monitor):
        def report(self, what: ProgressEvent) -> None:
            if isinstance(what, Interim):
                heard.append(what.result)  # type: ignore[arg-type]

        def check(self) -> None:
            if ended.is_set():
                raise Cancelled

    def work() -> None:
        with pytest.raises(Cancelled):
            receive(SETTINGS, tmp_path / "in", Listen())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        _wait_for(lambda: bool(heard))
        echo(PacsSettings(True, "ORTHANC", 1, ()), Peer("me", "dicom", "127.0.0.1", 11112, "FINERAY"))
        instances = requests.get(f"{REST}/instances", timeout=10).json()
        sent = requests.post(f"{REST}/modalities/fineray/store", json=instances, timeout=30)
        assert sent.ok and sent.json()["FailedInstancesCount"] == 0
        _wait_for(lambda: heard[-1].files == len(instances))
        assert len(list((tmp_path / "in").iterdir())) == len(instances) and heard[-1].last == "ORTHANC"
        for calling, predicted in (("STRANGER", "FINERAY"), ("ORTHANC", "SOMEBODY")):
            with pytest.raises(PeerFailed, match=r"refuses|reached"):
                echo(PacsSettings(True, calling, 1, ()), Peer("me", "dicom", "127.0.0.1", 11112, predicted))
        with socket.create_connection(("127.0.0.1", 11112), 5) as line:
            line.sendall(os.urandom(4096))  # rubbish
        echo(PacsSettings(True, "ORTHANC", 1, ()), Peer("me", "dicom", "127.0.0.1", 11112, "FINERAY"))
        _wait_for(lambda: heard[-1].refused >= 1)
    finally:
        ended.set()
        thread.join(20)
    assert not thread.is_alive()
    with pytest.raises(PeerFailed):
        echo(PacsSettings(True, "ORTHANC", 1, ()), Peer("me", "dicom", "127.0.0.1", 11112, "FINERAY"))
