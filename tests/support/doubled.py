"""Lays the window out in a process of its own: `python -m tests.support.doubled FOLDER`; says what it found as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, QSize
from PySide6.QtWidgets import QApplication

from fineray_desktop.theme import LIGHT, apply_theme


def main() -> None:
    """On three classes, at the size that the window has by itself."""
    from tests.support.everywhere import found_faults
    from tests.support.situations import quiet_window, study

    folder = Path(sys.argv[1])
    os.environ["FINERAY_HOME"] = str(folder / "home")
    app = QApplication([])
    apply_theme(app, LIGHT)
    with pytest.MonkeyPatch.context() as patch:
        settings = QSettings(str(folder / "doubled.ini"), QSettings.Format.IniFormat)
        window = quiet_window(settings, patch)
        window.show()
        size = QSize(window.size())
        screen = window.screen().availableSize()
        seen = found_faults(window, study(folder, 3, False), (size,))
        told = {"ratio": window.devicePixelRatio(), "screen": [screen.width(), screen.height()],
                "window": [size.width(), size.height()], "faults": seen}  # fmt: skip
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        os._exit(0)  # nothing runs that would have to be waited for


if __name__ == "__main__":
    main()
