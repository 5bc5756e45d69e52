"""Entry point of `fineray`: the window, or a command of the command line."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from fineray.system.processes import begin_program

if TYPE_CHECKING:  # Qt is imported for the window alone
    from fineray_desktop.main_window import MainWindow


def main(arguments: Sequence[str] | None = None) -> int:
    """`fineray [PROJECT]` opens the window, `fineray demo [DIR]` opens it on the demo; the rest goes to fineray.cli."""
    multiprocessing.freeze_support()
    begin_program()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["--debug"]:
        from fineray.system.debug_log import begin_debug_log

        begin_debug_log()
        del given[0]
    demo = given[:1] == ["demo"] and not {"--no-window", "--json", "-h", "--help"} & set(given)
    if demo and not _has_display():
        sys.stderr.write("fineray: no display found; the demo runs without a window.\n")
        given.append("--no-window")
        demo = False
    opening = _to_open(given)
    if given and not demo and opening is None:
        from fineray.cli.main import main as command_line

        return command_line(given)
    if not _has_display():
        sys.stderr.write("fineray: no display found. Use a command instead; `fineray --help` lists them.\n")
        return 1
    demo_in: Path | None = None
    if demo:
        from fineray.system.user_folder import demo_folder

        options = argparse.ArgumentParser(prog="fineray demo")
        options.add_argument("folder", type=Path, nargs="?")
        demo_in = demo_folder(options.parse_args(given[1:]).folder)
    return open_window(opening, demo_in)


def _to_open(given: Sequence[str]) -> Path | None:
    """What a double click hands over: a project's folder, its file `project.fineray`, or a model package."""
    if len(given) != 1:
        return None
    path = Path(given[0])
    if path.suffix == ".fineray" and path.is_file():
        path = path.resolve().parent
    return path if (path / "catalogue.sqlite").is_file() or (path.suffix == ".frpkg" and path.is_file()) else None


def open_window(opening: Path | None, demo_in: Path | None) -> int:
    """Run the window until it is closed, opening a project or a model package; returns the exit status."""
    from PySide6.QtCore import QSettings, QTimer
    from PySide6.QtWidgets import QApplication

    from fineray.system.network_use import watch_network
    from fineray_desktop.leaving import Leaving
    from fineray_desktop.main_window import MainWindow
    from fineray_desktop.theme import apply_theme, wanted_theme

    app = QApplication(sys.argv[:1])
    app.setApplicationName("Fineray")
    app.setOrganizationName("Fineray")
    settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "Fineray", "Fineray")
    apply_theme(app, wanted_theme(str(settings.value("theme", "system"))))
    window = MainWindow(settings)
    watch_network(window.session.note_network)
    Leaving(app, window)
    sys.excepthook = _report_fault(window)
    window.show()
    if opening is not None:
        QTimer.singleShot(0, lambda: window.open_path(opening))
    elif demo_in is None:
        QTimer.singleShot(0, window.welcome_once)
    if demo_in is not None:
        QTimer.singleShot(0, lambda: window.start_demo(demo_in))
    ready = os.environ.get("FINERAY_READY")
    if ready:  # measuring the start: the window is there, and its event loop runs
        QTimer.singleShot(0, Path(ready).touch)
    return app.exec()


def _report_fault(window: MainWindow) -> Callable[..., None]:
    """A fault in the window itself: a report is kept and the window says so, instead of a line that nobody sees."""

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        from fineray.system.crash_report import keep_report

        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        sys.stderr.write(keep_report(error, trace))
        window.session.fail(
            f"Fineray met a fault of its own ({kind.__name__})",
            "",
            "Your project is safe. A report without names is kept on this computer (Help, Crash reports).",
        )

    return told


def _has_display() -> bool:
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    raise SystemExit(main())
