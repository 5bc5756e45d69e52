"""Libraries that would tell their makers that they are used, kept from it. (docs/threat-model.md lists them.)

`import fineray` does this, because every process of Fineray passes there before any library comes up: the window, a
command, a spawned worker, a decoding process, each process of torchrun. It touches reports on use and nothing else:
OpenVINO goes on with the stub that it brings for computers without its telemetry, and onnxruntime works as ever.
"""

from __future__ import annotations

import os
import sys
from typing import cast

# Imported by `import openvino`, as soon as it is there; its threads look up an analytics host, and it keeps a client id
# in the user's home.
REFUSED = ("openvino_telemetry",)
# onnxruntime (from 1.29 on, every system) reports from C as soon as it is loaded, names and hashes of models with it,
# and keeps a device id. The hub's client reports from Python. Both read these when they are loaded; children inherit.
SETTINGS = {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


def keep_libraries_silent() -> None:
    """From now on, in this process and those that it forks: the modules cannot be imported (Python's own way: None in
    `sys.modules`), and the settings hold, whatever they were before."""
    modules = cast("dict[str, object]", sys.modules)
    for name in REFUSED:
        modules[name] = None
    os.environ.update(SETTINGS)
