"""Entry point of `fineray`: the window, or a command of the command line."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """`fineray [PROJECT]` opens the window, `fineray demo [DIR]` opens it on the demo; the rest goes to core.cli."""
    multiprocessing.freeze_support()
    given = list(sys.argv[1:] if arguments is None else arguments)
    demo = given[:1] == ["demo"] and not {"--no-window", "--json", "-h", "--help"} & set(given)
    if demo and not _has_display():
        sys.stderr.write("fineray: no display found; the demo runs without a window.\n")
        given.append("--no-window")
        demo = False
    project = len(given) == 1 and (Path(given[0]) / "catalogue.sqlite").is_file()
    if given and not demo and not project:
        from core.cli import main as command_line

        return command_line(given)
    if not _has_display():
        sys.stderr.write("fineray: no display found. Use a command instead; `fineray --help` lists them.\n")
        return 1
    demo_in: Path | None = None
    if demo:
        from core.project.paths import demo_folder

        options = argparse.ArgumentParser(prog="fineray demo")
        options.add_argument("folder", type=Path, nargs="?")
        demo_in = demo_folder(options.parse_args(given[1:]).folder)
    return open_window(Path(given[0]) if project else None, demo_in)


def open_window(project: Path | None, demo_in: Path | None) -> int:
    """Run the window until it is closed; returns the exit status."""
    from PySide6.QtCore import QSettings, QTimer
    from PySide6.QtWidgets import QApplication

    from desktop.main_window import MainWindow
    from desktop.theme import apply_theme, wanted_theme

    app = QApplication(sys.argv[:1])
    app.setApplicationName("Fineray")
    app.setOrganizationName("Fineray")
    settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "Fineray", "Fineray")
    apply_theme(app, wanted_theme(str(settings.value("theme", "system"))))
    window = MainWindow(settings)
    window.show()
    if project is not None:
        QTimer.singleShot(0, lambda: window.open_project(project))
    if demo_in is not None:
        QTimer.singleShot(0, lambda: window.start_demo(demo_in))
    return app.exec()


def _has_display() -> bool:
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    raise SystemExit(main())
