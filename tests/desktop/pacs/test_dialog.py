"""Archives in the window: off at first, listed, asked, fetched from, and imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pynetdicom import AE, StoragePresentationContexts, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)
from pytestqt.qtbot import QtBot

from fineray.pacs.settings import load_settings
from fineray_desktop.importing.page import ImportPage
from fineray_desktop.main_window import MainWindow
from tests.support.images import write_image
from tests.support.window import idle


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[int]:
    """The port of an archive with two studies of one image each."""
    images = []
    for number in range(2):
        path = tmp_path / "archive" / f"{number}.dcm"
        write_image(path, patient=f"PAT-{number}", number=number, StudyDate=f"2025010{number + 1}")
        images.append(pydicom.dcmread(path))

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        for image in images:
            told = Dataset()
            told.StudyInstanceUID, told.PatientID, told.StudyDate = (
                image.StudyInstanceUID,
                image.PatientID,
                image.StudyDate,
            )
            told.ModalitiesInStudy, told.NumberOfStudyRelatedInstances = "DX", 1
            if event.identifier.PatientID in ("", image.PatientID):
                yield 0xFF00, told

    def get(event: evt.Event) -> Iterator[object]:
        wanted = [image for image in images if image.StudyInstanceUID == event.identifier.StudyInstanceUID]
        yield len(wanted)
        for image in wanted:
            yield 0xFF00, image

    ae = AE("ARCHIVE")
    for context in (
        Verification,
        StudyRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelGet,
    ):
        ae.add_supported_context(context)
    for storage in StoragePresentationContexts:
        ae.add_supported_context(storage.abstract_syntax, scu_role=True, scp_role=True)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get)])
    yield server.server_address[1]
    server.shutdown()


def test_images_come_from_an_archive(window: MainWindow, qtbot: QtBot, tmp_path: Path, archive: int) -> None:
    window.start_page.create(tmp_path / "study")
    page = window.page("Import")
    assert isinstance(page, ImportPage)
    dialog = page.ask_archive()
    assert not dialog.enabled.isChecked() and not dialog.find.find_button.isEnabled()
    tab = dialog.archives
    tab.name.setText("Radiology")
    tab.host.setText("127.0.0.1")
    tab.port.setValue(archive)
    tab.keep()
    assert "AE title" in tab.message.text() and load_settings().peers == ()
    tab.ae_title.setText("ARCHIVE")
    tab.keep()
    assert tab.message.text() == "" and load_settings().peers[0].name == "Radiology"
    assert not tab.test_button.isEnabled(), "nothing is allowed yet"
    dialog.enabled.setChecked(True)
    tab.names.setCurrentRow(0)
    tab.test()
    qtbot.waitUntil(lambda: "answers" in tab.message.text(), timeout=60_000)
    dialog.find.find()
    qtbot.waitUntil(lambda: dialog.find.table.rowCount() == 2, timeout=30_000)
    dialog.find.patient.setText("PAT-1")
    dialog.find.find()
    qtbot.waitUntil(lambda: dialog.find.table.rowCount() == 1, timeout=30_000)
    assert dialog.find.table.index(0, 0).data() == "2025-01-02"
    dialog.find.view.selectRow(0)
    assert dialog.find.fetch_button.isEnabled()
    dialog.find.fetch(tmp_path / "fetched")
    qtbot.waitUntil(lambda: "images fetched" in dialog.find.message.text(), timeout=30_000)
    project = window.session.project
    assert project is not None
    qtbot.waitUntil(lambda: project.db.execute("SELECT count(*) FROM image").fetchone() == (1,), timeout=30_000)
    idle(window, qtbot)
    assert len(list((tmp_path / "fetched").iterdir())) == 1
    dialog.send.take(tmp_path / "fetched")
    dialog.send.send()
    qtbot.waitUntil(lambda: "no results of Fineray" in dialog.send.message.text(), timeout=30_000)
    tab.port.setValue(1)
    tab.keep()
    dialog.find.find()
    qtbot.waitUntil(lambda: "cannot be reached" in dialog.find.message.text(), timeout=60_000)
    dialog.receive.take(tmp_path / "received")
    dialog.receive.start()
    qtbot.waitUntil(lambda: "Listening: 0" in dialog.receive.message.text(), timeout=30_000)
    dialog.reject()
    qtbot.waitUntil(lambda: "Stopped" in dialog.receive.message.text(), timeout=30_000)
    text = (tmp_path / "study" / "catalogue.sqlite").read_bytes()
    assert b"PAT-1" not in text and b"Radiology" not in text
