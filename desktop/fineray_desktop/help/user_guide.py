"""The documentation site that the installers bring along."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

ABSENT = "The guide comes with the installers. This Fineray was installed without it; docs/build_site makes it."


def user_guide() -> Path | None:
    """Its first page; None where it was not brought along."""
    page = Path(str(resources.files("fineray_resources").joinpath("site", "index.html")))
    return page if page.is_file() else None


def open_user_guide(page: Path) -> None:
    """Show it in the user's browser, which reads it from the disk."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))
