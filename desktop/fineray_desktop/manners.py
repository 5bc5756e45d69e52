"""What keys and the wheel do in every window alike.

- Undo goes past a text field that has nothing of its own to undo: Qt's fields take the key all the same, and the
  change that a person wants back stays.
- Enter presses the button that has the focus, as Space does.
- The wheel scrolls. It changes no list box, and a number or a slider only where it has the focus: whoever scrolls past
  one must not find another label, run or threshold chosen.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPushButton, QSlider, QWidget

TURNED_BY_WHEEL = (QComboBox, QAbstractSpinBox, QSlider)
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
UNDOES = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)


class Manners(QObject):
    """Watches the part that has the focus, and all that a wheel could turn in a window that got it."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_moved)

    def teach(self, root: QWidget) -> None:
        """Let the wheel scroll over everything in there."""
        for kind in TURNED_BY_WHEEL:
            for control in root.findChildren(kind):
                if control.focusPolicy() == Qt.FocusPolicy.WheelFocus:  # else the wheel brings the focus along
                    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.Wheel and isinstance(watched, TURNED_BY_WHEEL):
            if isinstance(watched, QComboBox) or not watched.hasFocus():
                event.ignore()  # then it goes on to what scrolls
                return True
        elif kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if any(event.matches(each) for each in UNDOES) and not _has_own(watched, event):
                event.ignore()  # then it goes on to the window's action
                return True
        elif kind == QEvent.Type.KeyPress and isinstance(watched, QPushButton) and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if event.key() in ENTER and plain:
                if not event.isAutoRepeat():
                    watched.click()
                return True
        return super().eventFilter(watched, event)

    def _focus_moved(self, before: QWidget | None, now: QWidget | None) -> None:
        if now is None:
            return
        if before is None or before.window() is not now.window():
            self.teach(now.window())
        if isinstance(now, QLineEdit | QAbstractSpinBox | QComboBox | QPushButton):
            now.installEventFilter(self)


def _has_own(watched: QObject, event: QKeyEvent) -> bool:
    """Whether there is something in this field that the key would undo or redo."""
    field = watched if isinstance(watched, QLineEdit) else None
    if isinstance(watched, QAbstractSpinBox | QComboBox):
        field = watched.lineEdit()
    if field is None:
        return not isinstance(watched, QAbstractSpinBox | QComboBox | QPushButton)
    return field.isUndoAvailable() if event.matches(QKeySequence.StandardKey.Undo) else field.isRedoAvailable()
