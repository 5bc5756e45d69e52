"""Training and explaining run where torch is and little else: a GPU machine has no window and no reader of DICOM."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_BARE = """
import sys

MISSING = {"PySide6", "pydicom", "monai", "lightning_fabric", "optuna", "platformdirs", "cleanlab", "openpyxl"}

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in MISSING:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Nowhere())
import fineray.explaining.saliency, fineray.project.splitting.make
import fineray.training.tuning.finetuning, fineray.training.model
import fineray.training.train, tests.bench.bench_gpu, tests.gpu.test_on_a_gpu
assert not MISSING & {name.split(".")[0] for name in sys.modules}
print("ready")
"""


@pytest.mark.integration
def test_training_needs_no_window_no_dicom_and_no_monai(home: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", _BARE], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.stdout.strip() == "ready", done.stderr[-2000:]
