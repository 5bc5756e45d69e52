"""A choice among the archives that are listed."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox

from core.pacs.settings import PacsSettings


class ArchiveBox(QComboBox):
    """Keeps what was chosen when the list changes."""

    def show_archives(self, settings: PacsSettings) -> None:
        """Offer these."""
        chosen = self.currentText()
        self.clear()
        self.addItems([peer.name for peer in settings.peers])
        self.setCurrentIndex(max(0, self.findText(chosen)))
