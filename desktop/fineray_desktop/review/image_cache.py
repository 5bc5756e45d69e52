"""Images at full depth, read ahead, so that the next one is there at once."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QObject, Signal

from fineray.engine.protocol import Failed
from fineray.engine.requests.project import ReadImage
from fineray.project.shown_image import ShownImage
from fineray_desktop.engine_client import Job
from fineray_desktop.session import Session

KEPT = 12  # images, of up to some ten megabytes each


class ImageCache(QObject):
    """get() answers at once or has the image read; ready and failed tell when that has come to an end."""

    ready = Signal(object)  # ShownImage
    failed = Signal(int, object)  # image id, Failed

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._kept: OrderedDict[int, ShownImage] = OrderedDict()
        self._reading: dict[int, Job] = {}
        session.project_closed.connect(self.forget)

    @property
    def reading(self) -> bool:
        """Whether an image is being read."""
        return bool(self._reading)

    def get(self, image: int) -> ShownImage | None:
        """The image, or None; then it is read before any other, and what was read ahead before is given up."""
        if image in self._kept:
            self._kept.move_to_end(image)
            return self._kept[image]
        for other in [other for other in self._reading if other != image]:
            self._reading.pop(other).cancel()
        self.ahead([image])
        return None

    def ahead(self, images: list[int]) -> None:
        """Read these too, unless they are there."""
        project = self._session.project
        if project is None:
            return
        for image in images:
            if image not in self._kept and image not in self._reading:
                job = self._session.reader.start(ReadImage(project.root, image))
                self._reading[image] = job
                job.finished.connect(self._keep)
                job.failed.connect(lambda failed, image=image: self._give_up(image, failed))

    def forget(self) -> None:
        """Keep nothing."""
        for job in self._reading.values():
            job.cancel()
        self._reading.clear()
        self._kept.clear()

    def _keep(self, shown: ShownImage) -> None:
        if self._reading.pop(shown.image, None) is None:
            return  # given up meanwhile
        self._kept[shown.image] = shown
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.ready.emit(shown)

    def _give_up(self, image: int, failed: Failed) -> None:
        if self._reading.pop(image, None) is not None:
            self.failed.emit(image, failed)
