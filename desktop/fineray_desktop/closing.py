"""Closing the window while something is under way: asks, and keeps what was done before the window goes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from fineray.engine.requests.project import ImportFolders
from fineray.engine.requests.training import Pausable
from fineray_desktop.engine_client import Job
from fineray_desktop.session import Session

PATIENCE_MS = 60_000  # for a checkpoint; after that what was kept a minute ago has to do


class Closing(QObject):
    """Says when the window may go. Nothing here waits: the answer, and the checkpoint, come as signals."""

    done = Signal()  # nothing is under way any more

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        self._box: QMessageBox | None = None
        self._waiting = False
        self._patience = QTimer(self, interval=PATIENCE_MS, singleShot=True)
        self._patience.timeout.connect(self._end)
        session.busy_changed.connect(self._look)

    @property
    def box(self) -> QMessageBox | None:
        """The question, or the word that what was done is being kept, while it is on show."""
        return self._box

    def may_close(self) -> bool:
        """Whether the window may go at once; otherwise the user is asked."""
        if not self._session.busy:
            return True
        if self._box is None:
            self._ask()
        return False

    def pause_and_close(self) -> None:
        """Without a question: keep what was done, then let the window go."""
        if not self._session.busy:
            self.done.emit()
            return
        if not self._waiting:
            self._waiting = True
            self._patience.start()
            self._session.pause()
            self._tell()

    def _ask(self) -> None:
        what, kept, pausing = _in_words(self._session.running)
        box = self._show(f"{what} is under way.\n\n{kept}")
        yes = box.addButton(f"{pausing} and close", QMessageBox.ButtonRole.AcceptRole)
        yes.clicked.connect(self.pause_and_close)
        box.setDefaultButton(box.addButton("Go on", QMessageBox.ButtonRole.RejectRole))
        box.open()

    def _tell(self) -> None:
        box = self._show("What was done is being kept. The window closes in a moment.")
        at_once = box.addButton("Close at once", QMessageBox.ButtonRole.DestructiveRole)
        at_once.setToolTip("What was done since the last checkpoint, up to a minute of work, is lost")
        at_once.clicked.connect(self._end)
        box.open()

    def _show(self, text: str) -> QMessageBox:
        if self._box is not None:
            self._box.close()
        self._box = QMessageBox(QMessageBox.Icon.Question, "Close Fineray", text, parent=self._window)
        self._box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        shown = self._box
        shown.finished.connect(lambda: self._forget(shown))
        return shown

    def _forget(self, box: QMessageBox) -> None:
        if self._box is box:
            self._box = None

    def _look(self) -> None:
        if self._session.busy:
            return
        if self._waiting:
            self._end()
        elif self._box is not None:
            self._box.close()  # it ended while the question stood: there is nothing to ask any more

    def _end(self) -> None:
        self._patience.stop()
        self._waiting = False
        if self._box is not None:
            self._box.close()
        self.done.emit()


def _in_words(running: list[Job]) -> tuple[str, str, str]:
    """(what is under way, what becomes of it, what stopping it is called)."""
    requests = [job.request for job in running]
    if any(isinstance(request, Pausable) for request in requests):
        return "Training", "Paused, all that was done is kept; page Train goes on from there.", "Pause it"
    if any(isinstance(request, ImportFolders) for request in requests):
        return "An import", "What was read is kept; import the folder again to go on.", "Stop it"
    return "A step", "What is finished of it is kept; the step can be started again.", "Stop it"
