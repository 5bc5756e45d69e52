"""Says which library is being loaded: from a cold disk PyTorch alone takes many seconds, and nothing else happens."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from fineray.progress import Loading, Monitor

# What takes a person's time to import, by the name of its outermost package.
TITLES = {
    "cleanlab": "cleanlab",
    "gdcm": "GDCM",
    "imagecodecs": "imagecodecs",
    "lightning_fabric": "Lightning Fabric",
    "matplotlib": "Matplotlib",
    "monai": "MONAI",
    "onnx": "ONNX",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "optuna": "Optuna",
    "pandas": "pandas",
    "pydicom": "pydicom",
    "pynetdicom": "pynetdicom",
    "reportlab": "ReportLab",
    "scipy": "SciPy",
    "sklearn": "scikit-learn",
    "timm": "timm",
    "torch": "PyTorch",
    "torchvision": "torchvision",
}


@contextmanager
def loading_told(monitor: Monitor) -> Iterator[None]:
    """Inside, the first import of each of these libraries is reported as it begins and as it ends.

    Only what this thread imports counts: a monitor is spoken to by one thread.
    """
    watch = _Watch(monitor)
    sys.meta_path.insert(0, watch)
    try:
        yield
    finally:
        sys.meta_path.remove(watch)


class _Watch(MetaPathFinder):
    """Finds nothing itself: it has the other finders find, and stands beside what they found while that is run."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._thread = threading.get_ident()
        self._under_way: list[str] = []  # one library imports another

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in TITLES or threading.get_ident() != self._thread:
            return None
        others = (each for each in sys.meta_path if each is not self and hasattr(each, "find_spec"))
        found = next((spec for each in others if (spec := each.find_spec(fullname, path, target)) is not None), None)
        if found is not None and found.loader is not None:
            self._stand_beside(found, TITLES[fullname])
        return found

    def _stand_beside(self, found: ModuleSpec, title: str) -> None:
        loader: Any = found.loader  # whose method gives way to a function, once
        run = loader.exec_module

        def told(module: ModuleType) -> None:
            del loader.exec_module  # the loader is as it was
            self._under_way.append(title)
            self._monitor.report(Loading(title))
            try:
                run(module)
            finally:
                self._under_way.pop()
                self._monitor.report(Loading(self._under_way[-1] if self._under_way else ""))

        # Looking for a library (importlib.util.find_spec) is not loading it: only running its code is reported.
        loader.exec_module = told
