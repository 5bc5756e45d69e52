"""When the computer wants Fineray to go: the session ends, or a signal asks for it."""

from __future__ import annotations

import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QSessionManager

from fineray_desktop.main_window import MainWindow

SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")


class Leaving(QObject):
    """Keeps what was done before the window goes. Make it once, in the main thread."""

    def __init__(self, app: QGuiApplication, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        app.commitDataRequest.connect(self._session_ends, Qt.ConnectionType.DirectConnection)
        # Python hears of a signal only when its own code runs, and the event loop is none of it: a byte wakes it up.
        self._ours, self._theirs = socket.socketpair()
        for end in (self._ours, self._theirs):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._signalled)
        signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        for name in SIGNALS:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda number, frame: None)

    def _signalled(self) -> None:
        numbers = self._ours.recv(64)
        if any(number in {getattr(signal, name, None) for name in SIGNALS} for number in numbers):
            self._window.closing.pause_and_close()

    def _session_ends(self, manager: QSessionManager) -> None:
        if not self._window.session.busy:
            return
        if manager.allowsInteraction():
            manager.cancel()  # until the user has answered; the question must not hold the system's own call up
            manager.release()
            QTimer.singleShot(0, self._window.close)
        else:
            self._window.session.pause()
