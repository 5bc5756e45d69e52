"""Screenshots of every page in both themes: `python docs/screenshots.py PROJECT [FOLDER]`, on a (virtual) display.

PROJECT has a finished run (`fineray demo --no-window DIR` makes one); FOLDER is docs/images unless another is given.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from fineray_desktop.main_window import MainWindow
from fineray_desktop.theme import DARK, LIGHT, apply_theme

SIZE = (1360, 860)
COLOURS = 160  # keeps the files small; shades of images stay smooth enough
MINUTE = 60_000


def main() -> None:
    """Take them all."""
    project, folder = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images")
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    for theme in (LIGHT, DARK):
        apply_theme(app, theme)
        with tempfile.TemporaryDirectory() as scratch:
            settings = QSettings(f"{scratch}/settings.ini", QSettings.Format.IniFormat)
            window = MainWindow(settings)
            window.resize(*SIZE)
            window.show()
            _take(window, project, folder, "dark" if theme.dark else "light")
            window.close()


def _take(window: MainWindow, project: Path, folder: Path, theme: str) -> None:
    def save(name: str) -> None:
        _wait(400)
        path = folder / f"{name}-{theme}.png"
        window.grab().save(str(path))
        Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)

    save("start")
    window.open_project(project)
    for name in ("Import", "Curate", "Train"):
        window.show_page(name)
        _wait(2500)
        save(name.lower())
    window.show_page("Review")
    review = window.page("Review")
    _until(lambda: review.state.judgement is not None and not review.busy)
    review.image_panel.explain.method.setCurrentIndex(1)
    _until(lambda: review.image_panel.explain._found is not None)
    save("review")
    for number, name in ((1, "curves"), (2, "subgroups"), (3, "plan")):
        review.tabs.setCurrentIndex(number)
        save(f"review-{name}")
    window.show_page("Predict")
    save("predict")


def _wait(ms: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def _until(met: Callable[[], bool]) -> None:
    for _ in range(MINUTE // 100):
        if met():
            return
        _wait(100)
    raise SystemExit("the page did not settle within a minute")


if __name__ == "__main__":
    main()
