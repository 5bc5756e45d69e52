"""Where this workstation keeps what belongs to the user and not to a project."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

# Where libraries keep what they can make again, and the variables that tell them so: fonts found, compiled kernels.
CACHES = {
    "MPLCONFIGDIR": "matplotlib",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "PYTORCH_KERNEL_CACHE_PATH": "kernels",
    "CUDA_CACHE_PATH": "cuda",
}


def user_folder() -> Path:
    """Fineray's data folder of this user; the variable FINERAY_HOME names another (portable use, tests).

    Nobody else may look into it: it holds where images lie, and such paths carry names. A folder that was there before
    and is named by the variable keeps the rights that its owner gave it.
    """
    folder = _user_folder()
    chosen = folder.exists() and "FINERAY_HOME" in os.environ
    folder.mkdir(parents=True, exist_ok=True)
    if os.name == "posix" and not chosen and folder.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):  # a drive that knows no rights
            folder.chmod(0o700)
    return folder


def _user_folder() -> Path:
    chosen = os.environ.get("FINERAY_HOME")
    if chosen:
        return Path(chosen)
    import platformdirs  # where another folder is named, it need not be there

    return Path(platformdirs.user_data_dir("Fineray", appauthor=False))


def keep_caches_together() -> None:
    """Let the libraries of this process and its children keep their caches in the user's data folder, not all over the
    home; folders that were chosen before stay. Nothing is made until a library has something to keep."""
    for variable, name in CACHES.items():
        os.environ.setdefault(variable, str((_user_folder() / "caches" / name).absolute()))


def demo_folder(chosen: Path | None) -> Path:
    """Where the demo goes: the chosen folder, or the next free one in the user's data folder."""
    if chosen is not None:
        return chosen
    base = user_folder()
    numbered = (base / f"demo-{number}" for number in range(2, 10_000))
    return next(folder for folder in (base / "demo", *numbered) if not folder.exists())
