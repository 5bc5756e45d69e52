"""Which archives there are, and as what this workstation is known to them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLineEdit, QListWidget, QVBoxLayout, QWidget

from fineray.engine.requests.pacs import EchoArchive
from fineray.pacs.settings import PacsSettings, Peer, Protocol
from fineray_desktop.pacs.password import password_for
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    label,
    row,
    set_role,
    spin_box,
)


class ArchivesTab(QWidget):
    """A list of archives, and the fields of the one chosen."""

    changed = Signal(object)  # PacsSettings

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._settings = PacsSettings()
        self.names = QListWidget()
        self.names.setAccessibleName("Archives")
        self.names.setFixedWidth(220)
        self.name, self.host, self.ae_title, self.url, self.user = (QLineEdit() for _ in range(5))
        self.protocol = QComboBox()
        self.protocol.addItem("DICOM (query and retrieve)", "dicom")
        self.protocol.addItem("DICOMweb", "dicomweb")
        self.port = spin_box(1, 65535, 104)
        self.own_title, self.own_port = QLineEdit(), spin_box(1, 65535, 11112)
        self.keep_button, self.remove_button = button("Keep", "primary"), button("Remove")
        self.test_button = button("Test the connection")
        self.message = label(role="warning", wrap=True)
        self._form = QFormLayout()
        for title, field in (
            ("Name", self.name),
            ("Protocol", self.protocol),
            ("Host", self.host),
            ("Port", self.port),
            ("AE title", self.ae_title),
            ("Address", self.url),
            ("User", self.user),
        ):
            self._form.addRow(title, field)
            field.setAccessibleName(title)
        self.url.setPlaceholderText("https://archive.hospital/dicom-web")
        self.user.setPlaceholderText("empty if none; the password is asked for and never kept")
        own = QFormLayout()
        own.addRow("AE title", self.own_title)
        own.addRow("Port for receiving", self.own_port)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addLayout(self._form)
        right.addLayout(row(self.test_button, None, self.remove_button, self.keep_button))
        right.addWidget(self.message)
        right.addWidget(label("This workstation, as archives know it", "heading"))
        right.addLayout(own)
        right.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 0)
        layout.setSpacing(16)
        layout.addWidget(self.names)
        layout.addLayout(right, 1)
        self.names.currentRowChanged.connect(self._fill)
        self.protocol.currentIndexChanged.connect(self._fit)
        self.keep_button.clicked.connect(self.keep)
        self.remove_button.clicked.connect(self.remove)
        self.test_button.clicked.connect(self.test)
        self._fit()

    def show_settings(self, settings: PacsSettings) -> None:
        """List these archives."""
        self._settings = settings
        chosen = self.name.text()
        self.names.blockSignals(True)
        self.names.clear()
        self.names.addItems([*(peer.name for peer in settings.peers), "New archive…"])
        self.names.blockSignals(False)
        known = [peer.name for peer in settings.peers]
        self.names.setCurrentRow(known.index(chosen) if chosen in known else len(known))
        self._fill(self.names.currentRow())
        self.own_title.setText(settings.ae_title)
        self.own_port.setValue(settings.port)
        self.test_button.setEnabled(settings.enabled and bool(known))

    def keep(self) -> None:
        """Keep what the fields say."""
        protocol: Protocol = self.protocol.currentData()
        web = protocol == "dicomweb"
        peer = Peer(
            self.name.text().strip(),
            protocol,
            "" if web else self.host.text().strip(),
            self.port.value(),
            "" if web else self.ae_title.text().strip(),
            self.url.text().strip() if web else "",
            self.user.text().strip() if web else "",
        )
        peers = list(self._settings.peers)
        row_number = self.names.currentRow()
        if 0 <= row_number < len(peers):
            peers[row_number] = peer
        elif peer.name:
            peers.append(peer)
        own = {"ae_title": self.own_title.text().strip(), "port": self.own_port.value()}
        self.changed.emit(replace(self._settings, peers=tuple(peers), **own))  # type: ignore[arg-type]

    def remove(self) -> None:
        """Forget the chosen one."""
        name = self.name.text().strip()
        self.changed.emit(
            replace(self._settings, peers=tuple(peer for peer in self._settings.peers if peer.name != name))
        )

    def test(self) -> None:
        """Ask the chosen one whether it answers."""
        peer = next((each for each in self._settings.peers if each.name == self.name.text().strip()), None)
        if peer is None:
            self.say("Keep the archive first.")
            return
        self.say("Asking…")
        job = self._session.analyst.start(EchoArchive(peer.name, password_for(peer, self)))
        job.finished.connect(lambda name: self.say(f"{name} answers.", "good"))
        job.failed.connect(lambda failed: self.say(f"{failed.what}. {failed.todo}"))

    def say(self, text: str, role: str = "warning") -> None:
        """A line below the fields."""
        set_role(self.message, role)
        self.message.setText(text)

    def _fill(self, number: int) -> None:
        peers = self._settings.peers
        peer = peers[number] if 0 <= number < len(peers) else Peer("")
        self.name.setText(peer.name)
        self.protocol.setCurrentIndex(self.protocol.findData(peer.protocol))
        self.host.setText(peer.host)
        self.port.setValue(peer.port)
        self.ae_title.setText(peer.ae_title)
        self.url.setText(peer.url)
        self.user.setText(peer.user)
        self.remove_button.setEnabled(bool(peer.name))
        self._fit()

    def _fit(self) -> None:
        web = self.protocol.currentData() == "dicomweb"
        for field in (self.host, self.port, self.ae_title):
            self._form.setRowVisible(field, not web)
        for field in (self.url, self.user):
            self._form.setRowVisible(field, web)
