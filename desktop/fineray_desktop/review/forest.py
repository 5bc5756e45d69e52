"""Tab Subgroups: a forest plot of AUC, sensitivity or specificity; a click looks at that subgroup alone."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QVBoxLayout, QWidget

from fineray.evaluation.intervals import Estimate
from fineray.evaluation.subgroups import FEWEST_EVENTS, AttributeSubgroups, Subgroup
from fineray.evaluation.wording import chance, interval, number
from fineray_desktop.review.fading import fade
from fineray_desktop.review.state import ReviewState
from fineray_desktop.theme import current_theme
from fineray_desktop.widgets.basics import card, label, row
from fineray_desktop.widgets.eliding import ChoiceBox

LINE, NAMES, NUMBERS, TOP = 24, 148, 44, 8
SHOWN = (("AUC", "auc"), ("Sensitivity", "sensitivity"), ("Specificity", "specificity"))


class Forest(QWidget):
    """Attributes with their subgroups, one a line; arrow keys move, Enter looks at the subgroup."""

    chosen = Signal(str, str)  # attribute, value

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[AttributeSubgroups, Subgroup | None]] = []
        self._what, self._overall, self._cursor = "auc", None, -1  # type: tuple[str, float | None, int]
        self._from = 0.0  # what the left end stands for
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Figures by subgroup")

    def show_splits(self, splits: tuple[AttributeSubgroups, ...], what: str, overall: float | None) -> None:
        """what: the figure that is drawn; overall: its value on all images in view."""
        self._lines = [
            line for split in splits for line in ((split, None), *((split, each) for each in split.subgroups))
        ]
        self._what, self._overall, self._cursor = what, overall, -1
        lows = [low for _, each in self._lines if each is not None and (low := self._estimate(each).low) is not None]
        self._from = min(np.floor(10 * min(lows, default=0.0)) / 10, 0.9)
        spoken = (
            f"{split.title} {each.value}: {number(self._estimate(each).value)}, {each.images} images"
            for split, each in self._lines
            if each is not None
        )
        self.setAccessibleDescription("; ".join(spoken))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(360, 2 * TOP + LINE * (len(self._lines) + 1))

    def minimumSizeHint(self) -> QSize:
        return QSize(260, self.sizeHint().height())

    def line_center(self, attribute: str, value: str) -> QPointF:
        """The middle of a subgroup's line."""
        place = next(
            place
            for place, (split, each) in enumerate(self._lines)
            if split.attribute == attribute and each is not None and each.value == value
        )
        return QPointF(self.width() / 2, TOP + (place + 0.5) * LINE)

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bottom = TOP + LINE * len(self._lines)
        for place, (split, each) in enumerate(self._lines):
            box = QRectF(0, TOP + place * LINE, self.width(), LINE)
            if place == self._cursor:
                painter.fillRect(box, QColor(theme.raised))
            if self._overall is not None and each is not None:
                painter.setPen(QPen(QColor(theme.warning), 1, Qt.PenStyle.DashLine))
                x = self._x(self._overall)
                painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
            self._paint_line(painter, box, split, each)
        painter.setPen(QColor(theme.muted))
        for tick in (self._from, (self._from + 1) / 2, 1.0):
            painter.drawText(QRectF(self._x(tick) - 20, bottom, 40, LINE), Qt.AlignmentFlag.AlignCenter, f"{tick:.2g}")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._place(event.position().y())
        self._cursor = place if place is not None else -1
        self.setCursor(Qt.CursorShape.ArrowCursor if place is None else Qt.CursorShape.PointingHandCursor)
        if place is not None:
            split, each = self._lines[place]
            assert each is not None
            small = f" Fewer than {FEWEST_EVENTS} images on one side." if each.small else ""
            estimate = self._estimate(each)
            tip = (
                f"{split.title} {each.value}: {number(estimate.value)} ({interval(estimate)}), {each.images:,} images"
                f" of {each.patients:,} patients, {each.positives:,} positive.{small}"
            )
            QToolTip.showText(event.globalPosition().toPoint(), tip, self)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._place(event.position().y())
        if place is not None:
            self._choose(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        places = [place for place, (_, each) in enumerate(self._lines) if each is not None]
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up) and places:
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            now = places.index(self._cursor) if self._cursor in places else (-1 if step > 0 else len(places))
            self._cursor = places[min(max(now + step, 0), len(places) - 1)]
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._cursor in places:
            self._choose(self._cursor)
        else:
            super().keyPressEvent(event)

    def _choose(self, place: int) -> None:
        split, each = self._lines[place]
        assert each is not None
        self.chosen.emit(split.attribute, each.value)

    def _place(self, y: float) -> int | None:
        place = int((y - TOP) // LINE)
        inside = 0 <= place < len(self._lines) and self._lines[place][1] is not None
        return place if inside else None

    def _estimate(self, each: Subgroup) -> Estimate:
        found: Estimate = getattr(each, self._what)
        return found

    def _x(self, value: float) -> float:
        share = (value - self._from) / (1 - self._from)
        return NAMES + share * max(self.width() - NAMES - NUMBERS - 12, 10)

    def _paint_line(self, painter: QPainter, box: QRectF, split: AttributeSubgroups, each: Subgroup | None) -> None:
        theme = current_theme()
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if each is None:
            font = painter.font()
            font.setBold(True)
            painter.setFont(font)
            painter.setPen(QColor(theme.text))
            painter.drawText(box, left, split.title)
            font.setBold(False)
            painter.setFont(font)
            if split.p_holm is not None:
                sure = split.p_holm < 0.05
                painter.setPen(QColor(theme.warning if sure else theme.muted))
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(box, right, f"difference: {chance(split.p_holm)}")
            return
        estimate = self._estimate(each)
        colour = QColor(theme.muted if each.small else theme.accent)
        painter.setPen(QColor(theme.muted if each.small else theme.text))
        name = painter.fontMetrics().elidedText(each.value, Qt.TextElideMode.ElideRight, NAMES - 60)
        painter.drawText(QRectF(10, box.top(), NAMES - 60, LINE), left, name)
        painter.setPen(QColor(theme.muted))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(NAMES - 56, box.top(), 46, LINE), right, f"{each.images:,}")
        if estimate.value is None or estimate.low is None or estimate.high is None:
            return
        middle = box.center().y()
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(self._x(estimate.low), middle), QPointF(self._x(estimate.high), middle))
        painter.setBrush(QColor(theme.surface) if each.small else colour)
        painter.drawEllipse(QPointF(self._x(estimate.value), middle), 3.5, 3.5)
        painter.setPen(QColor(theme.muted if each.small else theme.text))
        painter.drawText(QRectF(box.right() - NUMBERS, box.top(), NUMBERS, LINE), right, f"{estimate.value:.3f}")


