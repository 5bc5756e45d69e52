"""Questions to the catalogue in the background, so that large projects never hold the window up."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from fineray.errors import FinerayError
from fineray.project.project import Project, open_project

SWITCH = 0.0005  # seconds after which the background thread lets the window have the interpreter; usually 0.005


class Loading(QObject):
    """Asks with a connection of its own; of several questions only the last is answered."""

    _answered = Signal(int, object)
    _failed = Signal(int, str)

    def __init__(self, fail: Callable[[str, str, str], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._fail = fail
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._number = 0
        self._answer: Callable[[Any], None] | None = None
        self._answered.connect(self._take)
        self._failed.connect(self._tell)

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self._answer is not None

    def ask(self, root: Path, question: Callable[[Project], Any], answer: Callable[[Any], None]) -> None:
        """Put a question to the project there; `answer` is called in the GUI thread."""
        self._number += 1
        self._answer = answer
        self._pool.clear()
        self._pool.start(_Question(self, self._number, root, question))

    def forget(self) -> None:
        """Want no answer any more, and wait until the project is let go."""
        self._number += 1
        self._answer = None
        self._pool.clear()
        self._pool.waitForDone()

    def run(self, number: int, root: Path, question: Callable[[Project], Any]) -> None:
        """Find the answer, in the background thread."""
        # Drawing the window takes hundreds of small steps in Python, and each would wait this long for its turn.
        usual = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        try:
            with open_project(root) as project:
                found = question(project)
        except (FinerayError, OSError, sqlite3.Error) as error:
            self._failed.emit(number, str(error))
            return
        finally:
            sys.setswitchinterval(usual)
        self._answered.emit(number, found)

    def _take(self, number: int, found: object) -> None:
        if number == self._number and self._answer is not None:
            answer, self._answer = self._answer, None
            answer(found)

    def _tell(self, number: int, text: str) -> None:
        if number == self._number:
            self._answer = None
            self._fail("The project could not be read", text, "Close it and open it again; nothing was changed.")


class _Question(QRunnable):
    def __init__(self, owner: Loading, number: int, root: Path, question: Callable[[Project], Any]) -> None:
        super().__init__()
        self._owner, self._number, self._root, self._question = owner, number, root, question

    def run(self) -> None:
        self._owner.run(self._number, self._root, self._question)
