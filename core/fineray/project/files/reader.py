"""What a file is read by: a file that one reader refuses another may take."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version

from fineray import __version__

# Whatever decides whether a file can be read, and how.
LIBRARIES = (
    "pydicom",
    "Pillow",
    "imagecodecs",
    "pylibjpeg",
    "pylibjpeg-rle",
    "pylibjpeg-openjpeg",
    "pyjpegls",
    "numpy",
)


def reader() -> str:
    """Fineray's version and a short hash over those of the decoders."""
    return f"{__version__} {hashlib.sha256(' '.join(map(_version, LIBRARIES)).encode()).hexdigest()[:8]}"


def _version(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} -"
