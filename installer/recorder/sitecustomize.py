"""Keep the names of all modules that a process loads, in a file of its own below $FINERAY_MODULES.

Python imports this by itself where this folder is on PYTHONPATH, in child processes as well. Names are written as they
come: a worker that is killed has told of nearly all that it loaded. With installer/pyinstaller on PYTHONPATH too,
torchvision loads as it does in the frozen program.
"""

import atexit
import os
import sys
from contextlib import suppress
from pathlib import Path

_known = set()
_folder = os.environ.get("FINERAY_MODULES", "")
_file = Path(_folder) / f"{os.getpid()}-{os.urandom(4).hex()}.txt" if _folder else None


def _keep() -> None:
    """Write the modules that were loaded to their end since the last time, each with its place."""
    lines = []
    for name in sys.modules.keys() - _known:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        if spec is None or not getattr(spec, "_initializing", False):
            _known.add(name)
            if getattr(spec, "origin", None):  # not a namespace, nor made while the program ran
                lines.append(f"{name}\t{spec.origin}\n")
    if lines:
        with _file.open("a", encoding="utf-8") as file:
            file.write("".join(lines))


def _told(event: str, _words: tuple) -> None:
    if event == "import" and os.getpid() == _process:
        _keep()


with suppress(ImportError):
    import left_out

    if left_out.torchvision_cannot_load_operators():
        import torchvision_without_operators  # noqa: F401
if _file is not None:
    _process = os.getpid()  # a fork would write twice
    sys.addaudithook(_told)
    atexit.register(_keep)
