"""The way that a hospital would go by hand: a package out of one project, images and labels into another."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fineray.package.contents import export_package
from fineray.package.opening import open_package
from fineray.prediction.validation import validate
from fineray.progress import Monitor
from fineray.project.files.importing import import_folders
from fineray.project.labels.guessing import LABEL_COLUMN
from fineray.project.labels.preview import apply_labels, preview_table
from fineray.project.project import Project, create_project, open_project
from fineray.project.runs import RunFolder, run


def validate_folder(
    project: Project, folder: RunFolder, images: Path, labels: Path, target: Path, monitor: Monitor
) -> str:
    """Judge a run on images that are in no project, labelled by a table; the name of the new run in the new project at
    `target`. Raises what the single steps raise."""
    with tempfile.TemporaryDirectory(prefix="fineray-") as temporary:
        package = Path(temporary) / "model.frpkg"
        export_package(project, folder, package, monitor=monitor)
        create_project(target, folder.metrics().backbone.stored_side)
        with open_project(target) as new:
            import_folders(new, [images], monitor=monitor)
            apply_labels(new, preview_table(new, labels, (LABEL_COLUMN,), ""))
        brought = open_package(package, target, monitor=monitor)
        with open_project(target) as new:
            return validate(new, run(new, brought.run), monitor).name
