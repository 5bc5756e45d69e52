"""What every process that Fineray starts has to hold to."""

from __future__ import annotations

import os

from fineray.system.user_folder import keep_caches_together


def begin_program() -> None:
    """What the window and each command do first, for themselves and the processes that they start: caches lie in the
    user's data folder, and a library that would fetch a model by itself raises instead of going online."""
    keep_caches_together()
    os.environ["HF_HUB_OFFLINE"] = "1"  # `fineray weights download` does not go through the hub's client


def without_working_folder() -> None:
    """Let child processes of Python leave the working folder out of where they import from: it may be a folder of
    images, and a file in it that is called like a module would run. (PYTHONSAFEPATH, Python 3.11.)"""
    os.environ["PYTHONSAFEPATH"] = "1"
