"""What the frozen program does without, and why it may.

installer/check and the tests hold UNUSED against what Fineray loads where it is not frozen: a name that comes up there
would be missed. UNWANTED may come up: the program goes without, and installer/check shows that it does.
"""

import re
from importlib.util import find_spec
from pathlib import Path

UNUSED = (
    *("tkinter", "IPython", "jupyter", "notebook", "pytest", "hypothesis", "mypy", "ruff"),
    *("PyQt5", "PyQt6", "PySide2", "PySide6.QtQml", "PySide6.QtQuick", "PySide6.QtQuickWidgets", "PySide6.QtSql"),
    *("PySide6.QtDesigner", "PySide6.QtHelp", "PySide6.QtUiTools", "OpenGL"),
    *("tensorboard", "torch.utils.tensorboard", "tensorflow", "jax", "cupy", "mlflow", "transformers"),
    *("statsmodels", "cv2", "nibabel", "itk", "skimage"),
)
UNWANTED = (
    *("readline", "_gdbm", "dbm.gnu"),  # under the GPL; Python's own pdb and cmd do without
    "openvino_telemetry",  # would speak to its makers; OpenVINO has a stub for where it is not installed
    "hf_xet",  # faster downloads from a hub that Fineray never asks
)


def torchvision_cannot_load_operators() -> bool:
    """Whether torchvision was built for CUDA and torch was not: the operators of the one need the other's libraries.

    Elsewhere they do load, and naming them beforehand (torchvision_without_operators) would end the program.
    """
    spec = find_spec("torch")  # looked at, not imported: that takes seconds
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent
    version = (folder / "version.py").read_text("utf-8")
    for_cpu = re.search(r"^(cuda|hip)\b[^=]*= *'", version, re.MULTILINE) is None
    return for_cpu and any((folder.parent / "torchvision.libs").glob("libcudart*"))
