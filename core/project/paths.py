"""Where this workstation keeps what belongs to the user and not to a project."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def user_folder() -> Path:
    """Fineray's data folder of this user; the variable FINERAY_HOME names another (portable use, tests)."""
    chosen = os.environ.get("FINERAY_HOME")
    folder = Path(chosen) if chosen else Path(platformdirs.user_data_dir("Fineray", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
