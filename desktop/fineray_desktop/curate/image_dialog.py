"""One image at full depth, and the regions of it that exports make black."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QSizeF
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from fineray.dicom.letters import Region, text_lines
from fineray.dicom.radiograph import GrayImage
from fineray.engine.requests.project import ReadImage
from fineray.project.blanking import blanked_regions, set_blanked_regions
from fineray.project.catalogue import stored_at
from fineray.project.shown_image import ShownImage
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    label,
    open_at,
    row,
)
from fineray_desktop.widgets.image_view import ImageView


class ImageDialog(QDialog):
    """Shows an image; regions are drawn as frames that can be moved and sized."""

    def __init__(self, session: Session, image: int, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert session.project is not None
        self._session, self._image, self._project = session, image, session.project
        self.setWindowTitle(title)
        open_at(self, 900, 760)
        self.view = ImageView()
        self.view.stand_alone()
        self._frames: list[pg.RectROI] = []
        self.add_button = button("Blank a region", tip="Adds a frame; what lies in it is black in every export")
        self.find_button = button("Find letters", tip="Adds a frame around each line of letters that can be found")
        self.clear_button = button("Remove all")
        self.note = label(role="muted", wrap=True)
        may = not session.read_only
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Save | kinds.Cancel if may else kinds.Close)
        for each in (self.add_button, self.find_button, self.clear_button):
            each.setVisible(may)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.view, 1)
        layout.addLayout(row(self.add_button, self.find_button, self.clear_button, self.note, buttons))
        self.add_button.clicked.connect(lambda: self._add(Region(0.02, 0.02, 0.1, 0.3)))
        self.find_button.clicked.connect(self.find_letters)
        self.clear_button.clicked.connect(self.clear)
        stored = self._project.pixels.read(stored_at(self._project, image))
        self.view.show_image(GrayImage.of_shades(stored))
        self.view.note.clear()
        for region in blanked_regions(self._project, image).get(image, ()):
            self._add(region)
        job = session.reader.start(ReadImage(self._project.root, image))
        job.finished.connect(self._read)
        self._say()

    @property
    def regions(self) -> list[Region]:
        """The frames as they stand, as shares of the image."""
        width, height = self.view.shown_size
        found = []
        for frame in self._frames:
            place, size = frame.pos(), frame.size()
            edges = (
                place.y() / height,
                place.x() / width,
                (place.y() + size.y()) / height,
                (place.x() + size.x()) / width,
            )
            found.append(Region(*(min(max(edge, 0.0), 1.0) for edge in edges)))
        return [each for each in found if each.y1 > each.y0 and each.x1 > each.x0]

    def find_letters(self) -> None:
        """Frame every line of letters that can be found."""
        for region in text_lines(self._project.pixels.read(stored_at(self._project, self._image))):
            self._add(region)

    def clear(self) -> None:
        """Take all frames away."""
        for frame in self._frames:
            self.view.canvas_box.removeItem(frame)
        self._frames.clear()
        self._say()

    def accept(self) -> None:
        set_blanked_regions(self._project, self._image, self.regions)
        super().accept()

    def _add(self, region: Region) -> None:
        width, height = self.view.shown_size
        place = QPointF(region.x0 * width, region.y0 * height)
        size = QSizeF((region.x1 - region.x0) * width, (region.y1 - region.y0) * height)
        frame = pg.RectROI(place, (size.width(), size.height()), pen=pg.mkPen("#e69f00", width=2), removable=False)
        frame.addScaleHandle([0, 0], [1, 1])
        self.view.canvas_box.addItem(frame)
        self._frames.append(frame)
        self._say()

    def _say(self) -> None:
        number = len(self._frames)
        self.note.setText(f"{number} region{'s' * (number != 1)} to be black in exports" if number else "")

    def _read(self, shown: ShownImage) -> None:
        regions = self.regions
        self.view.show_image(shown.gray, spacing=shown.spacing_mm)
        self.clear()
        for region in regions:
            self._add(region)
