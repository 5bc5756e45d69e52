"""The training images most like the one on show, with their labels."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from fineray.engine.protocol import Failed
from fineray.engine.requests.review import FindNearest
from fineray.explaining.results import Neighbour
from fineray.project.catalogue import stored_at
from fineray_desktop.models.thumbnails import Thumbnails
from fineray_desktop.review.side_question import SideQuestion
from fineray_desktop.review.state import ReviewState
from fineray_desktop.widgets.eliding import CutLabel

SIDE = 72
TIP = "None is of this patient or was held out with this image, so the model learned from each of them"


class NearPanel(QWidget):
    """Asks only while it is on show."""

    chosen = Signal(int)

    def __init__(self, state: ReviewState, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._state, self._thumbnails = state, thumbnails
        self._image: tuple[int, str] | None = None
        self.question = SideQuestion(state, self._show, self._failed)
        self.list = QListWidget()
        self.list.setAccessibleName("Most alike training images")
        self.list.setToolTip(TIP)
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setFlow(QListView.Flow.LeftToRight)
        self.list.setWrapping(False)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setIconSize(QSize(SIDE, SIDE))
        self.list.setSpacing(3)
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.text = CutLabel(role="muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.text)
        self.list.itemActivated.connect(self._choose)
        self.list.itemClicked.connect(self._choose)
        thumbnails.ready.connect(self._picture_came)
        state.opened.connect(self._forget)

    def show_image(self, image: int | None, part: str) -> None:
        """An image; what is known of it stays while it stays."""
        other = None if image is None else (image, part)
        if other != self._image or other is None:
            self._image = other
            self.list.clear()
            self._ask()

    def _forget(self) -> None:
        self._image = None  # of another run: what is known of it says nothing here

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        if self.list.count() == 0:
            self._ask()

    def hideEvent(self, event: object) -> None:
        super().hideEvent(event)  # type: ignore[arg-type]
        self.question.drop()

    def _ask(self) -> None:
        self.question.drop()
        project, opened = self._state.session.project, self._state.run
        if project is None or opened is None or self._image is None or not self.isVisible():
            return
        self.text.setText("Looking for alike images…")
        self.question.ask(FindNearest(project.root, opened.folder.name, *self._image))

    def _failed(self, failed: Failed) -> None:
        self.text.setText(f"{failed.what}. {failed.todo}")

    def _show(self, found: tuple[Neighbour, ...]) -> None:
        project = self._state.session.project
        if project is None:
            return
        self.list.clear()
        for each in found:
            item = QListWidgetItem(each.label)
            item.setData(Qt.ItemDataRole.UserRole, each.image)
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            item.setToolTip(f"{each.patient}, {each.label}, similarity {each.similarity:.2f}")
            item.setSizeHint(QSize(SIDE + 14, SIDE + 26))
            icon = self._thumbnails.get(each.image, stored_at(project, each.image))
            if icon is not None:
                item.setIcon(icon)
            self.list.addItem(item)
        counted: dict[str, int] = {}
        for each in found:
            counted[each.label] = counted.get(each.label, 0) + 1
        said = ", ".join(f"{number} {name}" for name, number in sorted(counted.items(), key=lambda pair: -pair[1]))
        self.text.setText(f"Of {len(found)}: {said}")

    def _picture_came(self, image: int) -> None:
        project = self._state.session.project
        for number in range(self.list.count()):
            item = self.list.item(number)
            if item.data(Qt.ItemDataRole.UserRole) == image and project is not None:
                icon = self._thumbnails.get(image, stored_at(project, image))
                if icon is not None:
                    item.setIcon(icon)

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(int(item.data(Qt.ItemDataRole.UserRole)))
