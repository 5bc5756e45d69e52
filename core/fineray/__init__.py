"""Fineray's engine: a library without a screen.

In a notebook: ``import fineray``. The names below come from their modules when they are first asked for (PEP 562), so
that nobody waits for torch before it is needed, and the window never does.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fineray.system.silence import keep_libraries_silent

__version__ = "0.1.0"
RESEARCH_USE = "For research use only, not for diagnosis."

keep_libraries_silent()

if TYPE_CHECKING:  # what type checkers and editors see; _MODULES says the same to Python, and a test that they agree
    from fineray.dicom.radiograph import Radiograph
    from fineray.dicom.read import read_radiograph, read_radiographs
    from fineray.dicom.shades import shades
    from fineray.errors import FinerayError
    from fineray.evaluation.calibration import calibration
    from fineray.evaluation.intervals import proportion
    from fineray.evaluation.metrics import evaluate
    from fineray.evaluation.one_vs_rest import one_vs_rest
    from fineray.evaluation.predictions import Predictions
    from fineray.evaluation.roc_area import auc
    from fineray.explaining.explain import explain
    from fineray.package.contents import export_package
    from fineray.package.opening import open_package
    from fineray.prediction.predict import predict_folder
    from fineray.progress import Cancelled, Monitor
    from fineray.project.catalogue import image_table
    from fineray.project.files.importing import import_folders
    from fineray.project.files.options import ImportOptions
    from fineray.project.labels.preview import FromFolders, FromTable, apply_labels, preview_labels
    from fineray.project.project import Project, create_project, open_project
    from fineray.project.runs import RunFolder, run, runs
    from fineray.project.splits import SplitPlan
    from fineray.project.splitting.make import make_split
    from fineray.report.writing import write_report
    from fineray.training.recipe import Recipe
    from fineray.training.train import train

_MODULES = {
    "fineray.dicom.radiograph": ("Radiograph",),
    "fineray.dicom.read": ("read_radiograph", "read_radiographs"),
    "fineray.dicom.shades": ("shades",),
    "fineray.errors": ("FinerayError",),
    "fineray.evaluation.calibration": ("calibration",),
    "fineray.evaluation.intervals": ("proportion",),
    "fineray.evaluation.metrics": ("evaluate",),
    "fineray.evaluation.predictions": ("Predictions",),
    "fineray.evaluation.one_vs_rest": ("one_vs_rest",),
    "fineray.evaluation.roc_area": ("auc",),
    "fineray.explaining.explain": ("explain",),
    "fineray.package.contents": ("export_package",),
    "fineray.package.opening": ("open_package",),
    "fineray.prediction.predict": ("predict_folder",),
    "fineray.progress": ("Cancelled", "Monitor"),
    "fineray.project.catalogue": ("image_table",),
    "fineray.project.files.importing": ("import_folders",),
    "fineray.project.files.options": ("ImportOptions",),
    "fineray.project.labels.preview": ("FromFolders", "FromTable", "apply_labels", "preview_labels"),
    "fineray.project.project": ("Project", "create_project", "open_project"),
    "fineray.project.runs": ("RunFolder", "run", "runs"),
    "fineray.project.splits": ("SplitPlan",),
    "fineray.project.splitting.make": ("make_split",),
    "fineray.report.writing": ("write_report",),
    "fineray.training.recipe": ("Recipe",),
    "fineray.training.train": ("train",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "RESEARCH_USE",
    "Cancelled",
    "FinerayError",
    "FromFolders",
    "FromTable",
    "ImportOptions",
    "Monitor",
    "Predictions",
    "Project",
    "Radiograph",
    "Recipe",
    "RunFolder",
    "SplitPlan",
    "__version__",
    "apply_labels",
    "auc",
    "calibration",
    "create_project",
    "evaluate",
    "explain",
    "export_package",
    "image_table",
    "import_folders",
    "make_split",
    "one_vs_rest",
    "open_package",
    "open_project",
    "predict_folder",
    "preview_labels",
    "proportion",
    "read_radiograph",
    "read_radiographs",
    "run",
    "runs",
    "shades",
    "train",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
