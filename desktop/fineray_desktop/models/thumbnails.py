"""Small pictures from the pixel store, made in the background and kept."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap

from fineray.project.pixel_store import PixelStore, StoredAt

KEPT = 1500


class Thumbnails(QObject):
    """Square thumbnails of the project that is open. get() answers at once; ready(image id) tells when one has come."""

    ready = Signal(int)
    _made = Signal(int, QImage, object)  # object: the store that it comes from

    def __init__(self, side: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.side = side
        self._store: PixelStore | None = None
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)  # the store's file maps are used from this one thread
        self._kept: OrderedDict[int, QIcon] = OrderedDict()
        self._asked: set[int] = set()
        self._made.connect(self._keep)

    def open(self, folder: Path) -> None:
        """Make thumbnails from this pixel store from now on; nothing happens if it is open already."""
        if self._store is None or self._store.folder != folder:
            self.close()
            self._store = PixelStore(folder)

    def get(self, image: int, place: StoredAt) -> QIcon | None:
        """The thumbnail, or None while it is being made or no project is open."""
        if image in self._kept:
            self._kept.move_to_end(image)
            return self._kept[image]
        if image not in self._asked and self._store is not None:
            self._asked.add(image)
            # The newest wish first: it is what the user looks at.
            self._pool.start(_Make(self, self._store, image, place), len(self._asked))
        return None

    def close(self) -> None:
        """Give up what has not been made, and let go of the store."""
        self._pool.clear()
        self._pool.waitForDone()
        self._asked.clear()
        self._kept.clear()
        if self._store is not None:
            self._store.close()
            self._store = None

    def make(self, store: PixelStore, image: int, place: StoredAt) -> None:
        """Make one, in the background thread."""
        try:
            pixels = store.read(place)
        except (OSError, ValueError):
            return  # the folder went away; who opens the image is told so
        picture = QImage(pixels.tobytes(), place.columns, place.rows, place.columns, QImage.Format.Format_Grayscale8)
        small = picture.scaled(
            QSize(self.side, self.side), Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        self._made.emit(image, small, store)

    def _keep(self, image: int, picture: QImage, store: PixelStore) -> None:
        if store is not self._store:
            return  # made for a project that was closed meanwhile, whose images have the same numbers
        self._asked.discard(image)
        # An icon made of a pixmap alone would be tinted in the selected row, and a tinted X-ray is another X-ray.
        icon, pixmap = QIcon(), QPixmap.fromImage(picture)
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected, QIcon.Mode.Active):
            icon.addPixmap(pixmap, mode)
        self._kept[image] = icon
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.ready.emit(image)


class _Make(QRunnable):
    def __init__(self, owner: Thumbnails, store: PixelStore, image: int, place: StoredAt) -> None:
        super().__init__()
        self._owner, self._store, self._image, self._place = owner, store, image, place

    def run(self) -> None:
        self._owner.make(self._store, self._image, self._place)
