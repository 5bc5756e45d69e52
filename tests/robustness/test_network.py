"""The whole way of work opens no socket but the ones by which its own processes speak, and needs no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.engine.messages import ExplainDevice
from core.engine.pacs_requests import EchoArchive
from core.network_use import _of_this_computer
from core.pacs.settings import PacsSettings, Peer, save_settings
from desktop.main_window import MainWindow
from desktop.network_dialog import NOTHING, NetworkDialog
from tests.support.films import write_classes

# An audit hook, in every process of the way: what a socket is bound or connected to, and every name that is looked up.
WATCH = """
import os, sys
def watch(event, words):
    if event in ("socket.connect", "socket.bind", "socket.sendto"):
        address = words[1] if len(words) > 1 else ""
        if isinstance(address, (str, bytes)):  # of the Unix kind: processes of this computer
            return
        told = f"{event} {address}"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        told = f"{event} {words[0]}"
    else:
        return
    with open(os.environ["WATCHED"], "a") as file:
        file.write(told + "\\n")
sys.addaudithook(watch)
"""


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """The environment of processes whose sockets are written down in `sockets`."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(WATCH)
    write_classes(tmp_path / "films", 24)
    return {
        **os.environ,
        "WATCHED": str(tmp_path / "sockets"),
        "PYTHONPATH": f"{tmp_path / 'hook'}:{Path(__file__).parents[2]}",
    }


def test_the_hook_sees_a_socket(tmp_path: Path, watched: dict[str, str]) -> None:
    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    subprocess.run([sys.executable, "-c", code], env=watched, check=True)
    assert "127.0.0.1" in (tmp_path / "sockets").read_text()


@pytest.mark.slow
def test_nothing_leaves_this_computer(tmp_path: Path, watched: dict[str, str]) -> None:
    study = tmp_path / "study"
    ways = (
        ("new", study),
        ("import", study, tmp_path / "films", "--labels-from-folders"),
        ("check", study),
        ("train", study, "--folds", "2"),
        ("evaluate", study, "run-001"),
        ("report", study, "run-001", "--output", tmp_path / "r.pdf"),
        ("predict", study, "run-001", tmp_path / "films", "--output", tmp_path / "p.csv", "--dicom", tmp_path / "d"),
        ("export", study, "run-001", "--format", "frpkg", "--output", tmp_path / "m.frpkg"),
        ("open", tmp_path / "m.frpkg"),
        ("deidentify", study, tmp_path / "clean"),
    )
    alone = []
    if shutil.which("unshare"):
        for way in (["unshare", "-n"], ["unshare", "-rn"]):
            if not alone and subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
                alone = way
    for words in ways:
        command = [*alone, sys.executable, "-m", "desktop.app", *map(str, words)]
        done = subprocess.run(command, env=watched, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr[-1500:])
    seen = (tmp_path / "sockets").read_text().splitlines() if (tmp_path / "sockets").exists() else []
    # On import urllib3 asks whether this computer has IPv6, by a socket of its own loopback that speaks to nobody.
    assert [line for line in seen if line != "socket.bind ('::1', 0)"] == []


def test_the_window_says_whom_it_spoke_to(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    """Nothing, until somebody asks an archive: then that archive's address, also where nobody answers there."""
    session = window.session
    with qtbot.waitSignal(session.analyst.start(ExplainDevice()).finished, timeout=60_000):
        pass
    assert NetworkDialog(session, window).title.text() == NOTHING
    peer = Peer("Away", "dicom", "192.0.2.1", 104, "AWAY")  # TEST-NET-1, RFC 5737: nobody's address
    save_settings(PacsSettings(enabled=True, peers=(peer,)))
    job = session.analyst.start(EchoArchive("Away", ""))
    qtbot.waitUntil(lambda: bool(session.network), timeout=60_000)
    job.cancel()
    assert "connected to 192.0.2.1:104" in session.network[0]
    dialog = NetworkDialog(session, window)
    assert dialog.title.text().startswith("1 connection since") and "192.0.2.1" in dialog.text.toPlainText()


def test_own_addresses_do_not_count() -> None:
    assert _of_this_computer("127.0.0.1") and _of_this_computer("::1") and _of_this_computer("localhost")
    assert not _of_this_computer("") and not _of_this_computer("0.0.0.0") and not _of_this_computer("10.1.2.3")
