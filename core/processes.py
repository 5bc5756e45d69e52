"""What every process that Fineray starts has to hold to."""

from __future__ import annotations

import os


def without_working_folder() -> None:
    """Let child processes of Python leave the working folder out of where they import from: it may be a folder of
    films, and a file in it that is called like a module would run. (PYTHONSAFEPATH, Python 3.11.)"""
    os.environ["PYTHONSAFEPATH"] = "1"
