"""A password, asked for when it is needed and never kept."""

from __future__ import annotations

from PySide6.QtWidgets import QInputDialog, QLineEdit, QWidget

from fineray.pacs.settings import Peer


def password_for(peer: Peer, parent: QWidget) -> str:
    """Empty where the archive wants none, or none was given."""
    if not peer.user:
        return ""
    given, fine = QInputDialog.getText(
        parent, peer.name, f"Password of {peer.user} at {peer.name}", QLineEdit.EchoMode.Password
    )
    return given if fine else ""
