"""Small parts: labels with a role, cards, the error banner."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from fineray.engine.protocol import Failed
from fineray_desktop.widgets.flow import FlowLayout
from fineray_desktop.widgets.scrolling import Scrolling

CHOICE = 40  # points beside the text of a button of the role choice (resources/fineray_resources/style.qss)


def label(text: str = "", role: str = "", *, wrap: bool = False, tip: str = "") -> QLabel:
    """A label; roles are title, heading, figure, muted, warning, good (resources/fineray_resources/style.qss)."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)  # names of classes, files and models are words, whatever stands in them
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    made.setToolTip(tip)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Change a widget's role and dress it anew."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def button(text: str, role: str = "", tip: str = "") -> QPushButton:
    """A push button; roles are primary, link, page, choice (as wide as its text in bold, which it is when chosen)."""
    made = QPushButton(text)
    made.setProperty("role", role)
    if role == "choice":
        bold = QFont(made.font())
        bold.setWeight(QFont.Weight.Bold)
        made.setMinimumWidth(QFontMetrics(bold).horizontalAdvance(text) + CHOICE)
    made.setToolTip(tip)
    made.setAutoDefault(False)
    return made


def plain(text: str) -> str:
    """A name that a user or a file gave, for a button or a menu: an & in it is no key."""
    return text.replace("&", "&&")


def spin_box(minimum: int, maximum: int, value: int = 0) -> QSpinBox:
    """A box for whole numbers."""
    made = QSpinBox(minimum=minimum, maximum=maximum, value=value)
    made.lineEdit().setTextMargins(6, 0, 0, 0)  # Qt leaves a style sheet's padding out here
    return made


def number_box(
    minimum: float, maximum: float, value: float, *, step: float = 0.01, decimals: int = 2
) -> QDoubleSpinBox:
    """A box for numbers with decimals."""
    made = QDoubleSpinBox(minimum=minimum, maximum=maximum, singleStep=step, decimals=decimals, value=value)
    made.lineEdit().setTextMargins(6, 0, 0, 0)  # Qt leaves a style sheet's padding out here
    return made


def card(*content: QWidget | QLayout, margin: int = 14, spacing: int = 8) -> QFrame:
    """A framed panel with its content from top to bottom."""
    frame = QFrame()
    frame.setProperty("role", "card")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(spacing)
    for part in content:
        if isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)
    return frame


def row(*content: QWidget | QLayout | None, spacing: int = 8) -> QHBoxLayout:
    """Content side by side; None stands for the space that stretches."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for part in content:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)
    return layout


def scrolling_column(*parts: QWidget) -> QScrollArea:
    """Parts from top to bottom, as wide as the area; it scrolls up and down where it is too low."""
    inside = QWidget()
    layout = QVBoxLayout(inside)
    layout.setContentsMargins(0, 0, 8, 0)
    layout.setSpacing(12)
    for part in parts:
        layout.addWidget(part)
    layout.addStretch(1)
    return Scrolling(inside, Qt.Orientation.Vertical)


def flowing(*widgets: QWidget, spacing: int = 8) -> QWidget:
    """Widgets side by side that go on in the next line where there is no more room."""
    made = QWidget()
    made.setLayout(FlowLayout(*widgets, spacing=spacing))
    return made


def open_at(dialog: QDialog, width: int, height: int) -> None:
    """Give a dialog this size, or what the screen has."""
    dialog.resize(QSize(width, height).boundedTo(_screen()))


def keep_whole(dialog: QDialog) -> None:
    """Let a dialog grow with its wrapped texts, as far as the screen goes; Qt itself would squeeze them."""
    dialog.installEventFilter(_Growing(dialog))


class _Growing(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QDialog) and event.type() in (QEvent.Type.Show, QEvent.Type.LayoutRequest):
            layout = watched.layout()
            if layout is not None and layout.hasHeightForWidth():
                needed = min(layout.totalHeightForWidth(watched.width()), _screen().height())
                if watched.height() < needed:
                    watched.resize(watched.width(), needed)
        return False


def _screen() -> QSize:
    """The points that a dialog may have: less than the screen by its frame and title."""
    return QGuiApplication.primaryScreen().availableSize() - QSize(24, 56)


def ask_output(parent: QWidget, title: str, name: str, kinds: dict[str, str]) -> Path | None:
    """Where a new file goes, None if nowhere. kinds: ending -> what it is called; the chosen one is added to a name
    without any of them."""
    filters = [f"{called} (*{ending})" for ending, called in kinds.items()]
    chosen, kind = QFileDialog.getSaveFileName(parent, title, str(Path.home() / name), ";;".join(filters))
    path = Path(chosen)
    if not chosen or path.suffix.lower() in kinds:
        return path if chosen else None
    ending = next((each for each, made in zip(kinds, filters, strict=True) if made == kind), next(iter(kinds)))
    return path.with_name(path.name + ending)


def sure(parent: QWidget, question: str, text: str, yes: str) -> bool:
    """Ask before what cannot be taken back; whether the user pressed the button `yes`."""
    box = QMessageBox(QMessageBox.Icon.Question, question, f"{question}\n\n{text}", parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    accept = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return box.clickedButton() is accept


class ErrorBanner(QFrame):
    """What went wrong, where, and what to do; stays until it is dismissed."""

    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "error")
        self._what = label(role="heading", wrap=True)
        self._todo = label(wrap=True)
        self._details = ""
        self._copy = button("Copy details", "link")
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._details))
        close = button("Dismiss")
        close.clicked.connect(self.hide)
        close.clicked.connect(self.dismissed)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self._what)
        texts.addWidget(self._todo)
        texts.addWidget(self._copy, alignment=Qt.AlignmentFlag.AlignLeft)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 10, 10, 10)
        layout.addLayout(texts, 1)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_error(self, failed: Failed) -> None:
        """Fill in and show."""
        self._what.setText(failed.what + (f" — {failed.where}" if failed.where else ""))
        self._todo.setText(failed.todo)
        self._details = failed.details
        self._copy.setVisible(bool(failed.details))
        self.show()

    @property
    def text(self) -> str:
        """All that it says."""
        return f"{self._what.text()}\n{self._todo.text()}"
