"""Packages, as they are written and as somebody may have changed them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from fineray.package.contents import export_package
from fineray.project.project import open_project
from fineray.project.runs import run


def packed(study: Path, name: str, output: Path, **how: object) -> Path:
    """Write a run of a study as a package; `how` goes to export_package()."""
    with open_project(study) as project:
        export_package(project, run(project, name), output, **how)  # type: ignore[arg-type]
    return output


def rewritten(package: Path, output: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The package with its members changed, in whatever way."""
    with zipfile.ZipFile(package) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(output, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return output
