"""What every error that reaches a user says: what went wrong, where, and what to do."""

from __future__ import annotations

import difflib
import errno
import re
import sqlite3
from collections.abc import Iterable


class FinerayError(Exception):
    """Base of all errors meant for the user.

    Parameters
    ----------
    what : str
        One sentence on what went wrong.
    where : str
        The file, folder or setting concerned; may be empty.
    todo : str
        One sentence on what to do.

    Examples
    --------
    >>> import fineray
    >>> try:
    ...     fineray.open_project("studdy")
    ... except fineray.FinerayError as error:
    ...     print(error.what, error.todo, sep="; ")
    No Fineray project lies in this folder; Did you mean study?
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what, where, todo)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.what}{place}. {self.todo}".strip()


FEW = 8  # names that are all listed where none is near


def nearest(name: str, known: Iterable[str], none: str) -> str:
    """What to do about a name that is not known: up to three near ones, or all where they are few; `none` where there
    are none at all."""
    names = list(dict.fromkeys(known))
    by_fold = {each.casefold(): each for each in reversed(names)}
    close = [by_fold[each] for each in difflib.get_close_matches(name.casefold(), by_fold, n=3, cutoff=0.6)]
    if close:
        return f"Did you mean {_or(close)}?"
    if not names:
        return none
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return f"There is {', '.join(names[:FEW])}{more}." if len(names) > 1 else f"There is only {names[0]}."


def _or(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


class DiskFull(FinerayError):
    """No room is left for the project; what was saved before stays."""


class StorageUnavailable(FinerayError):
    """The project folder cannot be read or written."""


class MemoryFull(FinerayError):
    """The memory of the computer or of its GPU does not suffice."""


class DeviceLost(FinerayError):
    """The GPU failed under a computation; the process that used it cannot use it again."""


def device_error(error: BaseException) -> FinerayError | None:
    """The user-facing form of a full memory or a failed GPU, or None if it is another kind. Knows torch's errors by
    name: whoever asks may not have imported it."""
    name, text = type(error).__name__, str(error)
    if name == "OutOfMemoryError":
        return MemoryFull(
            "The memory of the GPU is full",
            todo="Close what else uses it, or choose a smaller batch or input, and start the step again.",
        )
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "can't allocate memory" in text):
        return MemoryFull(
            "This computer's memory is full",
            todo="Close other programs, or choose a smaller batch or input, and start the step again.",
        )
    if name == "AcceleratorError" or (isinstance(error, RuntimeError) and _GPU_FAILED.search(text)):
        return DeviceLost(
            "The GPU stopped working",
            todo="What was finished is kept: start the step again. If it happens again, restart this computer, or let"
            " Fineray use the CPU (variable FINERAY_DEVICE=cpu).",
        )
    return None


_GPU_FAILED = re.compile("CUDA error|CUDA driver error|cuDNN error|CUBLAS_STATUS|MPS backend|NCCL error", re.IGNORECASE)
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def storage_error(error: Exception) -> FinerayError | None:
    """The user-facing form of an operating system or SQLite storage error, or None if it is another kind."""
    text = str(error)
    number = _OS_ERROR.search(text) if type(error).__name__ == "SafetensorError" else None
    if number:  # written in Rust, which tells the system's error in words alone
        error = OSError(int(number[1]), text)
    if (isinstance(error, OSError) and error.errno in _FULL_ERRNOS) or (
        isinstance(error, sqlite3.Error) and "disk is full" in text
    ):
        return DiskFull(
            "There is no room left on the disk that is written to",
            todo="Free some space and start the step again; everything saved so far is kept.",
        )
    if isinstance(error, sqlite3.OperationalError) and ("readonly" in text or "unable to open" in text):
        return StorageUnavailable(
            "The project folder cannot be written",
            todo="Check that the folder still exists and that you may write to it, then open the project again.",
        )
    if isinstance(error, sqlite3.Error) and "disk I/O error" in text:
        return StorageUnavailable(
            "The disk that holds the project refused to read or write",
            todo="Check that the disk is connected and has room left, then start the step again.",
        )
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno == errno.EROFS):
        return StorageUnavailable(
            "Fineray may not read or write there",
            where=str(error.filename or ""),
            todo="Choose another folder, or ask whoever administers this computer for access.",
        )
    return None
