"""A project for the length of one task: images that are looked at once and then forgotten."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fineray.project.project import Project, create_project, open_project


@contextmanager
def scratch_project(side: int, like: Project) -> Iterator[Project]:
    """An empty project in a folder of its own, that keeps images of this longest side and hashes identifiers as another
    project does; nothing of it is left behind, neither pixels nor paths."""
    with tempfile.TemporaryDirectory(prefix="fineray-", ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "images"
        create_project(root, side, like)
        project = open_project(root)
        try:
            yield project
        finally:
            project.close()
            project.sources.forget()
