"""All settings of a recipe, with the user's own images as the network will see them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from fineray.engine.requests.training import FindRate, ShowViews
from fineray.training.recipe import Recipe, RecipeUnusable, for_mode
from fineray.training.results import RateCurve, ViewsShown
from fineray.training.settings import parts
from fineray_desktop.session import Session
from fineray_desktop.widgets.basics import (
    button,
    card,
    label,
    open_at,
    row,
)
from fineray_desktop.widgets.charts import LineChart
from fineray_desktop.widgets.settings_form import SettingsForm

IMAGES, VIEWS, SIDE = 3, 4, 118  # images, looks at each, pixels
WAIT_MS = 400  # after a change, before views are drawn anew
NO_NUMBER = "A rate is no number; write it as 0.001 or 1e-3."
PARTS: dict[str, type] = {"recipe": Recipe, **parts(Recipe)}
# What is shown of each part, in this order; how is declared with the settings themselves.
SHOWN = {
    "recipe": ("input_size", "pooling", "search_minutes", "shuffled"),
    "head": ("kind", "hidden", "inner_folds"),
    "loss": ("kind", "gamma", "balance", "smoothing", "uncertain", "certainty"),
    "augment": ("rotation", "scale", "shift", "crop", "contrast", "noise", "flip", "views", "test_views"),
    "tuning": (
        *("gradual", "learning_rate", "head_rate", "slower", "batch", "weight_decay", "warm_up", "dropout"),
        *("averaging", "blend", "source_pull", "norms", "validation", "patience"),
    ),
}


class RecipeDialog(QDialog):
    """Edits a recipe; `recipe` is the outcome once it was accepted."""

    def __init__(self, session: Session, recipe: Recipe, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self.recipe = session, recipe
        self.setWindowTitle("Settings of the training")
        open_at(self, 960, 640)
        self.forms = {part: SettingsForm(settings, SHOWN[part]) for part, settings in PARTS.items()}
        self.problem = label(role="warning", wrap=True)
        self._views = QGridLayout()
        self._views.setSpacing(6)
        self.views_note = label("Drawing views of your images…", "muted", wrap=True)
        self.rate_chart = LineChart(
            "Loss by learning rate", "Learning rate", "Loss", empty="A short trial draws the curve.", log_x=True
        )
        self.find_rate = button("Find a rate", tip="A short trial on training images; nothing of it is kept")
        self._lay_out()
        self._waiting = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._waiting.timeout.connect(self._draw_views)
        self.forms["augment"].changed.connect(self._waiting.start)
        self.forms["recipe"].changed.connect(self._waiting.start)
        self.find_rate.clicked.connect(self._find_rate)
        self._fill(recipe)
        self._draw_views()

    def accept(self) -> None:
        edited = self._edited()
        if edited is not None:
            self.recipe = edited
            super().accept()

    def reset(self) -> None:
        """Everything as it begins for the mode; backbone and mode stay."""
        start = for_mode(self.recipe.mode)
        tuning = replace(start.tuning, frozen_stages=self.recipe.tuning.frozen_stages, epochs=self.recipe.tuning.epochs)
        self._fill(replace(start, backbone=self.recipe.backbone, tuning=tuning))
        self._draw_views()

    def _edited(self) -> Recipe | None:
        try:
            inside = {name: form.settings() for name, form in self.forms.items() if name != "recipe"}
            edited: Recipe = replace(self.forms["recipe"].settings(), **inside)
        except (ValueError, RecipeUnusable) as error:
            unusable = isinstance(error, RecipeUnusable)
            self.problem.setText(f"{error.what}. {error.todo}" if unusable else NO_NUMBER)
            self.problem.show()
            return None
        self.problem.hide()
        return edited

    def _fill(self, recipe: Recipe) -> None:
        self.recipe = recipe
        for name, form in self.forms.items():
            form.show_settings(recipe if name == "recipe" else getattr(recipe, name))
        self.problem.hide()

    def _lay_out(self) -> None:
        self.tabs = QTabWidget()
        head = QWidget()
        layout = QVBoxLayout(head)
        layout.setContentsMargins(4, 12, 4, 4)
        for form in (self.forms["recipe"], self.forms["head"]):
            layout.addWidget(form)
        layout.addStretch(1)
        self.tabs.addTab(head, "Input and last layer")
        self.tabs.addTab(self._page(self.forms["loss"]), "Labels and loss")
        looks = QWidget()
        looks.setLayout(self._views)
        beside = QVBoxLayout()
        beside.addWidget(
            label(
                "Your images as the network sees them; the first of each row is the image itself.", "muted", wrap=True
            )
        )
        beside.addWidget(looks)
        beside.addWidget(self.views_note)
        beside.addStretch(1)
        augment = QWidget()
        pair = row(self.forms["augment"], beside, spacing=24)
        pair.setStretch(1, 1)
        pair.setContentsMargins(4, 12, 4, 4)
        augment.setLayout(pair)
        self.tabs.addTab(augment, "Views")
        tuning = QWidget()
        right = QVBoxLayout()
        right.addWidget(card(self.rate_chart), 1)
        right.addWidget(self.find_rate, alignment=Qt.AlignmentFlag.AlignLeft)
        pair = row(self.forms["tuning"], right, spacing=24)
        pair.setStretch(1, 1)
        pair.setContentsMargins(4, 12, 4, 4)
        tuning.setLayout(pair)
        scroll = QScrollArea()
        scroll.setWidget(tuning)
        scroll.setWidgetResizable(True)
        self.tabs.addTab(scroll, "Fine-tuning")
        self.tabs.setTabEnabled(3, self.recipe.mode != "frozen")
        self.tabs.setTabToolTip(3, "" if self.recipe.mode != "frozen" else "With a frozen backbone nothing is tuned")
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.Reset
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        buttons.button(QDialogButtonBox.StandardButton.Reset).clicked.connect(self.reset)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.problem)
        layout.addWidget(buttons)

    @staticmethod
    def _page(form: SettingsForm) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(4, 12, 4, 4)
        layout.addWidget(form)
        layout.addStretch(1)
        return page

    def _draw_views(self) -> None:
        edited, project = self._edited(), self._session.project
        if edited is None or project is None:
            return
        job = self._session.engine.start(ShowViews(project.root, edited, IMAGES, VIEWS))
        job.finished.connect(self._show_views)
        job.failed.connect(lambda failed: self.views_note.setText(f"{failed.what}. {failed.todo}"))

    def _show_views(self, shown: ViewsShown) -> None:
        while (item := self._views.takeAt(0)) is not None:
            item.widget().deleteLater()
        for line, looks in enumerate(shown.rows):
            for column, shades in enumerate(looks):
                image = QImage(
                    shades, shown.input_size, shown.input_size, shown.input_size, QImage.Format.Format_Grayscale8
                )
                scaled = QPixmap.fromImage(image).scaled(
                    SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
                )
                picture = QLabel()
                picture.setPixmap(scaled)
                picture.setAccessibleName("Image" if column == 0 else f"View {column} of the image")
                self._views.addWidget(picture, line, column)
        self.views_note.setText("" if shown.rows else "Label some images to see views of them here.")

    def _find_rate(self) -> None:
        edited, project = self._edited(), self._session.project
        if edited is None or project is None or not self._session.may_change:
            self.problem.setText(self._session.obstacle or self.problem.text())
            self.problem.setVisible(bool(self.problem.text()))
            return
        self.find_rate.setEnabled(False)
        job = self._session.run(FindRate(project.root, edited), "Trying learning rates", self._rate_found)
        job.ended.connect(lambda: self.find_rate.setEnabled(True))

    def _rate_found(self, curve: RateCurve) -> None:
        self.rate_chart.reset()
        self.rate_chart.add("Trial", list(zip(curve.rates, curve.losses, strict=True)))
        form = self.forms["tuning"]
        form.show_settings(replace(form.settings(), learning_rate=float(f"{curve.suggested:.1e}")))
