"""The benchmarks still run; their figures are taken by hand, on a quiet machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.demo.study import write_study
from core.progress import Monitor

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study with labels.csv."""
    return write_study(tmp_path_factory.mktemp("bench") / "films", Monitor(), patients=14).parent


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bench_main_job", "five folds"),
        ("bench_decoders", "pyjpegls"),
        ("bench_import", "killed import"),
        ("bench_catalogue", "through the wall"),
        ("bench_checks", "all checks of 80 films"),
        ("bench_memory", "finetune"),
        ("bench_review", "Grad-CAM with its checks"),
        ("bench_gpu", "images/s" if torch.cuda.is_available() else "no CUDA GPU here"),
    ],
)
def test_it_runs(name: str, said: str, study: Path) -> None:
    argument = {"bench_import": "60", "bench_catalogue": "300", "bench_checks": "80", "bench_memory": "40"}.get(
        name, str(study)
    )
    done = subprocess.run(
        [sys.executable, "-m", f"tests.bench.{name}", argument],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_transfer_is_compared(study: Path) -> None:
    command = [sys.executable, "-m", "tests.bench.bench_transfer", str(study), "--only", "tutorial", "frozen"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert [line.split()[0] for line in lines] == ["method", "tutorial", "frozen"] and "failed" not in done.stdout