class SubgroupTab(QWidget):
    """The forest plot and what it says."""

    chosen = Signal(str, str)

    def __init__(self, state: ReviewState) -> None:
        super().__init__()
        self._state = state
        self.what = ChoiceBox()
        self.what.setAccessibleName("Figure by subgroup")
        for text, name in SHOWN:
            self.what.addItem(text, name)
        self.forest = Forest()
        self.note = label(role="muted", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(card(row(label("By subgroup", "heading"), None, self.what), self.forest, self.note))
        layout.addStretch(1)
        self.what.currentIndexChanged.connect(self._show)
        self.forest.chosen.connect(self.chosen)
        state.judged.connect(self._show)
        state.shown_changed.connect(self._age)
        state.opened.connect(lambda: self._say("Subgroups are being worked out…"))

    def _age(self) -> None:
        """What is drawn belongs to the choice before until the next subgroups have come."""
        fade(self.forest, True)
        self.note.setText("Subgroups are being worked out…")

    def _show(self) -> None:
        found = self._state.judgement
        if found is None:
            return
        fade(self.forest, False)
        name = str(self.what.currentData())
        overall: Estimate = getattr(found.figures, name)
        self.forest.show_splits(found.subgroups, name, overall.value)
        self.forest.setVisible(bool(found.subgroups))
        if not found.subgroups:
            self.note.setText("The images in view do not differ in any attribute.")
            return
        self.note.setText(
            "The number of images stands beside each name; the dashed line is all images in view. Grey: fewer than"
            f" {FEWEST_EVENTS} images on one side. p is of no difference in AUC, corrected after Holm."
            " Click a line to look at that subgroup alone."
        )

    def _say(self, text: str) -> None:
        self.forest.hide()
        self.note.setText(text)
