"""Where this workstation keeps what belongs to the user and not to a project."""

from __future__ import annotations

import os
from pathlib import Path


def user_folder() -> Path:
    """Fineray's data folder of this user; the variable FINERAY_HOME names another (portable use, tests)."""
    chosen = os.environ.get("FINERAY_HOME")
    folder = Path(chosen) if chosen else _data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _data_folder() -> Path:
    import platformdirs  # where another folder is named, it need not be there

    return Path(platformdirs.user_data_dir("Fineray", appauthor=False))


def demo_folder(chosen: Path | None) -> Path:
    """Where the demo goes: the chosen folder, or the next free one in the user's data folder."""
    if chosen is not None:
        return chosen
    base = user_folder()
    numbered = (base / f"demo-{number}" for number in range(2, 10_000))
    return next(folder for folder in (base / "demo", *numbered) if not folder.exists())
