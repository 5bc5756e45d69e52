"""Page Curate: labels with a preview, the split, the sealed test set, data checks, readers; and the images."""

from __future__ import annotations

from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from fineray_desktop.curate.check_panel import CheckPanel
from fineray_desktop.curate.image_browser import ImageBrowser
from fineray_desktop.curate.label_panel import LabelPanel
from fineray_desktop.curate.reader_panel import ReaderPanel
from fineray_desktop.curate.seal_panel import SealPanel
from fineray_desktop.curate.split_panel import SplitPanel
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import label, scrolling_column


class CuratePage(QWidget):
    """Left what to do, right the images it concerns."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.labels = LabelPanel(session)
        self.split = SplitPanel(session)
        self.seal = SealPanel(session)
        self.checks = CheckPanel(session)
        self.readers = ReaderPanel(session)
        self.images = ImageBrowser(session)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setMinimumWidth(360)
        for title, parts in (
            ("Labels", (self.labels,)),
            ("Split", (self.split, self.seal)),
            ("Checks", (self.checks,)),
            ("Readers", (self.readers,)),
        ):
            self.tabs.addTab(scrolling_column(*parts), title)
        splitter = QSplitter()
        splitter.addWidget(self.tabs)
        splitter.addWidget(self.images)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([400, 800])
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(label("Curate", "title"))
        layout.addWidget(splitter, 1)
        for panel in (self.checks, self.readers):
            panel.show_images.connect(self.images.show_images)
        self.readers.compared.connect(self.images.show_second)
        session.project_opened.connect(self.refresh)
        session.data_changed.connect(self.checks.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the open project."""
        for panel in (self.labels, self.split, self.seal, self.checks, self.readers):
            panel.refresh()
