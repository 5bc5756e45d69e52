"""Archives that refuse, disappear or send rubbish; settings that cannot be right; all of it off until wanted."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find  # type: ignore[attr-defined]

from fineray.pacs import association
from fineray.pacs.association import PeerFailed, echo
from fineray.pacs.query import find_studies
from fineray.pacs.receiver import receive
from fineray.pacs.results import Criteria
from fineray.pacs.retrieve import fetch_studies
from fineray.pacs.send import send_results
from fineray.pacs.settings import (
    PacsOff,
    PacsSettings,
    Peer,
    SettingsUnusable,
    load_settings,
    save_settings,
)
from fineray.pacs.storing import CANNOT_UNDERSTAND, store_bytes
from fineray.progress import Monitor
from fineray.system.user_folder import user_folder

ON = PacsSettings(True)


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that treats its one caller like this; its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        try:
            line, _ = server.accept()
        except OSError:
            return
        with line:
            answer(line)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()
        thread.join(5)


@contextmanager
def web(status: int, body: bytes, kind: str = "application/dicom+json") -> Iterator[str]:
    """A web server that always answers the same."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *words: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/dicom-web"
    finally:
        server.shutdown()
        server.server_close()


def test_all_of_it_is_off_until_wanted(tmp_path: Path) -> None:
    off = load_settings()
    assert not off.enabled
    peer = Peer("a", "dicom", "127.0.0.1", 1, "A")
    for call in (
        lambda: find_studies(off, peer, Criteria()),
        lambda: fetch_studies(off, peer, ["1.2"], tmp_path),
        lambda: receive(off, tmp_path, Monitor()),
        lambda: send_results(off, peer, tmp_path),
        lambda: off.peer("a"),
    ):
        with pytest.raises(PacsOff):
            call()


def test_settings_come_back_and_bad_ones_are_refused() -> None:
    kept = PacsSettings(
        True, "ME", 11113, (Peer("a", "dicom", "host", 104, "A"), Peer("w", "dicomweb", url="https://x/y"))
    )
    save_settings(kept)
    assert load_settings() == kept and kept.peer("w").url == "https://x/y"
    with pytest.raises(SettingsUnusable):
        kept.peer("nobody")
    for wrong in (
        PacsSettings(peers=(Peer("a", "dicom", "", 104, "A"),)),
        PacsSettings(peers=(Peer("a", "dicom", "h", 0, "A"),)),
        PacsSettings(peers=(Peer("a", "dicom", "h", 104, "SEVENTEEN LETTERS"),)),
        PacsSettings(peers=(Peer("a", "dicomweb", url="ftp://x"),)),
        PacsSettings(peers=(Peer("a", "dicom", "h", 1, "A"), Peer("a", "dicom", "h", 2, "A"))),
        PacsSettings(ae_title=""),
        PacsSettings(port=70000),
    ):
        with pytest.raises(SettingsUnusable):
            save_settings(wrong)
    assert load_settings() == kept
    for text in ("{", "[]", json.dumps({"peers": [{"name": 1}], "evil": 2})):
        (user_folder() / "pacs.json").write_text(text)
        with pytest.raises(SettingsUnusable):
            load_settings()


def test_nobody_there_rubbish_silence_and_a_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(association, "WAIT_S", 1.0)
    with pytest.raises(PeerFailed, match="cannot be reached"):
        echo(ON, Peer("a", "dicom", "127.0.0.1", 1, "A"))
    released = threading.Event()
    answers: tuple[Callable[[socket.socket], None], ...] = (
        lambda line: line.sendall(os.urandom(2000)),
        lambda line: None,
        lambda line: line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        lambda line: (released.wait(3), None)[-1],
    )
    for answer in answers:
        with answering(answer) as port, pytest.raises(PeerFailed):
            echo(ON, Peer("a", "dicom", "127.0.0.1", port, "A"))
    released.set()


@pytest.mark.parametrize(("how", "words"), [("fails", "status A700"), ("goes", "broke the connection")])
def test_a_peer_that_fails_or_goes_in_the_middle(monkeypatch: pytest.MonkeyPatch, how: str, words: str) -> None:
    monkeypatch.setattr(association, "WAIT_S", 2.0)

    def found(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        told = Dataset()
        told.StudyInstanceUID, told.StudyDate, told.NumberOfStudyRelatedInstances = "1.2", "20250101", ""
        yield 0xFF00, told
        if how == "fails":
            yield 0xA700, None
        event.assoc.abort()

    ae = AE(ae_title="A")
    ae.add_supported_context(Find)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, found)])
    try:
        peer = Peer("a", "dicom", "127.0.0.1", server.server_address[1], "A")
        with pytest.raises(PeerFailed, match=words):
            find_studies(ON, peer, Criteria())
    finally:
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b"", "user or password"),
        (404, b"", "nothing there"),
        (500, b"oops", "status 500"),
        (200, b"<html>welcome</html>", "not DICOMweb|broke"),
        (200, b'{"a": 1}', "not DICOMweb|broke"),
    ],
)
def test_web_archives_that_answer_something_else(tmp_path: Path, status: int, body: bytes, words: str) -> None:
    with web(status, body) as url:
        peer = Peer("w", "dicomweb", url=url)
        with pytest.raises(PeerFailed, match=words):
            find_studies(ON, peer, Criteria())
        with pytest.raises(PeerFailed):
            fetch_studies(ON, peer, ["1.2"], tmp_path / "in")
    with pytest.raises(PeerFailed, match="cannot be reached"):
        find_studies(ON, Peer("w", "dicomweb", url="http://127.0.0.1:1/x"), Criteria())
    assert list((tmp_path / "in").iterdir()) == []


def test_names_from_the_network_lead_nowhere_else(tmp_path: Path) -> None:
    file = bytes(128) + b"DICM" + bytes(20)
    for uid in ("../evil", "/etc/evil", "", "1.2/3", "1" * 65, "a.b"):
        assert store_bytes(file, uid, tmp_path) == CANNOT_UNDERSTAND
    assert store_bytes(b"no DICOM", "1.2.3", tmp_path) == CANNOT_UNDERSTAND
    assert list(tmp_path.iterdir()) == []
    assert store_bytes(file, "1.2.3", tmp_path) == 0 and [path.name for path in tmp_path.iterdir()] == ["1.2.3.dcm"]
