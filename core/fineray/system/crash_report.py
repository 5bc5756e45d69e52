"""What went wrong inside Fineray, kept on this computer for whoever mends it: where in the code, on what system.

No message of an exception is kept, since it may name files or patients; the places in the code do not.
"""

from __future__ import annotations

import platform
import sys
import traceback
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType

from fineray import __version__
from fineray.errors import FinerayError, device_error, storage_error
from fineray.system.user_folder import user_folder

MOST_KEPT = 20
LIBRARIES = ("PySide6-Essentials", "torch", "torchvision", "numpy", "pydicom", "monai", "timm")


def crash_folder() -> Path:
    """Where reports lie."""
    folder = user_folder() / "crashes"
    folder.mkdir(exist_ok=True)
    return folder


def report_of(error: BaseException, trace: TracebackType | None = None) -> str:
    """An error as text without identity: kinds of exceptions and places in the code, the innermost last."""
    lines = [f"Fineray {__version__}, {datetime.now(UTC).isoformat(timespec='seconds')}", system_of()]
    seen: BaseException | None = error
    chain = []
    while seen is not None and seen not in chain:
        chain.append(seen)
        seen = seen.__cause__ or seen.__context__
    for each in reversed(chain):
        lines.append("")
        frames = traceback.extract_tb(trace if each is error and trace is not None else each.__traceback__)
        lines += [f"  {_inside(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]
        lines.append(f"{type(each).__module__}.{type(each).__qualname__}")
    return "\n".join(lines) + "\n"


def system_of() -> str:
    """The system, Python and the libraries, in two lines."""
    libraries = ", ".join(f"{name} {found}" for name in LIBRARIES if (found := _version(name)))
    kind = f"{platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}"
    return f"{kind}\n{libraries}"


class OwnFault(FinerayError):
    """Something that should not happen did. details: the report that was kept."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(
            f"Fineray met a fault of its own ({type(error).__name__})",
            todo="Your project is safe. Start the step again; if it happens again, report it with the details.",
        )
        self.details = keep_report(error)


def to_user(error: Exception) -> FinerayError:
    """An error in the user's words; one that nobody foresaw is a fault of our own, of which a report is kept."""
    if isinstance(error, FinerayError):
        return error
    return storage_error(error) or device_error(error) or OwnFault(error)


def keep_report(error: BaseException, trace: TracebackType | None = None) -> str:
    """Keep a report, the 20 latest of them; its text. A disk that refuses is no reason for another error."""
    text = report_of(error, trace)
    try:
        folder = crash_folder()
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        (folder / f"{stamp}.txt").write_text(text, "utf-8")
        for old in sorted(folder.glob("*.txt"))[:-MOST_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        pass
    return text


def kept_reports() -> list[Path]:
    """The reports kept, the newest first."""
    return sorted(crash_folder().glob("*.txt"), reverse=True)


def _inside(file: str) -> str:
    """A file of code by its place inside its package: the way to it may hold a user's name."""
    path = Path(file)
    for place in sorted(map(Path, filter(None, sys.path)), key=lambda each: -len(each.parts)):
        if place in path.parents:
            return path.relative_to(place).as_posix()
    return path.name


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
