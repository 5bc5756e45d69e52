"""A choice among the archives that are listed."""

from __future__ import annotations

from fineray.pacs.settings import PacsSettings
from fineray_desktop.widgets.eliding import ChoiceBox


class ArchiveBox(ChoiceBox):
    """Keeps what was chosen when the list changes."""

    def show_archives(self, settings: PacsSettings) -> None:
        """Offer these."""
        chosen = self.currentText()
        self.clear()
        self.addItems([peer.name for peer in settings.peers])
        self.setCurrentIndex(max(0, self.findText(chosen)))
