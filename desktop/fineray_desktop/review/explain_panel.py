"""Where the evidence lies: the overlay, its checks, and the mean over a cell."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QSlider, QVBoxLayout, QWidget

from fineray.engine.protocol import Failed
from fineray.engine.requests.review import ExplainImage
from fineray.explaining.results import Explained
from fineray_desktop.review.side_question import SideQuestion
from fineray_desktop.review.state import ReviewState
from fineray_desktop.widgets.basics import (
    button,
    label,
    row,
    set_role,
)
from fineray_desktop.widgets.eliding import ChoiceBox
from fineray_desktop.widgets.image_tools import SCALES
from fineray_desktop.widgets.image_view import ImageView

METHODS = (
    ("No overlay", "", "The image alone"),
    ("Grad-CAM", "grad-cam", "What the last layer weighed, at every stage that it sees; adds up to the score"),
    ("Occlusion", "occlusion", "How the score falls when a patch is blurred away; slower, needs no gradient"),
)
CAUTION = "A map shows what the model weighed, not where disease is: on chest images such maps do worse than readers."


class ExplainPanel(QWidget):
    """Controls of the overlay. A map that fails a check is not shown in colour unless it is asked for."""

    cell_asked = Signal(str)  # the class whose mean map over the listed images is wanted

    def __init__(self, state: ReviewState, view: ImageView) -> None:
        super().__init__()
        self._state, self._view = state, view
        self._image: tuple[int, str] | None = None
        self._found: Explained | None = None
        self.question = SideQuestion(state, self._explained, self._failed)
        self.method = ChoiceBox()
        self.method.setAccessibleName("Explanation")
        for number, (text, name, tip) in enumerate(METHODS):
            self.method.addItem(text, name)
            self.method.setItemData(number, tip, Qt.ItemDataRole.ToolTipRole)
        self.class_name = ChoiceBox()
        self.class_name.setAccessibleName("Evidence for")
        self.class_name.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.scale = ChoiceBox()
        self.scale.setAccessibleName("Colours of the overlay")
        for text, scale in SCALES:
            self.scale.addItem(text, scale)
        self.opacity = QSlider(Qt.Orientation.Horizontal, minimum=10, maximum=100, value=55)
        self.opacity.setAccessibleName("Opacity of the overlay")
        self.opacity.setMinimumWidth(60)
        self.badge = label(wrap=True, tip=CAUTION)
        self.anyway_button = button("Show it anyway", "link")
        self.mean_button = button(
            "Mean map of the list…", "link", "Evidence over all images listed: shortcuts show there"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row(self.method, label("for", "muted"), self.class_name, None))
        layout.addLayout(row(self.scale, self.opacity))
        layout.addWidget(self.badge)
        layout.addLayout(row(self.anyway_button, None, self.mean_button))
        layout.addStretch(1)
        self.method.currentIndexChanged.connect(self._explain)
        self.class_name.currentIndexChanged.connect(self._explain)
        self.scale.currentIndexChanged.connect(self._paint)
        self.opacity.valueChanged.connect(self._paint)
        self.anyway_button.clicked.connect(self.show_anyway)
        self.mean_button.clicked.connect(lambda: self.cell_asked.emit(self.class_name.currentText()))
        state.opened.connect(self._offer_classes)
        self._forced = False
        self._say(CAUTION, "muted")
        self.anyway_button.hide()

    def show_image(self, image: int | None, fold: str, predicted: str) -> None:
        """An image; explained at once if an overlay is wanted, for what was predicted (empty while that is not known).
        What is shown or asked for of it stays while image and class stay."""
        before = self._image, self.class_name.currentText()
        self._image = None if image is None else (image, fold)
        names = [self.class_name.itemText(number) for number in range(self.class_name.count())]
        self.class_name.blockSignals(True)
        if predicted or self._image != before[0]:
            self.class_name.setCurrentIndex(names.index(predicted) if predicted in names else 0)
        self.class_name.blockSignals(False)
        same = before == (self._image, self.class_name.currentText())
        if not same or (self._found is None and not self.question.waiting):
            self._explain()

    def show_anyway(self) -> None:
        """Show a map that failed a check."""
        self._forced = True
        self._paint()

    @property
    def busy(self) -> bool:
        """Whether a map is being made, or waits for its turn."""
        return self.question.waiting

    def _offer_classes(self) -> None:
        opened, predictions = self._state.run, self._state.predictions
        if opened is None or predictions is None:
            return
        multilabel = self._state.multilabel
        names = [self._state.view.finding] if multilabel else list(predictions.classes)
        self.class_name.blockSignals(True)
        self.class_name.clear()
        self.class_name.addItems(names)
        self.class_name.blockSignals(False)
        self._image = None  # of another run, side or finding: what is shown of it says nothing here

    def _explain(self) -> None:
        self.question.drop()
        self._found, self._forced = None, False
        self._paint()
        project, opened = self._state.session.project, self._state.run
        method = str(self.method.currentData())
        if project is None or opened is None or self._image is None or not method:
            return
        image, part = self._image
        fold = part if part.isdecimal() else ""
        name = self.class_name.currentText()
        self._say("Working out where the evidence lies…", "muted")
        self.question.ask(
            ExplainImage(project.root, opened.folder.name, image, name, method, fold)  # type: ignore[arg-type]
        )

    def _explained(self, found: Explained) -> None:
        self._found = found
        self._paint()

    def _failed(self, failed: Failed) -> None:
        self._say(f"{failed.what}. {failed.todo}", "warning")

    def _paint(self) -> None:
        found = self._found
        shown = found is not None and (self._forced or not found.problems)
        self.anyway_button.setVisible(found is not None and bool(found.problems) and not self._forced)
        if found is None:
            self._view.show_overlay(None)
            if not self.method.currentData():
                self._say(CAUTION, "muted")
            return
        if shown:
            self._view.show_overlay(found.evidence, str(self.scale.currentData()), self.opacity.value() / 100)
        else:
            self._view.show_overlay(None)
        if found.problems:
            self._say("Unstable, not to be read: " + " ".join(found.problems), "warning")
            return
        # Test images were seen by no model; of a fold's images the final model has seen all.
        seen = not found.held_out and self._image is not None and self._image[1].isdecimal()
        whose = " By the final model, which may have learned from this image." if seen else ""
        self._say(
            f"Passed its checks (likeness to an untaught network {found.random_likeness:.2f}; {found.on_border:.0%}"
            f" on the border).{whose}",
            "good",
        )

    def _say(self, text: str, role: str) -> None:
        self.badge.setText(text)
        set_role(self.badge, role)
